"""(user, item) pairs to explain, and what a model gives for them."""

from __future__ import annotations

from collections.abc import Sequence
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
    def none(cls) -> Pairs:
        """No pair."""
        return cls.of_ids(np.empty(0, np.int64), np.empty(0, np.int64))

    @classmethod
    def of_rows(cls, corpus: ReviewCorpus, rows: np.ndarray) -> Pairs:
        """The pairs of some rows, at the time of the row."""
        inter = corpus.interactions
        return cls(inter.users[rows], inter.items[rows], inter.times[rows], rows)

    @classmethod
    def of_ids(cls, users: np.ndarray, items: np.ndarray) -> Pairs:
        """Pairs of internal ids, explained from all that the training split knows."""
        return cls(users, items, np.full(len(users), np.inf), np.zeros(len(users), np.int64))


@dataclass(frozen=True)
class Explanations:
    """Chosen photos and written texts of N pairs, and the ratings that go with the texts.

    Attributes:
        photos: Positions in the photo table (N, k), best first, -1 if absent.
        relevance: Their relevance to the user (N, k), NaN if absent.
        texts: N texts; empty where there is nothing to say.
        ratings: Ratings that the explainer predicts (N,), NaN where it predicts none.
        evidence: Rows of the reviews that each text rests on (N, E), -1 if absent; none where the
            explainer does not say.
    """

    photos: np.ndarray
    relevance: np.ndarray
    texts: list[str]
    ratings: np.ndarray
    evidence: np.ndarray

    def __getitem__(self, index: np.ndarray) -> Explanations:
        """Those of some pairs, in the order of the index."""
        texts = [self.texts[place] for place in index]
        photos, relevance = self.photos[index], self.relevance[index]
        return Explanations(photos, relevance, texts, self.ratings[index], self.evidence[index])

    @classmethod
    def of_photos(cls, photos: np.ndarray, relevance: np.ndarray) -> Explanations:
        """Photos (N, k) and their relevance (N, k), for which nothing has been written."""
        n = len(photos)
        return cls(photos, relevance, [""] * n, np.full(n, np.nan, np.float32), photos[:, :0])

    @classmethod
    def concatenate(cls, parts: Sequence[Explanations], k: int) -> Explanations:
        """Those of several batches as one; of no batch, those of no pair."""
        if not parts:
            none, ids = np.empty(0, np.float32), np.empty((0, k), np.int64)
            return cls(ids, ids.astype(np.float32), [], none, ids[:, :0])
        most = max(part.evidence.shape[1] for part in parts)
        widened = [
            np.pad(e, ((0, 0), (0, most - e.shape[1])), constant_values=-1)
            for e in (part.evidence for part in parts)
        ]
        return cls(
            np.concatenate([part.photos for part in parts]),
            np.concatenate([part.relevance for part in parts]),
            [text for part in parts for text in part.texts],
            np.concatenate([part.ratings for part in parts]),
            np.concatenate(widened),
        )
