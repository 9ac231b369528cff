"""What each user adds to the figures of a test, kept beside them so that runs can be compared."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recbole_showcase.errors import DataError
from recbole_showcase.files.replace import replaced
from recbole_showcase.metrics import Statistics
from recbole_showcase.metrics.bleu import bleu_of_sums, sacre_bleu_of_sums
from recbole_showcase.metrics.statistics import ratio

FORMAT = "recbole_showcase units 1"
# How a value follows from sums, by the name that stands in files.
_FORMS: Mapping[str, Callable[[NDArray[np.float64]], float]] = {
    "mean": ratio,
    "bleu": bleu_of_sums,
    "sacrebleu": sacre_bleu_of_sums,
}
# What a file that was cut short or written over raises, depending on where.
_DAMAGES = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)


def units_file(checkpoint: str | Path) -> Path:
    """Where the units of the test of a checkpoint are."""
    return Path(checkpoint).with_suffix(".units.npz")


def save_units(path: Path, users: NDArray[np.str_], statistics: Mapping[str, Statistics]) -> None:
    """Write what each user adds, whole or not at all.

    Args:
        path: The file: an ``.npz`` of plain arrays.
        users: Their tokens (U,).
        statistics: By figure, such as ``ndcg@10``, with a row a user (U, S).
    """
    forms = {finish: form for form, finish in _FORMS.items()}
    arrays: dict[str, Any] = {"format": np.array(FORMAT), "users": users.astype(np.str_)}
    for name, given in statistics.items():
        arrays[f"{forms[given.finish]} {name}"] = given.rows
    with replaced(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, **arrays)


def read_units(path: Path, figure: str) -> tuple[NDArray[np.str_], Statistics] | None:
    """What each user adds to one figure.

    Args:
        path: What :func:`save_units` wrote.
        figure: Its name.

    Returns:
        The users that add anything (U,), and a row of each (U, S); None where the figure does not
        follow from sums over users, or nobody adds anything.

    Raises:
        DataError: If the file is damaged, or is none of units.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            if str(file["format"]) != FORMAT:
                raise ValueError(f"its format is '{file['format']}', not '{FORMAT}'")
            forms = [form for form in _FORMS if f"{form} {figure}" in file.files]
            if not forms:
                return None
            users, rows = file["users"], file[f"{forms[0]} {figure}"]
            if rows.ndim != 2 or len(rows) != len(users):
                raise ValueError(f"'{figure}' has shape {rows.shape} for {len(users)} users")
    except _DAMAGES as error:
        raise DataError(
            f"{path} cannot be read: {error}; delete it to do without tests over users, or the "
            "record beside it as well to run again"
        ) from error
    adds = rows.any(axis=1)
    return (users[adds], Statistics(rows[adds], _FORMS[forms[0]])) if adds.any() else None
