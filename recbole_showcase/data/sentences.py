"""Sentences that others wrote about an item: what there is to quote for a pair, and its words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, Self

import numpy as np

from recbole_showcase.data.corpus import TRAIN, Features, ReviewCorpus
from recbole_showcase.data.pairs import Pairs
from recbole_showcase.data.profiles import without
from recbole_showcase.data.ragged import Timeline
from recbole_showcase.encoders.plan import hashes_of, old_hashes
from recbole_showcase.encoders.sentences import reviews_and_numbers
from recbole_showcase.encoders.store import FeatureStore
from recbole_showcase.errors import FeatureStoreError
from recbole_showcase.text.sentences import split_sentences


class SentenceWords(Protocol):
    """Where the words of sentences are.

    Attributes:
        rows: The row of the interactions that each sentence (M,) is of.
    """

    rows: np.ndarray

    def texts(self, sentences: np.ndarray) -> list[str]:
        """The words of sentences (n,), by position."""


@dataclass(frozen=True)
class ItemSentences:
    """What may be quoted for B pairs, on the host.

    Attributes:
        positions: Sentences (B, S), by position, of the latest review first; -1 if absent.
        words: Where their words are; None where there are none.
        lexicon: Features to look for in them, where the explainer asked for them.
    """

    positions: np.ndarray
    words: SentenceWords | None = None
    lexicon: tuple[str, ...] = ()

    def __len__(self) -> int:
        """The number of pairs, B."""
        return len(self.positions)

    def __getitem__(self, index: slice | np.ndarray) -> Self:
        """Those of some of the pairs."""
        return type(self)(self.positions[index], self.words, self.lexicon)

    @classmethod
    def none(cls) -> Self:
        """Those of no pair."""
        return cls(np.empty((0, 0), dtype=np.int64))


class SentenceTable:
    """The sentences of the training reviews, those with features, numbered from 0.

    Sentences of profiles are none: nobody says them of a visit.

    Attributes:
        rows: The row of the interactions that each is of (M,).
        numbers: Its place among the sentences of its review (M,), from 0.
        features: CLIP features of the sentences.
    """

    def __init__(self, corpus: ReviewCorpus, store: FeatureStore) -> None:
        """Join the sentences of a store to the rows; those of held-out rows are left out.

        Args:
            corpus: The reviews.
            store: Features of sentences.

        Raises:
            FeatureStoreError: A token of the store is not that of a sentence.
        """
        try:
            reviews, numbers = reviews_and_numbers(store.tokens())
        except ValueError as error:
            raise FeatureStoreError(
                f"{store.folder}: {error}; make them anew with: {store.command}"
            ) from error
        inter = corpus.interactions
        rows = corpus.finder()(reviews)
        kept = np.flatnonzero(inter.splits[rows] == TRAIN)
        self.rows, self.numbers = rows[kept].astype(np.int32), numbers[kept]
        self.features = Features(store, kept)
        self._corpus = corpus
        # Read backwards, so that of one review the first sentence comes first: timelines give the
        # latest entries first.
        back = np.arange(len(kept))[::-1]
        own = self.rows[back]
        n_items = len(corpus.item_tokens)
        self._timeline = Timeline(inter.items[own], inter.times[own], back, n_items)
        keys = self._keys(inter.users[self.rows], inter.items[self.rows])
        self._pairs, self._counts = np.unique(keys, return_counts=True)

    def __len__(self) -> int:
        """The number of sentences, M."""
        return len(self.rows)

    def of_items(self, pairs: Pairs, limit: int) -> np.ndarray:
        """Sentences that others wrote of the items before the pairs' times.

        Args:
            pairs: B pairs; those without a time get sentences of all times.
            limit: The most sentences of a pair, those of the latest reviews.

        Returns:
            Positions (B, S <= limit), of the latest review first and within one in its order, -1
            if absent.
        """
        most = limit + int(self._own(pairs).max(initial=0))
        found = self._timeline.before(pairs.items, pairs.times, most)  # (B, L)
        writers = self._corpus.interactions.users[self.rows[found]]
        return without(found, writers == pairs.users[:, None], limit)

    def texts(self, sentences: np.ndarray) -> list[str]:
        """The words of sentences (n,), by position, as they stand in their reviews.

        Raises:
            FeatureStoreError: A review is not the one that its sentences were embedded from.
        """
        rows, place = np.unique(self.rows[sentences], return_inverse=True)
        words, owners = split_sentences(list(self._corpus.texts[rows]))
        starts = np.searchsorted(owners, np.arange(len(rows) + 1))
        wanted = starts[place] + self.numbers[sentences]
        there = wanted < starts[place + 1]
        found = np.array([*words, ""], dtype=object)[np.where(there, wanted, -1)]
        if not (hashes_of(found) == self._made_from[sentences]).all():
            store = self.features.store
            raise FeatureStoreError(
                f"{store.folder}: its sentences are not those of {self._corpus.path} as it is now; "
                f"make them anew with: {store.command}"
            )
        return list(found)

    def hold(self) -> None:
        """Read now what the features are of, so that a store written anew changes nothing here."""
        _ = self._made_from

    @cached_property
    def _made_from(self) -> np.ndarray:
        """A hash of the words that each sentence's features are of (M,)."""
        return old_hashes(self.features.store)[self.features.rows]

    def _own(self, pairs: Pairs) -> np.ndarray:
        """How many sentences of each pair's item its own user wrote (B,)."""
        if not len(self._pairs):
            return np.zeros(len(pairs), dtype=np.int64)
        keys = self._keys(pairs.users, pairs.items)
        place = np.minimum(np.searchsorted(self._pairs, keys), len(self._pairs) - 1)
        return np.where(self._pairs[place] == keys, self._counts[place], 0)

    def _keys(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """A number for each user and item (N,)."""
        return users.astype(np.int64) * len(self._corpus.item_tokens) + items
