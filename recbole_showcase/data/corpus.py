"""Reviews, photos and their features on the ids of a RecBole data set, and what each split may see.

One row is one interaction of ``.inter``, numbered from 1 in the order of the file; row 0 is
nothing. Rows carry the review and its photos, and decide what is held out. Behind them stands one
row for each profile: a text about a user or an item that no interaction carries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from recbole_showcase.atomic import (
    StoredColumn,
    as_arrow,
    as_texts,
    positions,
    read_fields,
    repeated,
)
from recbole_showcase.data.joining import photo_rows, profiles_of, read_reviews
from recbole_showcase.data.marks import Before, marks_of
from recbole_showcase.data.ragged import Ragged, Timeline
from recbole_showcase.encoders.store import FeatureStore
from recbole_showcase.errors import DataError

TRAIN, VALID, TEST, PROFILE, DROPPED = 0, 1, 2, 3, -1


@dataclass(frozen=True)
class Interactions:
    """What is known of each row, before reviews and photos join. Entry 0 is nothing.

    Attributes:
        users: Internal user ids (N,); 0 for rows that RecBole's filters dropped, and for profiles
            of items.
        items: Internal item ids (N,); 0 for profiles of users.
        splits: TRAIN, VALID, TEST, PROFILE or DROPPED (N,).
        times: Seconds since 1970, NaN where unknown (N,).
        ratings: Stars, NaN where unknown (N,).
        reviews: Tokens of ``.review`` (N,), as :func:`~recbole_showcase.atomic.as_texts` has them.
    """

    users: np.ndarray
    items: np.ndarray
    splits: np.ndarray
    times: np.ndarray
    ratings: np.ndarray
    reviews: pd.arrays.ArrowExtensionArray

    def with_profiles(
        self, users: np.ndarray, items: np.ndarray, reviews: np.ndarray
    ) -> Interactions:
        """The same with a row for each of some profiles (P,), of no time and no rating."""
        unknown = np.full(len(users), np.nan)
        return Interactions(
            np.append(self.users, users),
            np.append(self.items, items),
            np.append(self.splits, np.full(len(users), PROFILE, dtype=np.int8)),
            np.append(self.times, unknown),
            np.append(self.ratings, unknown),
            as_texts(self.reviews, reviews),
        )


class Features:
    """Rows of a memory-mapped feature matrix by position in a table; -1 is a row of zeros.

    Pickles as the place of the store, not as its content.
    """

    def __init__(self, store: FeatureStore, rows: np.ndarray) -> None:
        """Keep the store and the row of each table entry (N,), -1 if absent."""
        self.store, self.rows = store, rows

    @property
    def dim(self) -> int:
        """Width of a row."""
        return self.store.dim

    def __getitem__(self, index: np.ndarray) -> np.ndarray:
        """Features (..., D) float32 of table positions (...), zeros where a position is -1."""
        there = index >= 0
        rows = np.full(index.shape, -1, dtype=np.int64)
        rows[there] = self.rows[index[there]]
        found = rows >= 0
        out = np.zeros((*index.shape, self.dim), dtype=np.float32)
        out[found] = self.store.matrix[rows[found]]
        return out

    def __getstate__(self) -> dict[str, object]:
        place = (self.store.folder, self.store.modality)
        return {"place": place, "rows": self.rows, "tokens": self.store.tokens_digest}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.store = FeatureStore(*(place := state["place"]))
        if self.store.tokens_digest != state.get("tokens"):  # its rows are others now
            raise DataError(f"features in {place[0]} are others than this saved data's; delete it")
        self.rows = state["rows"]


class ReviewCorpus:
    """The reviews of a data set, by row.

    Attributes:
        path: The ``.review`` file.
        interactions: What is known of each row.
        texts: The review (N,), on disk, ``""`` where there is none.
        given: The feature that a row speaks of, as its source gives it (N,), on disk; None where
            the file has no column ``feature``.
        targets: The text to generate (N,), on disk, ``""`` where there is none.
        has_text: Whether there is a review, and so something to generate (N,), bool.
        without_texts: Whether the file holds no text at all, or is not there.
        features: CLIP features of the reviews' texts.
        user_tokens, item_tokens: Tokens by internal id.
        before: What a training knew, where the files may have grown since.
        marks: Of the reviews with a text, as ``DataMarks`` has them.
        gone: How many of those of a training are there no more, where it is of them alone.
    """

    before: Before | None = None

    def __init__(
        self,
        path: Path,
        interactions: Interactions,
        store: FeatureStore,
        target: str,
        user_tokens: np.ndarray,
        item_tokens: np.ndarray,
        before: Before | None = None,
    ) -> None:
        """Join ``.review`` and its features to the rows.

        Args:
            path: The ``.review`` file.
            interactions: What is known of each row.
            store: Features of the review texts.
            target: ``text`` or ``explanation``; the latter falls back to the review where empty.
            user_tokens: Tokens by internal user id.
            item_tokens: Tokens by internal item id.
            before: What a training knew, where the files may have grown since.
        """
        self.path, self.user_tokens, self.item_tokens = path, user_tokens, item_tokens
        self.before = before
        table, starts = read_reviews(path, before)
        self.without_texts = not len(starts)
        profiles = profiles_of(path, table, user_tokens, item_tokens)
        self.interactions = interactions = interactions.with_profiles(*profiles)
        self.marks = marks_of(table["review_id"])
        self.gone = 0
        if before is not None and before.alone:
            self.gone = len(before.marks.reviews) - len(self.marks)
        position = positions(interactions.reviews, table["review_id"])
        self.has_text = position >= 0
        starts = np.append(starts, -1)[position]
        self.texts = StoredColumn(path, "text", starts)
        shorter = StoredColumn(path, "explanation", starts, otherwise="text")
        named = path.is_file() and "feature" in [field.name for field in read_fields(path)]
        self.given = StoredColumn(path, "feature", starts) if named else None
        self.targets = self.texts if target == "text" else shorter
        rows = np.full(len(position), -1, dtype=np.int64)
        rows[self.has_text] = store.rows(interactions.reviews[self.has_text])
        self.features = Features(store, rows)

    def __len__(self) -> int:
        """The number of rows, row 0 included."""
        return len(self.texts)

    @property
    def n_users(self) -> int:
        """The number of internal user ids, padding included."""
        return len(self.user_tokens)

    @property
    def trained(self) -> tuple[int, int]:
        """How many internal ids of users and of items a model has; those from there on are new."""
        if self.before is None:
            return len(self.user_tokens), len(self.item_tokens)
        return self.before.n_users, self.before.n_items

    def finder(self) -> Callable[[pa.Array], np.ndarray]:
        """A function that gives the rows that carry some reviews, 0 where there is none.

        Raises:
            DataError: If two rows carry the same review.
        """
        reviews = as_arrow(self.interactions.reviews)
        known = np.flatnonzero(pc.not_equal(reviews, ""))
        tokens = reviews.take(pa.array(known))
        if (twice := repeated(tokens)) is not None:
            raise DataError(f"review_id '{twice}' is in two rows of .inter; ids must be unique")
        rows = np.append(known, 0)  # the last one for -1
        return lambda reviews: rows[positions(reviews, tokens)]

    @cached_property
    def visits(self) -> Timeline:
        """Training rows of items that a model knows, with a review or without, by user and time."""
        inter = self.interactions
        rows = np.flatnonzero((inter.splits == TRAIN) & (inter.items < self.trained[1]))
        return Timeline(inter.users[rows], inter.times[rows], rows, self.n_users)

    def visited(self, users: np.ndarray, times: np.ndarray, but: np.ndarray, n: int) -> np.ndarray:
        """Items of the users' training rows before a time, in the order of their times.

        Args:
            users: Internal ids (B,).
            times: As in ``Timeline.before`` (B,).
            but: A row of each to leave out (B,).
            n: The most items, the latest ones.

        Returns:
            Internal ids (B, n), filled with 0 at the end.
        """
        rows = self.visits.before(users, times, n + 1)  # (B, L), latest first
        rows = np.where(rows == but[:, None], -1, rows)
        rows = np.take_along_axis(rows, np.argsort(rows < 0, axis=1, kind="stable"), 1)[:, :n]
        place = (rows >= 0).sum(axis=1, keepdims=True) - 1 - np.arange(n)  # (B, n)
        if not rows.shape[1]:
            return np.zeros((len(users), n), dtype=np.int64)
        kept = np.take_along_axis(rows, np.maximum(place, 0), axis=1)
        return np.where(place >= 0, self.interactions.items[np.maximum(kept, 0)], 0)

    @cached_property
    def timeline(self) -> Timeline:
        """Training reviews with text and profiles, by user and time."""
        rows, inter = self.past_rows, self.interactions
        return Timeline(inter.users[rows], inter.times[rows], rows, self.n_users)

    @cached_property
    def item_timeline(self) -> Timeline:
        """Training reviews with text and profiles, by item and time."""
        rows, inter = self.past_rows, self.interactions
        return Timeline(inter.items[rows], inter.times[rows], rows, len(self.item_tokens))

    @cached_property
    def past_rows(self) -> np.ndarray:
        """Rows that may be part of a history: training reviews with text, and profiles."""
        may = np.isin(self.interactions.splits, (TRAIN, PROFILE))
        return np.flatnonzero(may & (self.features.rows >= 0))


class PhotoTable:
    """The photos of a data set, those with features, numbered from 0.

    Attributes:
        tokens: Tokens of ``.image`` (M,), on disk.
        items: Internal item ids (M,).
        rows: Rows of the interactions they were posted with (M,); 0 where it is not known.
        paths: Paths relative to the photo folder (M,), on disk.
        marks: As ``DataMarks`` has them (M,).
        gone: How many of those of a training are there no more, where it is of them alone.
        features: CLIP features of the photos.
        of_item, of_row: The photos of an item and of a row, first posted first.
        of_item_in_training: Those of an item that were posted with training rows.
    """

    def __init__(self, path: Path, corpus: ReviewCorpus, store: FeatureStore) -> None:
        """Join ``.image`` and its features to the items and rows.

        Args:
            path: The ``.image`` file; without one there are no photos.
            corpus: The reviews.
            store: Features of the photos; photos that were skipped there are left out.
        """
        before = corpus.before
        rows, items, posted, starts, marks = photo_rows(
            path, store, corpus.item_tokens, corpus.finder(), before
        )
        times = corpus.interactions.times[posted]
        order = np.argsort(times, kind="stable")
        starts = starts[order]
        self.tokens = StoredColumn(path, "image_id", starts)
        self.paths = StoredColumn(path, "path", starts)
        self.items, self.rows, self.marks = items[order], posted[order], marks[order]
        self.gone = 0
        if before is not None and before.alone:
            self.gone = len(before.marks.photos) - len(self.marks)
        self.features = Features(store, rows[order])
        everything = np.arange(len(order))
        self.of_item = Ragged.from_pairs(self.items, everything, len(corpus.item_tokens))
        self.of_row = Ragged.from_pairs(self.rows, everything, len(corpus))
        self._corpus = corpus

    @cached_property
    def of_item_in_training(self) -> Ragged:
        """The photos of an item that were posted with training rows, first posted first."""
        photos = self._in_training
        return Ragged.from_pairs(self.items[photos], photos, len(self._corpus.item_tokens))

    @cached_property
    def of_user_in_training(self) -> Ragged:
        """The photos that a user posted with training rows, first posted first."""
        photos, users = self._in_training, self._corpus.interactions.users
        return Ragged.from_pairs(users[self.rows[photos]], photos, self._corpus.n_users)

    @cached_property
    def _in_training(self) -> np.ndarray:
        """Photos posted with training rows."""
        splits = self._corpus.interactions.splits
        return np.flatnonzero((self.rows > 0) & (splits[self.rows] == TRAIN))

    @cached_property
    def timeline(self) -> Timeline:
        """Photos posted with training rows, by user and time."""
        inter, photos = self._corpus.interactions, self._in_training
        rows = self.rows[photos]
        return Timeline(inter.users[rows], inter.times[rows], photos, self._corpus.n_users)
