"""Processes for tasks: each fresh, with its share of the cores and a log of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Literal, Protocol

from recbole_showcase.arguments import check_count
from recbole_showcase.benchmark.records import LOG
from recbole_showcase.errors import ShowcaseError

STOPPED = "stopped"
What = Literal["check", "run", "search"]
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")


class Launcher(Protocol):
    """Does a task and returns how its process ended."""

    def __call__(self, what: What, place: Path) -> str:
        """Do a task to its end.

        Returns:
            ``""`` where all is well, ``STOPPED`` where :meth:`stop` ended it, else how the
            process ended.
        """

    def stop(self) -> None:
        """End what is going on, and start nothing more."""


class ProcessLauncher:
    """Starts ``recbole_showcase.benchmark.worker`` for each task."""

    def __init__(self, threads: int) -> None:
        """Give each process a number of threads."""
        self._threads = threads
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def __call__(self, what: What, place: Path) -> str:
        """Do a task to its end; what it prints goes to ``log.txt`` in its folder."""
        environment = {**os.environ, **dict.fromkeys(_THREADS, str(self._threads))}
        environment["PYTHONUNBUFFERED"] = "1"
        command = [sys.executable, "-m", "recbole_showcase.benchmark.worker", what, str(place)]
        with (place / LOG if what != "check" else place.with_suffix(".log")).open("ab") as log:
            with self._lock:
                if self._stopped:
                    return STOPPED
                # A session of its own: Ctrl-C reaches the benchmark alone, which ends the others.
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    start_new_session=True,
                )
                self._running.add(process)
            status = process.wait()
            with self._lock:
                self._running.discard(process)
                return STOPPED if self._stopped and status else _ending(status)

    def stop(self) -> None:
        """End the processes; their tasks start anew next time."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                process.terminate()


def _ending(status: int) -> str:
    if status == 0:
        return ""
    if status > 0:
        return f"its process ended with status {status}"
    name = signal.Signals(-status).name
    hint = ", which is how a system short of memory ends it" if name == "SIGKILL" else ""
    return f"its process was ended by {name}{hint}"


def threads_for(jobs: int) -> int:
    """An even share of the cores.

    Raises:
        ShowcaseError: If there is to be no job.
    """
    check_count(ShowcaseError, jobs=jobs)
    return max(1, (os.cpu_count() or 1) // jobs)
