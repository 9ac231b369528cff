"""Any ragged lists and timelines against loops that read as their descriptions."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recbole_showcase.data.ragged import Ragged, Timeline

KEYS = 5
TIMES = st.one_of(
    st.integers(-3, 3).map(float), st.floats(width=64), st.sampled_from([math.nan, -math.inf])
)
ENTRIES = st.lists(st.tuples(st.integers(0, KEYS - 1), TIMES, st.integers(0, 9)), max_size=30)
LIMITS = st.integers(0, 6)


def without_padding(rows: np.ndarray, asked: int, most: int) -> list[list[int]]:
    """The values of each row, which is as wide as the longest needs and padded at its end."""
    assert rows.shape[0] == asked and rows.dtype == np.int64
    values = [[int(v) for v in row if v != -1] for row in rows]
    assert rows.shape[1] == max(map(len, values), default=0) <= most
    for row, kept in zip(rows.tolist(), values, strict=True):
        assert row == kept + [-1] * (len(row) - len(kept))
    return values


@given(ENTRIES, st.lists(st.integers(0, KEYS - 1), max_size=8), LIMITS)
def test_lists(entries: list[tuple[int, float, int]], asked: list[int], limit: int) -> None:
    keys = np.array([key for key, _, _ in entries], dtype=np.int64)
    values = np.array([value for _, _, value in entries], dtype=np.int64)
    ragged = Ragged.from_pairs(keys, values, KEYS)
    expected = [[value for key, _, value in entries if key == one] for one in asked]
    wanted = np.array(asked, dtype=np.int64)
    assert ragged.lengths(wanted).tolist() == [len(row) for row in expected]
    found = without_padding(ragged.first(wanted, limit), len(asked), limit)
    assert found == [row[:limit] for row in expected]


@given(ENTRIES, st.lists(st.tuples(st.integers(0, KEYS - 1), TIMES), max_size=8), LIMITS)
def test_timelines(
    entries: list[tuple[int, float, int]], asked: list[tuple[int, float]], limit: int
) -> None:
    users, times, values = (
        np.array([entry[place] for entry in entries], dtype=kind)
        for place, kind in enumerate((np.int64, np.float64, np.int64))
    )
    timeline = Timeline(users, times, values, KEYS)
    expected = []
    for user, until in asked:
        past: list[tuple[float, int, int]] = []
        for place, (who, when, what) in enumerate(entries):
            told = -math.inf if math.isnan(when) else when
            if who == user and (math.isnan(until) or told < until):
                past.append((told, place, what))
        expected.append([what for _, _, what in sorted(past)][::-1][:limit])
    found = timeline.before(
        np.array([user for user, _ in asked], dtype=np.int64),
        np.array([until for _, until in asked], dtype=np.float64),
        limit,
    )
    assert without_padding(found, len(asked), limit) == expected
