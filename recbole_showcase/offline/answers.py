"""Batches of tokens that are asked for, as rows of showcases and ids that nothing is known of."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pyarrow as pa

from recbole_showcase.composed.ranking import Ranked
from recbole_showcase.data.pairs import Pairs
from recbole_showcase.offline.folder import Unknown
from recbole_showcase.offline.rows import table_of
from recbole_showcase.recommender import ShowcaseRecommender


class Answers:
    """Answers batches, as ``recommend`` and ``explain`` with ``unknown="skip"`` do."""

    def __init__(self, recommender: ShowcaseRecommender, top_k: int, model: str, data: str) -> None:
        """Prepare to answer.

        Args:
            recommender: The trained model.
            top_k: Recommendations of a user.
            model: Which model it is, for the rows.
            data: What it explains from, for the rows.
        """
        self._recommender, self._top_k = recommender, top_k
        self._model, self._data = model, data
        everybody = np.arange(recommender.model.showcase.data.corpus.n_users)
        self._lost = recommender.without_sequence(everybody)

    def of(self, batch: pa.Table, unknown: dict[str, Unknown]) -> pa.Table | None:
        """Showcases of users (B,), or of pairs (B,) where the batch has a column ``item``.

        Args:
            batch: The tokens.
            unknown: By kind what could not be answered so far; what is found is added.

        Returns:
            The rows; None where nobody can be answered.
        """
        users = self._ids("user", batch, unknown)
        asked: Ranked | Pairs
        if "item" in batch.column_names:
            items = self._ids("item", batch, unknown)
            known = np.flatnonzero((users > 0) & (items > 0))
            asked = Pairs.of_ids(users[known], items[known])
        else:
            _note(
                unknown, "user without a sequence", batch["user"], self._lost[users] & (users > 0)
            )
            known = np.flatnonzero((users > 0) & ~self._lost[users])
            if len(known):
                asked = self._recommender.ranked(users[known], self._top_k)
        if not len(known):
            return None
        return table_of(self._recommender, asked, self._model, self._data)

    def _ids(
        self, kind: Literal["user", "item"], batch: pa.Table, unknown: dict[str, Unknown]
    ) -> np.ndarray:
        ids = self._recommender.find(kind, batch[kind].to_pylist())
        _note(unknown, kind, batch[kind], ids == 0)
        return ids


def _note(
    unknown: dict[str, Unknown], kind: str, tokens: pa.ChunkedArray, which: np.ndarray
) -> None:
    if which.any():
        unknown.setdefault(kind, Unknown()).add(tokens.filter(pa.array(which)).to_pylist())
