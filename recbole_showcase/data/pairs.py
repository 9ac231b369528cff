"""The (user, item) pairs to explain."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from recbole_showcase.data.corpus import ReviewCorpus


@dataclass(frozen=True)
class Pairs:
    """(user, item) pairs to explain, and what must not be seen for them.

    Attributes:
        users, items: Internal ids (B,).
        times: The profile ends before this (B,); infinity for all that is known, NaN where the
            data set does not know, which asks for all as well.
        rows: The row to explain (B,), never part of the profile; 0 for a pair without one.
    """

    users: np.ndarray
    items: np.ndarray
    times: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        """The number of pairs, B."""
        return len(self.users)

    def __getitem__(self, index: slice | np.ndarray) -> Pairs:
        """Some of the pairs."""
        return Pairs(*(getattr(self, field.name)[index] for field in fields(self)))

    @classmethod
    def of_rows(cls, corpus: ReviewCorpus, rows: np.ndarray) -> Pairs:
        """The pairs of some rows, at the time of the row."""
        inter = corpus.interactions
        return cls(inter.users[rows], inter.items[rows], inter.times[rows], rows)

    @classmethod
    def of_ids(cls, users: np.ndarray, items: np.ndarray) -> Pairs:
        """Pairs of internal ids, explained from all that the training split knows."""
        return cls(users, items, np.full(len(users), np.inf), np.zeros(len(users), np.int64))
