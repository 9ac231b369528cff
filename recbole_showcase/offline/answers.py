"""Batches of tokens that are asked for, as rows of showcases and ids that nothing is known of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from recbole_showcase.composed.growing import Known
from recbole_showcase.composed.ranking import Ranked
from recbole_showcase.data.pairs import Pairs
from recbole_showcase.encoders.store import digest_of_file
from recbole_showcase.integration.outside import import_code
from recbole_showcase.offline.fingerprints import data_record, fingerprint
from recbole_showcase.offline.folder import Unknown
from recbole_showcase.offline.rows import table_of
from recbole_showcase.recommender import ShowcaseRecommender, load_explainer

Batch = dict[str, list[str]]  # tokens (B,) under "user", and under "item" where they are of pairs


@dataclass(frozen=True)
class Facts:
    """What there is to explain with.

    Attributes:
        settings: The model, the data and what else the rows depend on, as plain data.
        users: Tokens of all users, in their order.
        data_folder: The data set's folder.
    """

    settings: dict[str, Any]
    users: list[str]
    data_folder: str


@dataclass(frozen=True)
class Answer:
    """What became of a batch.

    Attributes:
        rows: The showcases, None where there are none.
        unknown: By kind what could not be answered.
        asked: How many users or pairs were asked for.
        by: What explained, as :class:`Facts` has it, without what its digest stands for.
    """

    rows: pa.Table | None
    unknown: dict[str, Unknown]
    asked: int
    by: dict[str, Any]

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the rows in Arrow's own format; ray's own way with tables wants old packages."""
        return _unpickled, (_packed(self.rows), self.unknown, self.asked, self.by)


def _packed(rows: pa.Table | None) -> bytes | None:
    if rows is None:
        return None
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as stream:
        stream.write_table(rows)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _unpickled(packed: bytes | None, *others: Any) -> Answer:
    return Answer(None if packed is None else pa.ipc.open_stream(packed).read_all(), *others)


@dataclass(frozen=True)
class Explaining:
    """How a process comes to explain, wherever it is.

    Attributes:
        checkpoint: As in :func:`load_explainer`, as the following are.
        device: Such as ``cpu``.
        photo_folder: Where the photos are.
        imports: Modules of parts and recommenders of others.
        data_path: The folder that holds the data set's.
        allow_paths: What else the checkpoint may lead to outside the working directory.
        top_k: Recommendations of a user.
        code: Parts and recommenders of others that are known where the work is shared out.
        known: As in :func:`load_explainer`.
    """

    checkpoint: Path
    device: str | None
    photo_folder: str | Path | None
    imports: tuple[str, ...]
    data_path: str | Path | None
    allow_paths: tuple[str | Path, ...]
    top_k: int
    code: tuple[Mapping[str, Any], ...]
    known: Known = "training"

    def __call__(self) -> Answers:
        """Load the model and its data."""
        import_code(self.code)
        recommender = load_explainer(
            self.checkpoint,
            self.device,
            self.photo_folder,
            self.imports,
            self.data_path,
            self.allow_paths,
            self.known,
        )
        return Answers(recommender, self.top_k, digest_of_file(self.checkpoint))


class Answers:
    """Answers batches, as ``recommend`` and ``explain`` with ``unknown="skip"`` do."""

    def __init__(self, recommender: ShowcaseRecommender, top_k: int, checkpoint: str) -> None:
        """Prepare to answer.

        Args:
            recommender: The trained model.
            top_k: Recommendations of a user.
            checkpoint: The digest of its file.
        """
        self._recommender, self._top_k = recommender, top_k
        data, photos = data_record(recommender), recommender.photo_folder
        self._by = {
            "model": f"{recommender.model_name} {checkpoint}",
            "data_fingerprint": fingerprint(recommender.dataset_name, data),
            "device": str(recommender.model.device),
            "photo_folder": None if photos is None else str(photos.root.resolve()),
        }
        self._settings = self._by | {"data": data}
        everybody = np.arange(recommender.model.showcase.data.corpus.n_users)
        self._lost = recommender.without_sequence(everybody)

    def facts(self, with_users: bool) -> Facts:
        """What there is to explain with; its users where they are wanted."""
        users = self._recommender.users if with_users else []
        return Facts(self._settings, users, str(self._recommender.data_folder))

    def of(self, batch: Batch) -> Answer:
        """Showcases of users, or of pairs."""
        unknown: dict[str, Unknown] = {}
        asked = self._known(batch, unknown)
        rows = None
        if asked is not None:
            model, data = self._by["model"], self._by["data_fingerprint"]
            rows = table_of(self._recommender, asked, str(model), str(data))
        return Answer(rows, unknown, len(batch["user"]), self._by)

    def _known(self, batch: Batch, unknown: dict[str, Unknown]) -> Ranked | Pairs | None:
        """Those of a batch that can be answered, None for nobody; the others are noted."""
        users = self._ids("user", batch, unknown)
        if "item" in batch:
            items = self._ids("item", batch, unknown)
            known = np.flatnonzero((users > 0) & (items > 0))
            return Pairs.of_ids(users[known], items[known]) if len(known) else None
        lost = self._lost[users] & (users > 0)
        _note(unknown, "user without a sequence", batch["user"], lost)
        known = np.flatnonzero((users > 0) & ~lost)
        return self._recommender.ranked(users[known], self._top_k) if len(known) else None

    def _ids(
        self, kind: Literal["user", "item"], batch: Batch, unknown: dict[str, Unknown]
    ) -> np.ndarray:
        ids = self._recommender.find(kind, batch[kind])
        _note(unknown, kind, batch[kind], ids == 0)
        return ids


def _note(unknown: dict[str, Unknown], kind: str, tokens: list[str], which: np.ndarray) -> None:
    if which.any():
        unknown.setdefault(kind, Unknown()).add([tokens[n] for n in np.flatnonzero(which)])
