"""Reviews, photos and their features on the ids of a RecBole data set, and what each split may see.

One row is one interaction of ``.inter``, numbered from 1 in the order of the file; row 0 is
nothing. Rows carry the review and its photos, and decide what is held out. Behind them stands one
row for each profile: a text about a user or an item that no interaction carries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from logging import getLogger
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from recbole_showcase.atomic import (
    StoredColumn,
    as_arrow,
    line_starts,
    positions,
    read_fields,
    read_in_parts,
    read_table,
    repeated,
)
from recbole_showcase.data.ragged import Ragged, Timeline
from recbole_showcase.encoders.commands import check_command
from recbole_showcase.encoders.store import FeatureStore
from recbole_showcase.errors import DataError

TRAIN, VALID, TEST, PROFILE, DROPPED = 0, 1, 2, 3, -1
_PHOTOS_AT_ONCE = 1 << 19  # lines of .image that are in memory while photos are joined
_ELSEWHERE = -2  # the row of a photo that the store has in another order than .image


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
        reviews: Tokens of ``.review`` (N,).
    """

    users: np.ndarray
    items: np.ndarray
    splits: np.ndarray
    times: np.ndarray
    ratings: np.ndarray
    reviews: np.ndarray

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
            np.append(self.reviews, reviews),
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
        targets: The text to generate (N,), on disk, ``""`` where there is none.
        has_text: Whether there is a review, and so something to generate (N,), bool.
        without_texts: Whether the file holds no text at all, or is not there.
        features: CLIP features of the reviews' texts.
        user_tokens, item_tokens: Tokens by internal id.
    """

    def __init__(
        self,
        path: Path,
        interactions: Interactions,
        store: FeatureStore,
        target: str,
        user_tokens: np.ndarray,
        item_tokens: np.ndarray,
    ) -> None:
        """Join ``.review`` and its features to the rows.

        Args:
            path: The ``.review`` file.
            interactions: What is known of each row.
            store: Features of the review texts.
            target: ``text`` or ``explanation``; the latter falls back to the review where empty.
            user_tokens: Tokens by internal user id.
            item_tokens: Tokens by internal item id.
        """
        self.path, self.user_tokens, self.item_tokens = path, user_tokens, item_tokens
        table, starts = _read_reviews(path)
        self.without_texts = not len(starts)
        interactions = interactions.with_profiles(*_profiles(path, table, user_tokens, item_tokens))
        self.interactions = interactions
        position = positions(interactions.reviews, table["review_id"])
        self.has_text = position >= 0
        starts = np.append(starts, -1)[position]
        self.texts = StoredColumn(path, "text", starts)
        shorter = StoredColumn(path, "explanation", starts, otherwise="text")
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

    def finder(self) -> Callable[[pa.Array], np.ndarray]:
        """A function that gives the rows that carry some reviews, 0 where there is none.

        Raises:
            DataError: If two rows carry the same review.
        """
        known = np.flatnonzero(self.interactions.reviews != "")
        tokens = as_arrow(self.interactions.reviews[known])
        if (twice := repeated(tokens)) is not None:
            raise DataError(f"review_id '{twice}' is in two rows of .inter; ids must be unique")
        rows = np.append(known, 0)  # the last one for -1
        return lambda reviews: rows[positions(reviews, tokens)]

    @cached_property
    def visits(self) -> Timeline:
        """Training rows, with a review or without, by user and time."""
        inter = self.interactions
        rows = np.flatnonzero(inter.splits == TRAIN)
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
        rows, items, posted, starts = _photo_rows(path, corpus, store)
        times = corpus.interactions.times[posted]
        order = np.argsort(times, kind="stable")
        starts = starts[order]
        self.tokens = StoredColumn(path, "image_id", starts)
        self.paths = StoredColumn(path, "path", starts)
        self.items, self.rows = items[order], posted[order]
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


def _photo_rows(
    path: Path, corpus: ReviewCorpus, store: FeatureStore
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The photos of known items that have features, in the order of the file.

    Returns:
        Their rows in the store, items and interactions (M,), int32, and where their lines begin.
    """
    if not path.is_file():
        return (np.empty(0, dtype=np.int32),) * 4
    find, order = corpus.finder(), store.in_order()
    count = 0
    parts: list[tuple[np.ndarray, ...]] = [(np.empty(0, dtype=np.int32),) * 4]
    for part in read_in_parts(path, ("image_id", "item_id", "review_id"), _PHOTOS_AT_ONCE):
        items = positions(part["item_id"], corpus.item_tokens)
        lines = np.flatnonzero(items > 0)
        posted = find(part["review_id"].take(pa.array(lines)))
        own = order.rows(part["image_id"])
        rows = np.full(len(lines), _ELSEWHERE) if own is None else own[lines]
        parts.append(tuple(n.astype(np.int32) for n in (lines + count, items[lines], posted, rows)))
        count += len(part)
        del part  # before the next is read
    lines, items, posted, rows = map(np.concatenate, zip(*parts, strict=True))
    if count and not len(lines):
        getLogger().warning(
            f"none of {count} photos of {path} is of an item of the data set; what does "
            f"not join is told by: {check_command(path.parent)}"
        )
    if (rows == _ELSEWHERE).any():
        rows = store.rows(read_table(path, ("image_id",))["image_id"].take(pa.array(lines)))
    kept = rows >= 0
    return rows[kept].astype(np.int32), items[kept], posted[kept], line_starts(path)[lines[kept]]


def _read_reviews(path: Path) -> tuple[pa.Table, np.ndarray]:
    """The ids of the reviews that have a text, with the owners of profiles where there are any.

    Returns:
        A row a review, and where its line begins (R,).

    Raises:
        DataError: If two rows have one review id.
    """
    known = {field.name for field in read_fields(path)}
    owners = [name for name in ("user_id", "item_id") if name in known]
    table = read_table(path, ["review_id", *owners, "text", "explanation"])
    kept = np.flatnonzero(pc.not_equal(table["text"], "").to_numpy())
    table = table.select(["review_id", *owners])
    table = table if len(kept) == len(table) else table.take(kept)
    if (twice := repeated(table["review_id"])) is not None:
        raise DataError(f"{path}: review_id '{twice}' is there twice; ids must be unique")
    return table, line_starts(path)[kept]


def _profiles(
    path: Path, table: pa.Table, user_tokens: np.ndarray, item_tokens: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Users (P,), items (P,) and review tokens (P,) of the profiles; one of the two ids is 0.

    Profiles of users and items that RecBole's filters dropped are left out.

    Raises:
        DataError: If a text has two owners.
    """
    ids = np.zeros((2, len(table)), dtype=np.int64)
    named = np.zeros(ids.shape, dtype=bool)
    for number, (column, tokens) in enumerate((("user_id", user_tokens), ("item_id", item_tokens))):
        if column in table.column_names:
            named[number] = pc.not_equal(table[column], "").to_numpy()
            own = np.flatnonzero(named[number])
            ids[number, own] = positions(table[column].take(own), tokens)
    twice_named = np.flatnonzero(named.all(axis=0))
    if len(twice_named):
        twice = table["review_id"][int(twice_named[0])]
        raise DataError(
            f"{path}: review_id '{twice}' names a user and an item; a profile is of one of them"
        )
    found = np.flatnonzero(ids.max(axis=0, initial=0) > 0)
    reviews = table["review_id"].take(found).to_numpy()
    return ids[0, found], ids[1, found], reviews
