"""Processes of this machine: a share of the cores for each, and how one has ended."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, Generic

from recbole_showcase.arguments import check_count
from recbole_showcase.console import Loudness, set_loudness
from recbole_showcase.engines.ordered import Hand, Result, Task, in_order
from recbole_showcase.errors import LostWorker, ShowcaseError

# What libraries that compute in threads read when they are loaded.
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")


def threads_for(jobs: int) -> int:
    """An even share of the cores, or fewer where ``OMP_NUM_THREADS`` says so.

    Raises:
        ShowcaseError: If there is to be no job.
    """
    check_count(ShowcaseError, jobs=jobs)
    share = max(1, (os.cpu_count() or 1) // jobs)
    # OpenMP takes a list as well, a number for each level of nesting.
    most = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return min(share, int(most)) if most.isdecimal() and int(most) else share


def ending_of(status: int) -> str:
    """How a process has ended, as a clause; empty where all is well."""
    if status == 0:
        return ""
    if status > 0:
        return f"ended with status {status}"
    name = signal.Signals(-status).name
    hint = ", which is how a system short of memory ends it" if name == "SIGKILL" else ""
    return f"was ended by {name}{hint}"


class ProcessCrew(Generic[Hand]):
    """Processes that each load what they work with once, and then do task after task.

    They are spawned, since neither CUDA nor a pool of threads survives a fork. What a caller's own
    program does at its top is done in each again, unless under ``if __name__ == "__main__"``.
    They end with this process, whatever ends it.
    """

    def __init__(self, start: Callable[[], Hand], count: int) -> None:
        """Prepare to start them.

        Args:
            start: Loads what a process works with; it is pickled.
            count: How many processes.
        """
        self._start, self._count = start, count
        self._processes: dict[Connection, Any] = {}
        self._idle: list[Connection] = []

    def __enter__(self) -> ProcessCrew[Hand]:
        """Start the processes, which begin to load."""
        try:
            self._begin()
        except BaseException:  # Ctrl-C that came meanwhile among them
            self.__exit__()
            raise
        return self

    def _begin(self) -> None:
        context = multiprocessing.get_context("spawn")
        resource_tracker.ensure_running()  # it would let signals through when it is started
        with _threads(threads_for(self._count)), _signals_held_back():
            for _ in range(self._count):
                ours, theirs = context.Pipe()
                process = context.Process(target=_serve, args=(theirs, self._start))
                process.start()
                theirs.close()  # so that the end of the process is the end of the pipe
                self._processes[ours] = process
        self._idle = list(self._processes)

    def __exit__(self, *error: object) -> None:
        """End the processes; they hold nothing that is worth keeping."""
        for process in self._processes.values():
            process.kill()
        for connection, process in self._processes.items():
            process.join()
            connection.close()

    def map(
        self, work: Callable[[Hand, Task], Result], tasks: Iterable[Task]
    ) -> Generator[Result, None, None]:
        """See :class:`recbole_showcase.engines.Crew`."""

        def give(task: Task) -> Connection:
            connection = self._idle.pop()
            try:
                connection.send((work, task))
            except OSError as error:
                raise self._lost(connection) from error
            return connection

        def take(connection: Connection) -> Result:
            try:
                result, error = connection.recv()
            except (EOFError, OSError) as end:
                raise self._lost(connection) from end
            self._idle.append(connection)
            if error is not None:
                raise error
            return result

        return in_order(tasks, lambda: self._count, give, _done, take)

    def _lost(self, connection: Connection) -> LostWorker:
        process = self._processes[connection]
        process.join()
        ended = ending_of(process.exitcode) or "ended"
        return LostWorker(f"one of {self._count} processes that share the work {ended}")


def _done(connections: list[Connection]) -> list[Connection]:
    done: list[Any] = wait(connections)
    return done


def _serve(connection: Connection, start: Callable[[], Any]) -> None:
    """Load, then do task after task."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    set_loudness(Loudness.QUIET)  # who shares the work out says how far it is, once for all
    failed: Exception | None = None
    try:
        hand = start()
    except Exception as error:
        failed = error
    while True:
        answer: tuple[Any, Exception | None]
        with _end_with_pipe():
            work, task = connection.recv()
        try:
            if failed is not None:
                raise failed
            answer = work(hand, task), None
        except Exception as error:
            answer = None, _to_send(error)
        with _end_with_pipe():
            connection.send(answer)


@contextmanager
def _end_with_pipe() -> Iterator[None]:
    """End without a word where the pipe is closed: who shares the work out is gone."""
    try:
        yield
    except (EOFError, OSError):
        os._exit(1)


def _end_with_parent() -> None:
    """End at once when who shares the work out is gone, in the middle of a task too."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _to_send(error: Exception) -> Exception:
    """An error with what is lost when it is pickled; those that we word need no traceback."""
    if not isinstance(error, ShowcaseError | OSError):
        error.add_note("".join(traceback.format_exception(error)))
    return error


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """Processes that are started meanwhile compute with a number of threads."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, str(number)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _signals_held_back() -> Iterator[None]:
    """Processes that are started meanwhile never see Ctrl-C or SIGTERM: this one ends them.

    A terminal sends Ctrl-C to all of them, and some batch systems SIGTERM. This process gets those
    that come meanwhile afterwards.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
