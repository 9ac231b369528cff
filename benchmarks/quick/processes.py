"""Processes that have torch and RecBole imported already, which is half of a small run."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recbole_showcase.benchmark.launch import STOPPED, What
from recbole_showcase.benchmark.records import LOG
from recbole_showcase.engines.processes import THREADS, ending_of
from recbole_showcase.files.replace import replace_text

PRELOADED = (
    "recbole_showcase",  # before RecBole, which it registers with
    "recbole.quick_start",
    "recbole_showcase.composed.model",
    "recbole_showcase.composed.trainer",
    "recbole_showcase.composed.dataset",
    "recbole_showcase.benchmark.worker",
    "transformers.models.gpt2.modeling_gpt2",
    "open_clip",
    "benchmarks.quick",
)


@dataclass(frozen=True)
class Call:
    """A function to call in a process of its own.

    Attributes:
        kept: The file of what it found, JSON, with the seconds it took; there once it is done.
        target: Returns figures as plain data.
        arguments: Of the target.
        settings: Of the target, by name.
    """

    kept: Path
    target: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)

    def found(self) -> dict[str, Any] | None:
        """What it found and its ``seconds``, or None if it is not done."""
        return json.loads(self.kept.read_text()) if self.kept.is_file() else None


class Warm:
    """Calls functions in forks of a process that has the large packages imported.

    Each computes with one thread, so that figures do not depend on how many run at once.
    """

    def __init__(self, preloaded: Sequence[str] = PRELOADED) -> None:
        """Nothing is started before the first call; ``preloaded`` is imported then."""
        os.environ.update(dict.fromkeys(THREADS, "1"))
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(list(preloaded))
        self._running: list[Any] = []
        self._stopped = False

    def run(self, target: Callable[..., Any], arguments: tuple[Any, ...], log: Path) -> str:
        """Call a function to its end; how its process ended, "" where all is well."""
        if self._stopped:
            return STOPPED
        process = self._context.Process(target=_logged, args=(log, target, arguments))
        self._running.append(process)
        process.start()
        process.join()
        self._running.remove(process)
        if self._stopped and process.exitcode:
            return STOPPED
        ended = ending_of(process.exitcode or 0)
        return f"its process {ended}; see {log}" if ended else ""

    def all_of(self, calls: Iterable[Call], jobs: int, say: Callable[[str], None]) -> None:
        """Make the calls whose file is not there, several at once."""

        def make(call: Call) -> None:
            if call.found() is None:
                call.kept.parent.mkdir(parents=True, exist_ok=True)
                ended = self.run(_keep, (call,), call.kept.with_suffix(".log"))
                say(f"{call.kept.stem}: {ended or 'done'}")

        with ThreadPoolExecutor(jobs) as pool:
            try:
                list(pool.map(make, calls))
            except KeyboardInterrupt:
                self.stop()
                raise

    def __call__(self, what: What, place: Path) -> str:
        """Do a task of a benchmark, as its ``Launcher``."""
        from recbole_showcase.benchmark.worker import main

        log = place / LOG if what != "check" else place.with_suffix(".log")
        return self.run(main, (what, str(place)), log)

    def stop(self) -> None:
        """End what is going on, and start nothing more."""
        self._stopped = True
        for process in list(self._running):
            process.terminate()


def _logged(log: Path, target: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Call it with what it prints in a file, and end with its status."""
    with log.open("ab") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    try:
        status = target(*arguments)
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else 0)


def _keep(call: Call) -> None:
    """Call it and keep what it found, whole or not at all."""
    started = time.perf_counter()
    found = call.target(*call.arguments, **call.settings)
    seconds = round(time.perf_counter() - started, 1)
    replace_text(call.kept, json.dumps({"seconds": seconds, "figures": found}, indent=1))
