"""Run what a benchmark still lacks, and write its tables."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from recbole_showcase.benchmark.launch import STOPPED, Launcher, ProcessLauncher
from recbole_showcase.benchmark.plan import (
    Cell,
    Task,
    cells_of,
    corner_of,
    require_hyperopt,
    run_of,
    search_of,
)
from recbole_showcase.benchmark.records import REFUSED, Checklist, Record, TaskFolder
from recbole_showcase.benchmark.spec import BenchmarkSpec
from recbole_showcase.benchmark.summary import Outcome, Summary, summarise
from recbole_showcase.console import progress_bar, say
from recbole_showcase.encoders.commands import making
from recbole_showcase.encoders.names import SHIPPED
from recbole_showcase.engines.processes import threads_for
from recbole_showcase.errors import DataError, SettingsError, ShowcaseError

_RUNS, _SEARCHES, _CHECKS = "runs", "searches", ".checks"


def run_benchmark(
    spec: BenchmarkSpec,
    out: str | Path,
    *,
    jobs: int = 1,
    retry_failed: bool = False,
    launcher: Launcher | None = None,
    progress: bool = True,
) -> Summary:
    """Run what has not been run yet; finished runs are taken as they are.

    Args:
        spec: What to run.
        out: Folder of the benchmark.
        jobs: Runs at a time.
        retry_failed: Whether runs that failed are run again.
        launcher: What does a task; by default a process each.
        progress: Whether to show progress.

    Returns:
        The figures of all runs that are done, and the errors of those that failed.

    Raises:
        SettingsError: A configuration would be refused, a column computed by no run, or a run
            stopped by what it lacks; nothing has been run.
        DataError: A data set is not there.
        ShowcaseError: Another benchmark is at work in the folder.
        KeyboardInterrupt: Ctrl-C; what is done is kept.
    """
    out = Path(out).absolute()
    launcher = launcher or ProcessLauncher(threads_for(jobs))
    bench = _Benchmark(spec, out, jobs, retry_failed, launcher, progress)
    (out / _RUNS).mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out / ".lock", timeout=0):
            bench.check()
            bench.run(bench.searches())
            bench.run(bench.runs())
    except Timeout as error:
        raise ShowcaseError(f"{out}: another benchmark is at work there") from error
    return summary_of(spec, out)


def summary_of(spec: BenchmarkSpec, out: str | Path) -> Summary:
    """The figures of what has been run so far."""
    out = Path(out).absolute()
    outcomes = []
    for cell in cells_of(spec):
        searched = _search_record(spec, out, cell)
        for seed in spec.seeds:
            record: Record | None = None
            user_sums: Path | None = None
            if searched is not None and searched.status == "failed":
                record = Record("failed", seed, error=f"the search failed: {searched.error}")
            elif searched is not None or spec.tune is None:
                folder = _folder(out, _run_task(cell, seed, searched))
                record = folder.record()
                user_sums = folder.user_sums if folder.user_sums.is_file() else None
            outcomes.append(Outcome(cell.labels, seed, record, user_sums))
    return summarise(spec, outcomes)


@dataclass(frozen=True)
class _Benchmark:
    """A benchmark while it runs."""

    spec: BenchmarkSpec
    out: Path
    jobs: int
    retry_failed: bool
    launcher: Launcher
    progress: bool

    def searches(self) -> list[Task]:
        """The searches, one a combination."""
        if self.spec.tune is None:
            return []
        return [search_of(c, self.spec.tune) for c in cells_of(self.spec)]

    def runs(self) -> list[Task]:
        """The runs of all combinations whose search, if there is one, has come to its end."""
        tasks = []
        for cell in cells_of(self.spec):
            searched = _search_record(self.spec, self.out, cell)
            if self.spec.tune is None or (searched is not None and searched.status == "done"):
                tasks += [_run_task(cell, seed, searched) for seed in self.spec.seeds]
        return tasks

    def check(self) -> None:
        """Check every configuration before the first run, in a process of its own.

        Raises:
            SettingsError: With what RecBole or this package says of the first bad one.
            DataError: A data set is not there.
        """
        cells = cells_of(self.spec)
        _check_data(cells)
        if self.spec.tune is not None:
            require_hyperopt()
        pending = {task.id for task in self._pending([*self.searches(), *self.runs()])}
        place = self.out / _CHECKS
        shutil.rmtree(place, ignore_errors=True)
        if not pending:
            return
        place.mkdir()
        names = [f"{number:04}" for number in range(len(cells))]
        for name, cell in zip(names, cells, strict=True):
            task = run_of(cell, self.spec.seeds[0], corner_of(self.spec.tune))
            TaskFolder(place / name).prepare(task)
        left = [n for n, cell in zip(names, cells, strict=True) if pending & self._tasks_of(cell)]
        plotted = () if self.spec.plot is None else vars(self.spec.plot).values()
        columns = [*self.spec.columns, *plotted]
        Checklist(str(self.spec.path), columns, left).write(place)
        ending = self.launcher("check", place)
        refused = place / REFUSED
        said = refused.read_text(encoding="utf-8") if refused.is_file() else ""
        if ending and not said:
            raise SettingsError(f"the settings cannot be checked, {ending}; see {place}.log")
        if said:
            raise SettingsError(said)
        shutil.rmtree(place)
        place.with_suffix(".log").unlink(missing_ok=True)

    def _tasks_of(self, cell: Cell) -> set[str]:
        """Ids of what is done for a combination."""
        searched = _search_record(self.spec, self.out, cell)
        runs = {_run_task(cell, seed, searched).id for seed in self.spec.seeds}
        return runs if self.spec.tune is None else runs | {search_of(cell, self.spec.tune).id}

    def run(self, tasks: Sequence[Task]) -> None:
        """Do the tasks that are not done, several at a time."""
        if not tasks:
            return
        pending, total = self._pending(tasks), len({task.id for task in tasks})
        kind = "searches" if tasks[0].tune else "runs"
        there = total - len(pending)
        if not pending:
            self._say(f"all {total} {kind} are there already: nothing to do")
            return
        self._say(f"{there} of {total} {kind} are there already, {len(pending)} to do")
        with progress_bar(total=total, initial=there, desc=kind, shown=self.progress) as bar:

            def show(line: str) -> None:
                self._say(line)
                bar.update()

            _in_parallel(pending, self._do, self.jobs, self.launcher.stop, show)

    def _say(self, line: str) -> None:
        if self.progress:
            say(line)

    def _pending(self, tasks: Iterable[Task]) -> list[Task]:
        """Tasks without a record, each once; the record of one to be tried again is deleted."""
        found: dict[str, Task] = {}
        for task in tasks:
            folder = _folder(self.out, task)
            record = folder.record()
            if record is not None and record.status == "failed" and self.retry_failed:
                folder.forget()
                record = None
            if record is None:
                found[task.id] = task
        return list(found.values())

    def _do(self, task: Task) -> str:
        """Do one task; returns a line that says how it went."""
        folder = _folder(self.out, task)
        folder.prepare(task)
        ending = self.launcher("search" if task.tune else "run", folder.path)
        if ending == STOPPED:
            return ""
        record = folder.record()
        if record is None:
            said = ending or "its process left no record"
            record = Record("failed", task.settings["seed"], error=f"{said}; see {folder.log}")
            folder.write(record)
        if record.status == "failed":
            return f"failed: {task.id}: {record.error}"
        return f"done in {record.seconds:.1f} s: {task.id}"


def _in_parallel(
    tasks: Sequence[Task],
    do: Callable[[Task], str],
    jobs: int,
    stop: Callable[[], None],
    show: Callable[[str], None],
) -> None:
    """Do tasks in threads that wait for processes; an interrupt ends them all."""
    with ThreadPoolExecutor(jobs) as pool:
        waiting: set[Future[str]] = {pool.submit(do, task) for task in tasks}
        try:
            while waiting:
                ended, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in ended:
                    show(future.result())
        except BaseException:
            for future in waiting:
                future.cancel()
            stop()
            raise


def _folder(out: Path, task: Task) -> TaskFolder:
    return TaskFolder(out / (_SEARCHES if task.tune else _RUNS) / task.id)


def _search_record(spec: BenchmarkSpec, out: Path, cell: Cell) -> Record | None:
    if spec.tune is None:
        return None
    return _folder(out, search_of(cell, spec.tune)).record()


def _run_task(cell: Cell, seed: int, searched: Record | None) -> Task:
    return run_of(cell, seed, searched.chosen if searched else None)


def _check_data(cells: Iterable[Cell]) -> None:
    """Refuse a data set that is not there, or lacks the features of a setting.

    Raises:
        DataError: Naming the folder and what makes it.
        SettingsError: The settings do not say where it is.
    """
    places = dict.fromkeys(
        (cell.settings.get("data_path"), cell.dataset, cell.settings.get("showcase_encoder"))
        for cell in cells
    )
    for place, name, encoder in places:
        if place is None:
            raise SettingsError(f"no 'data_path' in 'settings', where data set '{name}' would be")
        folder = Path(place) / name
        if not list(folder.glob(f"{name}*.inter")):
            raise DataError(f"there is no data set '{name}' in {place}: no {name}.inter")
        if not (folder / f"{name}.features").is_dir():
            raise DataError(f"{folder} has no features; {making(folder, encoder or SHIPPED)}")
