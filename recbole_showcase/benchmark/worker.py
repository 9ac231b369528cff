"""What runs in a process of its own: ``python -m recbole_showcase.benchmark.worker WHAT PLACE``.

WHAT is ``run`` or ``search`` with the folder of a task, or ``check`` with a folder of folders.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

from recbole_showcase.benchmark.plan import Task
from recbole_showcase.benchmark.records import CONFIG, REFUSED, Checklist, Record, TaskFolder
from recbole_showcase.errors import SettingsError, ShowcaseError
from recbole_showcase.evaluation.results import (
    load_basis,
    load_surroundings,
    result_file,
    user_sums_file,
)
from recbole_showcase.evaluation.surroundings import (
    Energy,
    Surroundings,
    commit,
    peak_memory_mb,
    versions,
)
from recbole_showcase.files.yaml_files import write_yaml
from recbole_showcase.parts import import_modules

_WORK = "work"


def main(what: str, place: str) -> int:
    """Do what is asked; returns the exit status."""
    path = Path(place).resolve()
    if what == "check":
        return _check(path)
    return _task(TaskFolder(path), _run if what == "run" else _search)


def _task(folder: TaskFolder, work: Callable[[TaskFolder, Task, Path], Record]) -> int:
    """Do a task in a working folder that is removed afterwards, and record how it ended."""
    scratch = folder.path / _WORK
    # The process of a benchmark that was killed may still be at work on the same task.
    with FileLock(folder.path / ".lock"):
        if folder.record() is not None:
            return 0
        task = folder.task()
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        try:
            _import_modules(task)
            with contextlib.chdir(scratch):
                record = work(folder, task, scratch)
        except Exception as error:
            traceback.print_exc()
            said = " ".join(str(error).split()) or "no message"
            record = Record(
                "failed",
                task.settings["seed"],
                error=f"{type(error).__name__}: {said}",
                versions=versions(),
            )
        folder.write(record)
        shutil.rmtree(scratch, ignore_errors=True)
    return 0 if record.status == "done" else 1


def _import_modules(task: Task) -> None:
    """Import what the specification names, such as a model or a part of the user's own.

    Raises:
        SettingsError: A module cannot be imported.
    """
    folder = str(task.specification.parent)
    if folder not in sys.path:
        sys.path.append(folder)  # last: a file in it hides no installed module
    try:
        import_modules(task.imports)
    except SettingsError as error:
        raise SettingsError(f"{task.specification}: {error}; {folder} is on it") from error


def _run(folder: TaskFolder, task: Task, scratch: Path) -> Record:
    """Train and test."""
    import recbole.quick_start  # noqa: F401 - so that its import is not counted

    from recbole_showcase.integration import experiments

    config = scratch / "run.yaml"
    saved = scratch / "saved"
    write_yaml(config, {"show_progress": False, **task.settings, "checkpoint_dir": str(saved)})
    with Energy() as energy:  # which takes seconds to begin, and to end
        started, worked = time.perf_counter(), time.process_time()
        validation, result = experiments.train_and_test(task.model, task.dataset, config)
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - worked
    checkpoint = _tested_checkpoint(saved)
    settings = experiments.final_settings(checkpoint)
    write_yaml(folder.path / "final_config.yaml", settings)
    basis, made = load_basis(checkpoint), load_surroundings(checkpoint) or Surroundings()
    user_sums = user_sums_file(checkpoint)
    if user_sums.is_file():
        os.replace(user_sums, folder.user_sums)
    if task.keep:
        kept = folder.path / "checkpoint.pth"
        os.replace(result_file(checkpoint), result_file(kept))
        os.replace(checkpoint, kept)
    return Record(
        "done",
        task.settings["seed"],
        result=result,
        valid=validation.result,
        rests_on={} if basis is None else asdict(basis),
        smaller=experiments.smaller_is_better(result),
        seconds=round(seconds, 2),
        cpu_seconds=round(cpu_seconds, 2),
        peak_memory_mb=peak_memory_mb(),
        energy_kwh=energy.kwh,
        date=_today(),
        **vars(made),
    )


def _today() -> str:
    """The date in UTC, as 2025-12-31."""
    return datetime.now(UTC).date().isoformat()


def _tested_checkpoint(saved: Path) -> Path:
    """The checkpoint that was tested; RecBole saves data as ``.pth`` too where it is told to."""
    (checkpoint,) = (path for path in saved.glob("*.pth") if result_file(path).is_file())
    return checkpoint


def _search(folder: TaskFolder, task: Task, scratch: Path) -> Record:
    """Search for the setting that validates best."""
    from recbole_showcase.benchmark.search import search

    started, worked = time.perf_counter(), time.process_time()
    chosen, validation = search(folder.path, task, scratch)
    made_by, changed = commit()
    return Record(
        "done",
        task.settings["seed"],
        valid=validation.result,
        chosen=chosen,
        seconds=round(time.perf_counter() - started, 2),
        cpu_seconds=round(time.process_time() - worked, 2),
        peak_memory_mb=peak_memory_mb(),
        date=_today(),
        commit=made_by,
        changed=changed,
        versions=versions(),
    )


def _check(path: Path) -> int:
    """Check several tasks; the first that is refused is reported.

    First all configurations, which takes no time, then each task up to its first epoch.
    """
    from recbole_showcase.integration.rehearsal import Rehearsal

    rehearsal, asked = Rehearsal(), Checklist.read(path)
    figures: set[str] = set()
    places = sorted(place for place in path.iterdir() if place.is_dir())
    try:
        for place in places:
            task = TaskFolder(place).task()
            _import_modules(task)
            with contextlib.chdir(place):
                figures |= set(rehearsal.figures(task.model, task.dataset, place / CONFIG))
        asked.require(figures)
        for place in places:
            if place.name in asked.pending:
                task = TaskFolder(place).task()
                with contextlib.chdir(place):
                    rehearsal.build(task.model, task.dataset, place / CONFIG)
    except ShowcaseError as error:
        (path / REFUSED).write_text(str(error), encoding="utf-8")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
