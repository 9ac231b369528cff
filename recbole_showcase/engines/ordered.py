"""Results in the order of their tasks, whoever does them and whenever they are done."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Iterable
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")
Hand = TypeVar("Hand")
Handle = TypeVar("Handle", bound=Hashable)


def in_order(
    tasks: Iterable[Task],
    most: Callable[[], int],
    give: Callable[[Task], Handle],
    wait: Callable[[list[Handle]], Iterable[Handle]],
    take: Callable[[Handle], Result],
) -> Generator[Result, None, None]:
    """Have tasks done at once and yield their results in order; memory does not grow.

    Args:
        tasks: What to do; read no further than is given out.
        most: How many tasks may be at work now. As many again may wait for their turn, done.
        give: Gives a task out; what it returns stands for the task until it is taken.
        wait: Those of some handles that are done, one at least.
        take: The result of one that is done, or its error.
    """
    left = iter(tasks)
    busy: dict[Handle, int] = {}
    found: dict[int, Result] = {}
    given = turn = 0
    while True:
        room = most()
        while len(busy) < room and given - turn < 2 * room:
            try:
                task = next(left)
            except StopIteration:
                break
            busy[give(task)] = given
            given += 1
        if turn in found:
            yield found.pop(turn)
            turn += 1
        elif busy:
            for handle in wait(list(busy)):
                found[busy.pop(handle)] = take(handle)
        else:
            return
