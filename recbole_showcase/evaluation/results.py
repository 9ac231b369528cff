"""What a test leaves beside its checkpoint: its figures, and what each user adds to them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recbole_showcase.errors import CheckpointError, DataError
from recbole_showcase.evaluation.surroundings import Surroundings
from recbole_showcase.files.replace import replace_text, replaced
from recbole_showcase.metrics import Comparison, Statistics, paired_bootstrap
from recbole_showcase.metrics.bleu import bleu_of_sums, sacre_bleu_of_sums
from recbole_showcase.metrics.ratings import root_of_mean
from recbole_showcase.metrics.statistics import ratio
from recbole_showcase.settings import stored_as

# Keys of a result file, among the names of figures.
_BASIS = "rests_on"
_MADE = "made_by"
_DIGEST = "sha256"
FORMAT = "recbole_showcase user sums 1"
# How a value follows from sums, by the name that stands in files.
_FORMS: Mapping[str, Callable[[NDArray[np.float64]], float]] = {
    "mean": ratio,
    "root": root_of_mean,
    "bleu": bleu_of_sums,
    "sacrebleu": sacre_bleu_of_sums,
}
UserSums = tuple[NDArray[np.str_], Statistics]  # tokens of users (U,), and a row of each (U, S)


@dataclass(frozen=True)
class Source:
    """Where to read the user sums of a figure.

    Attributes:
        path: The file of a run.
        figure: The name of the figure in the run's result.
    """

    path: Path
    figure: str


@dataclass(frozen=True)
class Basis:
    """On how many rows of a split its figures rest.

    Attributes:
        rows: Interactions of the split, which the recommender's figures rest on.
        explained: Those that were explained, which the figures of explanations rest on.
        texts_unused: Those with a text but fewer photos than ``showcase_min_photos``.
    """

    rows: int
    explained: int
    texts_unused: int

    def __str__(self) -> str:
        """One line for logs and pages."""
        said = (
            f"recommendation figures rest on {self.rows:,} rows, figures of explanations on "
            f"{self.explained:,} of them, which have a text and photos"
        )
        unused = f"; {self.texts_unused:,} with a text have too few photos (showcase_min_photos)"
        return said + unused * bool(self.texts_unused)


def result_file(checkpoint: str | Path) -> Path:
    """Where the test result of a checkpoint is."""
    return Path(checkpoint).with_suffix(".test.json")


def save_result(
    checkpoint: str | Path,
    result: Mapping[str, float],
    basis: Basis | None = None,
    made: Surroundings | None = None,
) -> None:
    """Write a test result beside its checkpoint, what it rests on and hangs on, whole or not."""
    plain: dict[str, Any] = {name: float(value) for name, value in result.items()}
    if basis is not None:
        plain[_BASIS] = asdict(basis)
    if made is not None:
        plain[_MADE] = asdict(made)
    plain[_DIGEST] = _digest(plain)
    replace_text(result_file(checkpoint), json.dumps(plain, indent=2))


def load_result(checkpoint: str | Path) -> dict[str, float] | None:
    """The test result beside a checkpoint, None if there is none.

    Raises:
        CheckpointError: If the file is damaged.
    """
    return _content(checkpoint)[0]


def load_basis(checkpoint: str | Path) -> Basis | None:
    """What that result rests on, None if the file does not say.

    Raises:
        CheckpointError: If the file is damaged.
    """
    return _content(checkpoint)[1]


def load_surroundings(checkpoint: str | Path) -> Surroundings | None:
    """What that result hangs on beside settings, None if the file does not say.

    Raises:
        CheckpointError: If the file is damaged.
    """
    return _content(checkpoint)[2]


def _content(
    checkpoint: str | Path,
) -> tuple[dict[str, float] | None, Basis | None, Surroundings | None]:
    path = result_file(checkpoint)
    if not path.is_file():
        return None, None, None
    try:
        content = stored_as(dict[str, Any], path.read_bytes())
        digest = content.pop(_DIGEST, None)
        if digest is not None and digest != _digest(content):
            raise ValueError(f"its figures are not those that its {_DIGEST} is of")
        basis, made = content.pop(_BASIS, None), content.pop(_MADE, None)
        return (
            stored_as(dict[str, float], json.dumps(content)),
            None if basis is None else stored_as(Basis, json.dumps(basis)),
            None if made is None else stored_as(Surroundings, json.dumps(made)),
        )
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"test result '{path}' is damaged: {error}; delete it to do without, or test again"
        ) from error


def _digest(content: Mapping[str, Any]) -> str:
    """SHA-256 of plain data, which notices a digit that a disk or a hand has changed."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def user_sums_file(checkpoint: str | Path) -> Path:
    """Where the user sums of the test of a checkpoint are."""
    return Path(checkpoint).with_suffix(".user_sums.npz")


