"""Processes for tasks: each fresh, with its share of the cores and a log of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Literal, Protocol

from recbole_showcase.benchmark.records import LOG
from recbole_showcase.engines.processes import THREADS, ending_of

STOPPED = "stopped"
What = Literal["check", "run", "search"]


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
        environment = {**os.environ, **dict.fromkeys(THREADS, str(self._threads))}
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
                if self._stopped and status:
                    return STOPPED
                ended = ending_of(status)
                return f"its process {ended}" if ended else ""

    def stop(self) -> None:
        """End the processes; their tasks start anew next time."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                process.terminate()
