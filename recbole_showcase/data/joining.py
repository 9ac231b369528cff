"""Reading ``.review`` and ``.image`` and joining their lines to rows, users and items."""

from __future__ import annotations

from collections.abc import Callable
from logging import getLogger
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from recbole_showcase.atomic import (
    line_starts,
    positions,
    read_fields,
    read_in_parts,
    read_table,
    repeated,
)
from recbole_showcase.data.marks import Before, known_first, marks_of
from recbole_showcase.encoders.commands import check_command
from recbole_showcase.encoders.store import FeatureStore
from recbole_showcase.errors import DataError

_PHOTOS_AT_ONCE = 1 << 19  # lines of .image that are in memory while photos are joined
_ELSEWHERE = -2  # the row of a photo that the store has in another order than .image


def photo_rows(
    path: Path,
    store: FeatureStore,
    item_tokens: np.ndarray,
    find: Callable[[pa.Array], np.ndarray],
    before: Before | None,
) -> tuple[np.ndarray, ...]:
    """The photos of known items that have features, in the order of the file.

    Args:
        path: The ``.image`` file; without one there are no photos.
        store: Features of the photos.
        item_tokens: Tokens by internal item id.
        find: Gives the rows of the interactions that carry some reviews, 0 where there is none.
        before: What a training knew, which then comes first and in the order of then.

    Returns:
        Their rows in the store, items and interactions (M,), int32, where their lines begin, and
        their marks.
    """
    none, no_marks = (np.empty(0, dtype=np.int32),) * 4, np.empty(0, dtype=np.uint64)
    if not path.is_file():
        return *none, no_marks
    order, count = store.in_order(), 0
    parts: list[tuple[np.ndarray, ...]] = [(*none, no_marks)]
    for part in read_in_parts(path, ("image_id", "item_id", "review_id"), _PHOTOS_AT_ONCE):
        items = positions(part["item_id"], item_tokens)
        lines = np.flatnonzero(items > 0)
        posted = find(part["review_id"].take(pa.array(lines)))
        own = order.rows(part["image_id"])
        rows = np.full(len(lines), _ELSEWHERE) if own is None else own[lines]
        found = (n.astype(np.int32) for n in (lines + count, items[lines], posted, rows))
        parts.append((*found, marks_of(part["image_id"].take(pa.array(lines)))))
        count += len(part)
        del part  # before the next is read
    joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
    if before is not None:
        first = known_first(joined[-1], before.marks.photos, alone=before.alone)
        joined = [column[first] for column in joined]
    lines, items, posted, rows, marks = joined
    if count and not len(lines):
        getLogger().warning(
            f"none of {count} photos of {path} is of an item of the data set; what does "
            f"not join is told by: {check_command(path.parent)}"
        )
    if (rows == _ELSEWHERE).any():
        rows = store.rows(read_table(path, ("image_id",))["image_id"].take(pa.array(lines)))
    kept = rows >= 0
    starts = line_starts(path)[lines[kept]]
    return rows[kept].astype(np.int32), items[kept], posted[kept], starts, marks[kept]


def read_reviews(path: Path, before: Before | None = None) -> tuple[pa.Table, np.ndarray]:
    """The ids of the reviews that have a text, with the owners of profiles where there are any.

    Args:
        path: The ``.review`` file.
        before: What a training knew, which then comes first and in the order of then.

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
    starts = line_starts(path)[kept]
    if before is None:
        return table, starts
    marks = marks_of(table["review_id"])
    first = known_first(marks, before.marks.reviews, alone=before.alone)
    return table.take(first), starts[first]


def profiles_of(
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