def save_user_sums(
    path: Path, users: NDArray[np.str_], statistics: Mapping[str, Statistics]
) -> None:
    """Write what each user adds, whole or not at all.

    Args:
        path: The file: an ``.npz`` of plain arrays.
        users: Their tokens (U,).
        statistics: By figure, such as ``ndcg@10``, with a row for each user (U, S). Those whose
            ``finish`` no file can name, of a metric of somebody else's, are left out.
    """
    forms = {finish: form for form, finish in _FORMS.items()}
    arrays: dict[str, Any] = {"format": np.array(FORMAT), "users": users.astype(np.str_)}
    for name, given in statistics.items():
        if given.finish in forms:
            arrays[f"{forms[given.finish]} {name}"] = given.rows
    with replaced(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, **arrays)


def read_user_sums(path: Path, figure: str) -> UserSums | None:
    """What each user adds to one figure.

    Args:
        path: What :func:`save_user_sums` wrote.
        figure: Its name.

    Returns:
        The users that add anything (U,), and a row of each (U, S); None if the figure does not
        follow from sums over users, or no user adds anything.

    Raises:
        DataError: If the file is damaged, or is another one.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            if str(file["format"]) != FORMAT:
                raise ValueError(f"its format is '{file['format']}', not '{FORMAT}'")
            forms = [form for form in _FORMS if f"{form} {figure}" in file.files]
            if not forms:
                return None
            users, rows = file["users"], file[f"{forms[0]} {figure}"]
            if users.dtype.kind != "U" or rows.dtype.kind not in "fiu":
                raise ValueError(f"'{figure}' is of {rows.dtype} for users of {users.dtype}")
            if users.ndim != 1 or rows.ndim != 2 or len(rows) != len(users):
                raise ValueError(f"'{figure}' has shape {rows.shape} for {users.shape} users")
            if not np.isfinite(rows).all():
                raise ValueError(f"'{figure}' has values that are no numbers")
    except Exception as error:  # a damaged archive raises nearly anything in NumPy's reader
        raise DataError(
            f"{path} cannot be read: {error}; delete it to do without tests over users, or the "
            "record beside it as well to run again"
        ) from error
    adds = rows.any(axis=1)
    return (users[adds], Statistics(rows[adds], _FORMS[forms[0]])) if adds.any() else None


def compare_over_users(
    first: Mapping[int, Source], second: Mapping[int, Source], rounds: int | None = None
) -> Comparison | None:
    """The paired bootstrap over users, over the seeds that both systems have.

    The value of a draw of users is the mean of its values over the seeds: a user that is drawn
    is drawn in all of them, for both systems.

    Args:
        first: Where to read a figure of one system, by seed.
        second: The same of the other.
        rounds: How often to draw users, as for ``paired_bootstrap``.

    Returns:
        The first minus the second; None if no seed has users of both.

    Raises:
        DataError: A file is damaged.
    """
    sides: tuple[list[UserSums], list[UserSums]] = [], []
    for seed in sorted(first.keys() & second.keys()):
        one, other = (read_user_sums(s[seed].path, s[seed].figure) for s in (first, second))
        if one is not None and other is not None:
            sides[0].append(one)
            sides[1].append(other)
    if not sides[0]:
        return None
    users = np.unique(np.concatenate([own for side in sides for own, _ in side]))
    one_system, other_system = (_over_seeds(side, users) for side in sides)
    return paired_bootstrap(one_system, other_system, np.arange(len(users)), rounds=rounds)


def _over_seeds(runs: Sequence[UserSums], users: NDArray[np.str_]) -> Statistics:
    """The runs of several seeds as one system (U, seeds * S), whose value is the mean of theirs."""
    parts = [given.summed(np.searchsorted(users, own), len(users)) for own, given in runs]
    ends = np.cumsum([part.rows.shape[1] for part in parts])[:-1]

    def finish(total: NDArray[np.float64]) -> float:
        sums = np.split(total, ends)
        return float(np.mean([part.finish(own) for part, own in zip(parts, sums, strict=True)]))

    return Statistics(np.concatenate([part.rows for part in parts], axis=1), finish)
