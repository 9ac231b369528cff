"""Tasks that are done at once give their results in order, and few are held."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbole_showcase.engines.ordered import in_order


@given(st.integers(0, 30), st.integers(1, 5), st.randoms(use_true_random=False))
def test_results_come_in_the_order_of_tasks(count: int, most: int, random: Random) -> None:
    """Whichever is done first; no more are at work or wait than may."""
    read = 0
    busy: set[int] = set()

    def tasks() -> Iterator[int]:
        nonlocal read
        for number in range(count):
            read += 1
            yield number

    def give(task: int) -> int:
        busy.add(task)
        assert len(busy) <= most
        return task

    def take(task: int) -> int:
        busy.remove(task)
        return task

    def some(tasks: list[int]) -> list[int]:
        return random.sample(tasks, random.randint(1, len(tasks)))

    found = []
    for result in in_order(tasks(), lambda: most, give, some, take):
        found.append(result)
        assert read - len(found) <= 2 * most
    assert found == list(range(count)) and not busy


def test_more_tasks_are_at_work_when_more_may() -> None:
    room, given_out = [1], []

    def give(task: int) -> int:
        given_out.append(task)
        return task

    results = in_order(range(8), lambda: room[0], give, lambda h: h[:1], lambda task: task)
    assert (next(results), given_out) == (0, [0, 1])
    room[0] = 3
    assert (next(results), given_out) == (1, [0, 1, 2, 3, 4])
    assert list(results) == [2, 3, 4, 5, 6, 7]


def test_an_error_comes_where_its_result_is_taken() -> None:
    def take(task: int) -> int:
        return 1 // task

    with pytest.raises(ZeroDivisionError):
        list(in_order([1, 0], lambda: 2, lambda task: task, lambda handles: handles, take))
