"""Prepare what comes next while the present is being worked on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

import torch

Task = TypeVar("Task")
Result = TypeVar("Result")


def prefetch(
    work: Callable[[Task], Result],
    tasks: Iterable[Task],
    workers: int,
    prepare_thread: Callable[[], object] | None = None,
) -> Generator[Result, None, None]:
    """Yield ``work(task)`` in the order of the tasks, computed ahead by threads.

    Threads rather than processes: decoding, resizing and encoding photos let go of Python's
    lock, and nothing need be copied between processes. At most ``workers + 1`` results wait.

    Args:
        work: What to do; an error is raised where its result would have come.
        tasks: What to do it with.
        workers: Number of threads, at least 1.
        prepare_thread: What each thread does first.
    """
    pool = ThreadPoolExecutor(workers, initializer=prepare_thread)
    waiting: deque[Future[Result]] = deque()
    try:
        for task in tasks:
            waiting.append(pool.submit(work, task))
            if len(waiting) > workers + 1:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def on_every_core(
    work: Callable[[Task], Result], tasks: Iterable[Task], workers: int
) -> Generator[Result, None, None]:
    """Like :func:`prefetch`, for work that computes with PyTorch on a processor.

    Each thread has one core: cores that share a small task wait for each other.
    """
    threads = torch.get_num_threads()
    try:
        with closing(prefetch(work, tasks, workers, _use_one_core)) as results:
            yield from results
    finally:
        # Each thread has a number of its own, but a new thread starts with the last one set.
        torch.set_num_threads(threads)


def _use_one_core() -> None:
    torch.set_num_threads(1)
