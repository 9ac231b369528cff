"""Marks by which rows, reviews and photos are known again when the files have grown.

A mark is a number made of tokens, whatever the place of the row in its file. A checkpoint keeps
those of what it was trained on, 8 bytes each, so that its data set can be built as it was, and what
came since can be told from it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

_PRIME = np.uint64(0x9E3779B97F4A7C15)
_NEVER = np.iinfo(np.int64).min  # the second of a row without a time
_AT_ONCE = 1 << 13  # tokens that are objects of Python's at a time: few enough for a cache


@dataclass(frozen=True)
class DataMarks:
    """What a training knew of its data.

    Attributes:
        rows: Marks of the rows of ``.inter`` in their order (N,), uint64, none twice.
        splits: What each row was: TRAIN, VALID, TEST or DROPPED (N,), int8.
        reviews: Marks of the reviews with a text, in the order of ``.review`` (R,), uint64.
        photos: Marks of the photos in the order of the photo table (M,), uint64.
        sizes: Bytes of the files of interactions, items, reviews and photos (4,), int64, by which
            it is told, without reading them, that they have grown.
    """

    rows: np.ndarray
    splits: np.ndarray
    reviews: np.ndarray
    photos: np.ndarray
    sizes: np.ndarray

    def to_plain(self) -> dict[str, np.ndarray]:
        """By name, as integers that files of tensors hold."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {k: v.view(np.int64) if v.dtype == np.uint64 else v for k, v in found.items()}

    @classmethod
    def from_plain(cls, plain: Any) -> DataMarks:
        """The marks that a file holds.

        Raises:
            TypeError: They are of another kind.
            ValueError: They do not fit together.
        """
        if not isinstance(plain, dict):
            raise TypeError("marks are no mapping")
        found = {field.name: np.asarray(plain.get(field.name)) for field in fields(cls)}
        for name, values in found.items():
            kind = np.int8 if name == "splits" else np.int64
            if values.ndim != 1 or values.dtype != kind:
                raise TypeError(f"marks of {name} are {values.dtype}, {values.ndim}-dimensional")
        if len(found["rows"]) != len(found["splits"]):
            raise ValueError("marks of rows and their splits are not as many")
        signed = ("splits", "sizes")
        return cls(**{k: v if k in signed else v.view(np.uint64) for k, v in found.items()})


@dataclass(frozen=True)
class Before:
    """What a training knew, where reviews and photos of grown files are joined.

    Attributes:
        marks: What it knew.
        n_users, n_items: How many internal ids it gave, padding included.
        alone: Whether there is to be nothing else; otherwise it comes first, in its own order.
    """

    marks: DataMarks
    n_users: int
    n_items: int
    alone: bool


def marks_of(tokens: Any) -> np.ndarray:
    """Marks (N,) uint64 of tokens: texts, or a categorical of them; a missing one is empty."""
    if isinstance(tokens, pd.Categorical):
        each = np.append(marks_of(tokens.categories), _EMPTY)
        return each[tokens.codes]  # -1, a missing one, is the last
    if not isinstance(tokens, (pa.Array, pa.ChunkedArray)):
        tokens = pa.array(tokens, pa.large_string(), from_pandas=True)
    column = tokens.fill_null("").cast(pa.large_binary())
    marks = np.empty(len(column), dtype=np.uint64)
    for start in range(0, len(column), _AT_ONCE):
        own = column.slice(start, _AT_ONCE).to_numpy(zero_copy_only=False)
        # The hash of a text is that of its UTF-8, which pandas would make of each text anew.
        marks[start : start + _AT_ONCE] = pd.util.hash_array(own, categorize=False)
    return marks


_EMPTY = marks_of([""])[0]


def row_marks(users: Any, items: Any, reviews: Any, times: np.ndarray) -> np.ndarray:
    """Marks (N,) uint64 of interactions, none twice.

    A row is known by who was where and the review that came of it, or, without one, by its second.
    So a rating, a time or a text that is changed leaves it the row that it was.

    Args:
        users: Tokens (N,).
        items: Tokens (N,).
        reviews: Tokens (N,), empty where there is none.
        times: Seconds (N,), NaN where unknown.
    """
    own = marks_of(reviews)
    if (without := own == _EMPTY).any():
        own[without] = _scattered(_seconds(times[without]))
    marks = (marks_of(users) * _PRIME + marks_of(items)) * _PRIME + own
    if pd.Index(marks).is_unique:  # as most are, which is far sooner known than they are counted
        return marks
    again = pd.Series(marks).groupby(marks, sort=False).cumcount().to_numpy()
    return np.where(again > 0, marks + _scattered(again), marks)


def _seconds(times: np.ndarray) -> np.ndarray:
    """Times (N,) as whole seconds, int64."""
    known = np.isfinite(times)
    return np.where(known, np.round(np.where(known, times, 0.0)).astype(np.int64), _NEVER)


def _scattered(numbers: np.ndarray) -> np.ndarray:
    """Marks (N,) uint64 of whole numbers, which are not near each other where the numbers are."""
    hashes: np.ndarray = pd.util.hash_array(numbers)
    return hashes


def places_of(wanted: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """Where each wanted mark (M,) stands among others (N,); -1 for one that is not there."""
    if len(wanted) == len(marks) and (wanted == marks).all():
        return np.arange(len(wanted))
    index = pd.Index(marks)
    if index.is_unique:
        return index.get_indexer(pd.Index(wanted)).astype(np.int64)
    first = np.flatnonzero(~index.duplicated())
    found = index[first].get_indexer(pd.Index(wanted))
    return np.where(found < 0, -1, first[found])


def known_first(marks: np.ndarray, known: np.ndarray, *, alone: bool) -> np.ndarray:
    """Places (K,) of what is known, in its own order, then of all others in theirs.

    Args:
        marks: Of what there is now (N,).
        known: Of what was known, in its order (M,).
        alone: Whether to leave the others out.
    """
    places = places_of(known, marks)
    places = places[places >= 0]
    if alone:
        return places
    others = np.ones(len(marks), dtype=bool)
    others[places] = False
    return np.concatenate([places, np.flatnonzero(others)])
