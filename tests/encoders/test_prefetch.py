from __future__ import annotations

import threading
import time

import pytest

from recbole_showcase.encoders.prefetch import prefetch


def test_results_come_in_order() -> None:
    def work(number: int) -> int:
        time.sleep(0.002 * (5 - number % 5))
        return number * number

    assert list(prefetch(work, range(20), 3)) == [n * n for n in range(20)]


def test_only_a_few_results_wait() -> None:
    begun: list[int] = []
    results = prefetch(lambda n: begun.append(n) or n, range(1000), 2)
    next(results)
    time.sleep(0.05)
    assert len(begun) <= 4
    results.close()


def test_work_goes_on_while_the_result_is_used() -> None:
    second = threading.Event()
    results = prefetch(lambda n: second.set() if n == 1 else None, range(2), 1)
    next(results)
    assert second.wait(5)
    results.close()


def test_an_error_comes_where_the_result_would() -> None:
    def work(number: int) -> int:
        if number == 2:
            raise ValueError("two")
        return number

    results = prefetch(work, range(5), 2)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="two"):
        next(results)
