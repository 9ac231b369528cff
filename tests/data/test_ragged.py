"""Ragged lists and timelines against plain Python."""

from __future__ import annotations

import numpy as np
import pytest

from recbole_showcase.data.ragged import Ragged, Timeline


def test_lists_keep_the_order_given() -> None:
    ragged = Ragged.from_pairs(np.array([2, 0, 2, 0, 2]), np.array([10, 11, 12, 13, 14]), 4)
    keys = np.array([2, 1, 0])
    assert ragged.first(keys, 2).tolist() == [[10, 12], [-1, -1], [11, 13]]
    assert ragged.lengths(keys).tolist() == [3, 0, 2]


def test_no_entries_and_no_keys() -> None:
    none = np.empty(0, dtype=np.int64)
    ragged = Ragged.from_pairs(none, none, 3)
    assert ragged.first(np.array([0, 2]), 5).shape == (2, 0)
    assert ragged.first(none, 5).shape == (0, 0)
    timeline = Timeline(none, none.astype(float), none, 3)
    assert timeline.before(np.array([1]), np.array([5.0]), 4).shape == (1, 0)


def test_a_spread_gives_each_value_of_a_long_list_the_same_chance() -> None:
    ragged = Ragged.from_pairs(np.repeat([0, 1, 2], [3, 10, 0]), np.arange(13), 3)
    random = np.random.default_rng(0)
    seen = np.zeros(13)
    for _ in range(4000):
        short, long, none = ragged.spread(np.arange(3), 4, random)
        assert short.tolist() == [0, 1, 2, -1] and none.tolist() == [-1] * 4
        assert (np.diff(long) > 0).all() and set(long) <= set(range(3, 13))
        seen[long] += 1
    np.testing.assert_allclose(seen[3:] / 4000, 0.4, atol=0.03)


def test_a_spread_over_short_lists_draws_nothing() -> None:
    ragged = Ragged.from_pairs(np.array([0, 1, 1]), np.arange(3), 2)
    random = np.random.default_rng(0)
    before = random.bit_generator.state
    assert ragged.spread(np.array([1, 0]), 2, random).tolist() == [[1, 2], [0, -1]]
    assert random.bit_generator.state == before


@pytest.mark.parametrize("seed", range(5))
def test_timelines_agree_with_a_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, n_users = 200, 7
    users = rng.integers(n_users, size=n)
    times = rng.integers(20, size=n).astype(float)  # many ties
    times[rng.random(n) < 0.1] = np.nan
    values = rng.permutation(n)
    timeline = Timeline(users, times, values, n_users)
    asked = rng.integers(n_users, size=50)
    when = rng.integers(-1, 22, size=50).astype(float)
    when[:5] = np.inf
    found = timeline.before(asked, when, 6)
    for user, time, row in zip(asked, when, found, strict=True):
        keys = [
            (-np.inf if np.isnan(t) else t, i)
            for i, (u, t) in enumerate(zip(users, times, strict=True))
            if u == user and (np.isnan(t) or t < time)
        ]
        expected = [values[i] for _, i in sorted(keys)][::-1][:6]
        assert [v for v in row if v >= 0] == expected


def test_an_unknown_time_asks_for_all() -> None:
    timeline = Timeline(np.zeros(3, int), np.array([1.0, 2.0, 3.0]), np.arange(3), 1)
    assert timeline.before(np.array([0]), np.array([np.nan]), 9).tolist() == [[2, 1, 0]]
