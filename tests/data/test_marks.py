"""Marks know rows again, wherever they stand, and tell equal ones apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from recbole_showcase.atomic import as_texts
from recbole_showcase.data.marks import DataMarks, known_first, marks_of, places_of, row_marks


def rows(n: int = 6) -> list[np.ndarray]:
    users = np.array(["a", "a", "b", "b", "b", "ü"], dtype=object)
    items = np.array(["x", "y", "x", "x", "x", ""], dtype=object)
    reviews = np.array(["r1", "r2", "", "", "", "r3"], dtype=object)
    return [users[:n], items[:n], reviews[:n], np.array([1.0, np.nan, 7.2, 7.4, 8.0, np.inf])[:n]]


def test_a_row_is_known_by_who_was_where_and_the_review_of_it() -> None:
    own = row_marks(*rows())
    assert len(set(own)) == 6 and own.dtype == np.uint64
    order = np.array([5, 0, 4, 1, 2, 3])
    shuffled = row_marks(*(column[order] for column in rows()))
    np.testing.assert_array_equal(places_of(own, shuffled)[order], np.arange(6))
    users, items, reviews, times = rows()
    later = row_marks(users, items, reviews, times + 100.0)
    assert (later == own).tolist() == [True, True, False, False, False, True]
    categories = row_marks(pd.Categorical(users), pd.Categorical(items), reviews, times)
    np.testing.assert_array_equal(categories, own)


def test_a_missing_token_is_an_empty_one() -> None:
    given = ["a", None, np.nan, ""]
    empty = marks_of(np.array([""], dtype=object))[0]
    for column in (np.array(given, dtype=object), pd.Categorical(given)):
        assert (marks_of(column) == empty).tolist() == [False, True, True, True]


def test_checkpoints_of_earlier_versions_know_their_rows() -> None:
    """Marks are kept in files: a text has the same one for good, and so has a row."""
    texts = np.array(["", "a", "ü", "\U0001f355", "x" * 40, "NA"], dtype=object)
    wanted = [
        1760245841805064774, 13950350942979735504, 6689755093696353227, 13366954287014089077,
        17355273493356824715, 1139541392398579759,
    ]  # fmt: skip
    many = np.resize(texts, 20_000)  # more than are hashed at a time
    column = pa.chunked_array([pa.array(many[:2]), pa.array(many[2:5])])
    for tokens in (many, pa.array(many), as_texts(many), pd.Categorical(many)):
        assert (marks_of(tokens) == np.resize(np.array(wanted, np.uint64), 20_000)).all()
    assert marks_of(column).tolist() == wanted[:5]
    assert row_marks(*rows()).tolist() == [
        3021302299903430341, 11991852381466135455, 1060405592645284028, 7298478340585862817,
        15092759568306502544, 15832103062561236423,
    ]  # fmt: skip
    users, items, reviews, times = rows()
    without_a_time = row_marks(users[:2], items[:2], reviews[2:4], times[[1, 5]])
    assert without_a_time.tolist() == [10895897295714423387, 5556161339706204800]


def test_what_was_known_comes_first_in_its_own_order() -> None:
    now, known = (np.array(own, dtype=np.uint64) for own in ([5, 3, 9, 1, 3], [3, 7, 5]))
    assert places_of(known, now).tolist() == [1, -1, 0]
    assert known_first(now, known, alone=True).tolist() == [1, 0]
    assert known_first(now, known, alone=False).tolist() == [1, 0, 2, 3, 4]
    none = np.empty(0, dtype=np.uint64)
    assert places_of(known, none).tolist() == [-1, -1, -1]
    assert known_first(now, none, alone=False).tolist() == [0, 1, 2, 3, 4]


def test_they_survive_a_file_of_signed_integers() -> None:
    large = np.array([2**64 - 1, 3], dtype=np.uint64)
    marks = DataMarks(large, np.array([0, -1], np.int8), large, large[:1], np.arange(4))
    plain = marks.to_plain()
    assert {values.dtype.name for values in plain.values()} == {"int64", "int8"}
    again = DataMarks.from_plain(plain)
    np.testing.assert_array_equal(again.rows, large)
    assert again.splits.tolist() == [0, -1] and again.sizes.tolist() == [0, 1, 2, 3]
    for damage in ({"rows": plain["rows"][:1]}, {"splits": plain["rows"]}, {"photos": None}):
        with pytest.raises((TypeError, ValueError), match="marks of"):
            DataMarks.from_plain({**plain, **damage})
