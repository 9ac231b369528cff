"""Explanation samples: which rows are samples, and batches that hide what is held out."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from recbole_showcase.data.batch import ExplanationBatch, SelectionBatch
from recbole_showcase.data.corpus import TRAIN, Features, PhotoTable, ReviewCorpus
from recbole_showcase.data.tokenizer import TextTokenizer
from recbole_showcase.errors import DataError
from recbole_showcase.settings import ShowcaseSettings

_STATISTICS_SAMPLE = 20_000


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

    def __getitem__(self, index: slice) -> Pairs:
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


class ExplanationData:
    """Everything the explanation side knows of a data set, shared by its splits.

    Attributes:
        settings: The settings.
        corpus: The reviews.
        photos: The photos.
        tokenizer: Trained on the target texts of training samples, or loaded by name.
    """

    def __init__(
        self, settings: ShowcaseSettings, corpus: ReviewCorpus, photos: PhotoTable
    ) -> None:
        """Prepare the tokenizer from the training split.

        Raises:
            DataError: If the training split has no sample.
        """
        self.settings = settings
        self.corpus = corpus
        self.photos = photos
        if not len(self.train_rows):
            raise DataError(
                "no explanation sample in the training split: no review has both a text and "
                f"showcase_min_photos = {settings.min_photos} photos with features"
            )
        if settings.tokenizer:
            self.tokenizer = TextTokenizer.load(settings.tokenizer)
        else:
            texts = self.corpus.targets[self.train_rows]
            self.tokenizer = TextTokenizer.train(texts, settings.vocab_size)

    def __deepcopy__(self, memo: dict[int, Any]) -> ExplanationData:
        """The same object: a copied model reads the same data."""
        return self

    def with_settings(self, settings: ShowcaseSettings) -> ExplanationData:
        """The same data read with other limits; for loaders that were saved with other settings."""
        other = copy.copy(self)
        other.settings = settings
        return other

    @property
    def feature_dim(self) -> int:
        """Width of the CLIP features."""
        return self.photos.features.dim

    def photo_statistics(self) -> np.ndarray:
        """Mean and standard deviation (2, D) float32 of the training photos' features."""
        splits = self.corpus.interactions.splits
        own = np.flatnonzero((self.photos.rows > 0) & (splits[self.photos.rows] == TRAIN))
        return _statistics(self.photos.features, own)

    def review_statistics(self) -> np.ndarray:
        """Mean and standard deviation (2, D) float32 of the training reviews' features."""
        own = np.flatnonzero(self.corpus.interactions.splits == TRAIN)
        return _statistics(self.corpus.features, own[self.corpus.features.rows[own] >= 0])

    @cached_property
    def train_rows(self) -> np.ndarray:
        """Rows of the explanation samples in the training split (S,)."""
        return self.samples(np.flatnonzero(self.corpus.interactions.splits == TRAIN))

    def samples(self, rows: np.ndarray) -> np.ndarray:
        """Those of the rows that can be explained: with a text and enough photos."""
        enough = self.photos.of_row.lengths(rows) >= self.settings.min_photos
        return rows[enough & (self.corpus.targets[rows] != "") & (rows > 0)]

    @cached_property
    def _tokens(self) -> tuple[np.ndarray, np.ndarray]:
        """Token ids (S, T) of the training targets, and the place of each row among them."""
        place = np.full(len(self.corpus), -1, dtype=np.int64)
        place[self.train_rows] = np.arange(len(self.train_rows))
        texts = list(self.corpus.targets[self.train_rows])
        return self.tokenizer.encode(texts, self.settings.max_tokens), place

    def training_batch(self, rows: np.ndarray) -> ExplanationBatch:
        """Training samples with their own photos and target texts.

        Args:
            rows: Rows of the training split (B,).
        """
        photos = self.photos.of_row.first(rows, self.settings.max_photos)
        ids, place = self._tokens
        tokens = ids[place[rows]]
        used = tokens != self.tokenizer.pad_id
        width = int(used.sum(axis=1).max(initial=0))
        pairs = Pairs.of_rows(self.corpus, rows)
        return self._explanation_batch(pairs, photos, tokens[:, :width], used[:, :width])

    def explanation_batch(self, pairs: Pairs, photos: np.ndarray) -> ExplanationBatch:
        """Pairs to write a text for, from given photos.

        Args:
            pairs: B pairs.
            photos: Positions in the photo table (B, P), -1 for none.
        """
        none = np.empty((len(pairs), 0), dtype=np.int64)
        return self._explanation_batch(pairs, photos, none, none.astype(bool))

    def _explanation_batch(
        self, pairs: Pairs, photos: np.ndarray, tokens: np.ndarray, token_mask: np.ndarray
    ) -> ExplanationBatch:
        review_features, review_mask = self._past_reviews(pairs)
        return ExplanationBatch(
            users=torch.from_numpy(pairs.users),
            items=torch.from_numpy(pairs.items),
            photo_features=torch.from_numpy(self.photos.features[photos]),
            photo_mask=torch.from_numpy(photos >= 0),
            review_features=review_features,
            review_mask=review_mask,
            tokens=torch.from_numpy(tokens),
            token_mask=torch.from_numpy(token_mask),
            times=torch.from_numpy(pairs.times),
            rows=torch.from_numpy(pairs.rows),
        )

    def selection_batch(self, pairs: Pairs) -> SelectionBatch:
        """Pairs to choose photos for."""
        candidates = self.photos.of_item.first(pairs.items, self.settings.max_candidates)  # (B, C)
        posted = self._past_photos(pairs)  # (B, H)
        review_features, review_mask = self._past_reviews(pairs)
        return SelectionBatch(
            users=torch.from_numpy(pairs.users),
            items=torch.from_numpy(pairs.items),
            candidates=torch.from_numpy(candidates),
            candidate_features=torch.from_numpy(self.photos.features[candidates]),
            candidate_mask=torch.from_numpy(candidates >= 0),
            history_photo_features=torch.from_numpy(self.photos.features[posted]),
            history_photo_mask=torch.from_numpy(posted >= 0),
            review_features=review_features,
            review_mask=review_mask,
        )

    def _past_reviews(self, pairs: Pairs) -> tuple[Tensor, Tensor]:
        """Features (B, R, D) and mask (B, R) of the users' training reviews before a time."""
        limit = self.settings.max_history_reviews
        past = self.corpus.timeline.before(pairs.users, pairs.times, limit + 1)
        past = _without(past, past == pairs.rows[:, None], limit)
        return torch.from_numpy(self.corpus.features[past]), torch.from_numpy(past >= 0)

    def _past_photos(self, pairs: Pairs) -> np.ndarray:
        """Photos (B, H) that the users posted with training rows before a time, latest first."""
        limit = self.settings.max_history_photos
        own = int(self.photos.of_row.lengths(pairs.rows).max(initial=0))
        past = self.photos.timeline.before(pairs.users, pairs.times, limit + own)
        return _without(past, self.photos.rows[past] == pairs.rows[:, None], limit)


