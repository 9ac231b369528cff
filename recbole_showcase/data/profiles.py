"""What is known of users before a time: their past reviews and photos of the training split."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from recbole_showcase.data.corpus import PhotoTable, ReviewCorpus
from recbole_showcase.data.pairs import Pairs
from recbole_showcase.data.ragged import Timeline
from recbole_showcase.settings import ShowcaseSettings


@dataclass(frozen=True)
class Profile:
    """What the users of B pairs wrote before, which choosing photos and writing texts share.

    Attributes:
        reviews: Rows of past reviews (B, R), latest first, -1 if absent.
        review_features: Their CLIP features (B, R, D).
        review_mask: Which of them are there (B, R).
        newcomer: Whose profile it is, where all pairs are of somebody whom the data set has not.
    """

    reviews: np.ndarray
    review_features: Tensor
    review_mask: Tensor
    newcomer: Newcomer | None = None

    def __getitem__(self, index: np.ndarray) -> Profile:
        """That of some of the pairs."""
        return replace(
            self,
            reviews=self.reviews[index],
            review_features=self.review_features[index],
            review_mask=self.review_mask[index],
        )


@dataclass(frozen=True)
class Newcomer:
    """What somebody whom the data set has not says of their taste; the latest first.

    Attributes:
        texts: Reviews, R of them.
        review_features: Their CLIP features (R, D) float32.
        photo_features: CLIP features of photos (H, D) float32.
    """

    texts: tuple[str, ...]
    review_features: np.ndarray
    photo_features: np.ndarray

    def profile(self, n_pairs: int, limit: int) -> Profile:
        """The same profile for each of B pairs, of ``limit`` reviews at most."""
        features = torch.from_numpy(self.review_features[:limit])
        rows = np.tile(np.arange(len(features)), (n_pairs, 1))  # of the texts, not of the data set
        of_pairs = features.expand(n_pairs, -1, -1)
        return Profile(rows, of_pairs, torch.ones(rows.shape, dtype=torch.bool), self)


class Profiles:
    """Profiles of pairs, and who has rows.

    Attributes:
        settings: The settings.
        corpus: The reviews.
        photos: The photos.
    """

    settings: ShowcaseSettings
    corpus: ReviewCorpus
    photos: PhotoTable

    def model_ids(self, pairs: Pairs) -> tuple[Tensor, Tensor]:
        """Users (B,) and items (B,) as a model knows them: 0 for those that came after it."""
        known = zip((pairs.users, pairs.items), self.corpus.trained, strict=True)
        users, items = (torch.from_numpy(np.where(ids < n, ids, 0)) for ids, n in known)
        return users, items

    def profile(self, pairs: Pairs, newcomer: Newcomer | None = None) -> Profile:
        """What is known of the users of pairs before their times, or of a newcomer instead."""
        if newcomer is not None:
            return newcomer.profile(len(pairs), self.settings.max_history_reviews)
        past = self.past_reviews(pairs)
        features = torch.from_numpy(self.corpus.features[past])
        return Profile(past, features, torch.from_numpy(past >= 0))

    def profile_lengths(self, pairs: Pairs) -> np.ndarray:
        """The number of past reviews in the profile of each pair (N,)."""
        return (self.past_reviews(pairs) >= 0).sum(axis=1)

    def past_reviews(self, pairs: Pairs) -> np.ndarray:
        """Rows (B, R) of the past reviews in the profile of each pair, latest first, else -1."""
        return self._past_review_rows(self.corpus.timeline, pairs.users, pairs)

    def _past_review_rows(self, timeline: Timeline, keys: np.ndarray, pairs: Pairs) -> np.ndarray:
        """Rows (B, R) of training reviews of users or items before a time, latest first."""
        limit = self.settings.max_history_reviews
        past = timeline.before(keys, pairs.times, limit + 1)
        return without(past, past == pairs.rows[:, None], limit)

    def _past_photo_features(self, pairs: Pairs, profile: Profile) -> tuple[Tensor, Tensor]:
        """Features (B, H, D) and mask (B, H) of photos that the users posted before."""
        if profile.newcomer is None:
            past = self._past_photos(pairs)
            return torch.from_numpy(self.photos.features[past]), torch.from_numpy(past >= 0)
        limit = self.settings.max_history_photos
        own = torch.from_numpy(profile.newcomer.photo_features[:limit])
        there = torch.ones((len(pairs), len(own)), dtype=torch.bool)
        return own.expand(len(pairs), -1, -1), there

    def _past_photos(self, pairs: Pairs) -> np.ndarray:
        """Photos (B, H) that the users posted with training rows before a time, latest first."""
        limit = self.settings.max_history_photos
        own = int(self.photos.of_row.lengths(pairs.rows).max(initial=0))
        past = self.photos.timeline.before(pairs.users, pairs.times, limit + own)
        return without(past, self.photos.rows[past] == pairs.rows[:, None], limit)

    def _users_of(self, rows: np.ndarray) -> np.ndarray:
        """Whether each user has one of the rows (n_users,)."""
        return np.bincount(self.corpus.interactions.users[rows], minlength=self.corpus.n_users) > 0

    def _items_of(self, rows: np.ndarray) -> np.ndarray:
        """Whether each item has one of the rows (n_items,)."""
        n_items = len(self.corpus.item_tokens)
        return np.bincount(self.corpus.interactions.items[rows], minlength=n_items) > 0


def without(values: np.ndarray, hidden: np.ndarray, limit: int) -> np.ndarray:
    """At most ``limit`` of the values (B, L) of each row that are not hidden, padded with -1."""
    kept = np.where(hidden, -1, values)
    order = np.argsort(kept < 0, axis=1, kind="stable")[:, :limit]
    return np.take_along_axis(kept, order, axis=1)