def _statistics(features: Features, index: np.ndarray) -> np.ndarray:
    """Mean and standard deviation (2, D) of some features; of very many, an even sample."""
    sample = features[index[:: -(-len(index) // _STATISTICS_SAMPLE) or 1]]
    if not len(sample):
        return np.stack([np.zeros(features.dim), np.ones(features.dim)]).astype(np.float32)
    return np.stack([sample.mean(axis=0), sample.std(axis=0)])


def _without(values: np.ndarray, hidden: np.ndarray, limit: int) -> np.ndarray:
    """At most ``limit`` of the values (B, L) of each row that are not hidden, padded with -1."""
    kept = np.where(hidden, -1, values)
    order = np.argsort(kept < 0, axis=1, kind="stable")[:, :limit]
    return np.take_along_axis(kept, order, axis=1)


class ExplanationLoader:
    """Batches of the training samples in a new order each epoch.

    It has a random generator of its own, so that the recommender's batches are the same with and
    without it.
    """

    def __init__(self, data: ExplanationData, seed: int) -> None:
        """Remember the data and the seed of the order."""
        self.data = data
        self.batch_size = data.settings.batch_size
        self.seed = seed

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        return -(-len(self.data.train_rows) // self.batch_size)

    def epoch(self, epoch: int) -> Iterator[ExplanationBatch]:
        """The batches of an epoch; the same epoch gives the same batches."""
        order = np.random.default_rng((self.seed, epoch)).permutation(self.data.train_rows)
        for start in range(0, len(order), self.batch_size):
            yield self.data.training_batch(order[start : start + self.batch_size])
