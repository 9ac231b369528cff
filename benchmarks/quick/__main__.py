"""Make the small version of every table of ``docs/results.md`` and judge its figures.

    python -m benchmarks.quick                            # all, with seed 2020
    python -m benchmarks.quick --only Losses              # a table, by its heading
    python -m benchmarks.quick --data DATA                # those of data of others, too
    python -m benchmarks.quick --state 2020 2021 2022     # state the figures anew

Ends with status 1 and names each figure that lies outside its stated spread, that is missing, or
that is not stated. Runs are kept by what the code is, and not repeated.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.quick import ROOT, judging, speed
from benchmarks.quick.data import GIVEN, Place
from benchmarks.quick.processes import Call, Warm
from benchmarks.quick.tables import OF_OTHERS, TABLES, Program, Specification, Table
from recbole_showcase.benchmark import run_benchmark
from recbole_showcase.benchmark.execute import summary_of
from recbole_showcase.errors import ShowcaseError
from recbole_showcase.evaluation.surroundings import commit, versions

STATED = Path(__file__).with_name("stated.yaml")
# What a figure may hang on.
CODE = ("recbole_showcase/**/*", "demo_world/**/*", "properties/*", "examples/benchmarks/*",
        "benchmarks/*.py", "benchmarks/quick/data.py", "benchmarks/quick/sources.py",
        "benchmarks/quick/tables.py")  # fmt: skip


def digest_of_code() -> str:
    """Of every file that figures may hang on, and of the versions of packages."""
    found = hashlib.sha256(json.dumps(versions()).encode())
    files = sorted(path for pattern in CODE for path in ROOT.glob(pattern) if path.is_file())
    for path in files:
        if "__pycache__" not in path.parts:
            found.update(f"{path.relative_to(ROOT)}\0".encode())
            found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:12]


@dataclass
class Quick:
    """The tables of some seeds.

    Attributes:
        place: Where they lie.
        seeds: Of the training.
        jobs: Processes at once, a thread each.
        warm: What runs.
    """

    place: Place
    seeds: Sequence[int]
    jobs: int
    warm: Warm

    def prepare(self, tables: Sequence[Table]) -> None:
        """Draw and convert the data sets, and make what programs need to be called for.

        Raises:
            ShowcaseError: A data set cannot be made.
        """
        sets = (table.place(self.place).made(name) for table in tables for name in table.data)
        drawn = {call.kept: call for call in sets}
        self.warm.all_of(drawn.values(), self.jobs, _say)
        for call in drawn.values():
            if call.found() is None:
                name = call.kept.stem.removeprefix("call-data-")
                raise ShowcaseError(f"no {name} to measure on; see {call.kept.with_suffix('.log')}")
        calls: dict[Path, Call] = {}
        for seed in self.seeds:
            for table in tables:
                for call in table.calls(table.place(self.place), seed):
                    calls[call.kept] = call
        self.warm.all_of(calls.values(), self.jobs, _say)

    def made(self, table: Table) -> Made:
        """A table of all seeds."""
        if isinstance(table, Specification):
            return self._specification(table)
        runs, pairs, seconds = [], 1, 0.0
        for seed in self.seeds:
            found = [call.found() for call in table.calls(table.place(self.place), seed)]
            seconds += sum(one["seconds"] for one in found if one)
            try:
                figures = [one["figures"] for one in found if one]
                if len(figures) < len(found):
                    raise LookupError("a run")
                runs.append(table.figures(figures))
                pairs = table.pairs(figures)
            except LookupError as error:
                _say(f"{error.args[0]} is missing")
                runs.append({})
        return Made(runs, pairs, seconds)

    def _specification(self, table: Specification) -> Made:
        place = table.place(self.place)
        spec = table.small(place, self.seeds)
        out = place.work / f"benchmark-{spec.name}"
        try:
            run_benchmark(spec, out, jobs=self.jobs, retry_failed=True, launcher=self.warm)
        except ShowcaseError as error:
            _say(f"{table.heading}: {error}")
            return Made([{} for _ in self.seeds], 1, 0.0)
        summary = summary_of(spec, out)
        for outcome in summary.failed:
            assert outcome.record is not None
            _say(f"{table.heading}: {dict(outcome.labels)}: {outcome.record.error}")
        seconds = sum(o.record.seconds for o in summary.outcomes if o.record)
        runs = [
            {**table.figures(summary, seed), **beside(table, place, seed)} for seed in self.seeds
        ]
        return Made(runs, table.pairs(summary), seconds)


def beside(table: Specification, place: Place, seed: int) -> dict[str, dict[str, float]]:
    """The row of a table that no specification makes; without its run it has no figures."""
    return {
        f"{table.of_others}, {OF_OTHERS}": (call.found() or {}).get("figures", {})
        for call in table.calls(place, seed)
    }


@dataclass(frozen=True)
class Made:
    """A table that was made: its figures by seed, test pairs, and seconds of its runs."""

    runs: Sequence[judging.Figures]
    pairs: int
    seconds: float


def told(verdict: judging.Verdict) -> str:
    """A figure as a line."""
    known = not math.isnan(verdict.stated)
    stated = f"{verdict.stated:.4g} ± {verdict.tolerance:.2g}" if known else ""
    name = f"{verdict.row:28} {verdict.metric:22}"
    return f"{name} stated {stated:>18}  found {verdict.found:>8.4g}  {verdict.says}"


def _say(line: str) -> None:
    print(line, flush=True)


def missing(table: Table, place: Place) -> str:
    """Why a table cannot be made and the command that makes it, "" where it can."""
    lacking = [what for name in table.data if (what := place.lacks(name))]
    if not lacking:
        return ""
    return (
        f"not made: its data is not in the checkout; python -m benchmarks.quick --data DATA "
        f"--only '{table.name}' makes it, with {' and '.join(lacking)}"
    )


def report(table: Table, made: Made, stated: judging.Stated | None) -> list[str]:
    """Print a table; returns a line for each figure that is not what is stated."""
    known = f", stated with commit {stated.commit or 'unknown'}" if stated else ""
    _say(f"{made.pairs} test pairs, runs of {made.seconds:.0f} s{known}")
    verdicts = judging.judge(made.runs[0], stated)
    for verdict in verdicts:
        _say(told(verdict))
    if isinstance(table, Specification) and table.left_out:
        _say(f"not made: {', '.join(table.left_out)}, {table.why}")
    if table.lacks:
        _say(f"not made: {table.lacks}")
    if stated is None:
        _say("nothing is stated of it; --state does")
        return [] if table.is_given else [f"{table.name}: nothing is stated of it"]
    return [f"{table.name}: {told(verdict)}" for verdict in verdicts if verdict.left]


def main() -> None:
    """Make the tables that are asked for, and judge or state their figures."""
    given = _arguments()
    work = given.work.absolute() / digest_of_code()
    place = Place(work, given.data)
    stated, left = judging.read_statement(STATED), []
    found, changed = commit()
    here = (found or "") + "+" * bool(changed)
    _say(f"commit {here or 'unknown'}")
    only = set(given.only or ())
    wanted = [table for table in TABLES if not only or only & {table.heading, table.name}]
    quick = Quick(place, given.state or [given.seed], given.jobs, Warm())
    quick.prepare([table for table in wanted if not missing(table, place)])
    for table in wanted:
        _say(f"\n## {table.name}")
        if why := missing(table, place):
            _say(why)
            continue
        made = quick.made(table)
        if given.state:
            exact = table.exact if isinstance(table, Program) else ()
            values = judging.values_of(made.runs, exact)
            stated[table.name] = judging.Stated(made.pairs, values, tuple(given.state), here)
            judging.write_statement(STATED, stated)
        left += report(table, made, stated.get(table.name))
    if not only or speed.HEADING in only:
        lines, failed = speed.report(place, quick.warm)
        _say(f"\n## {speed.HEADING}\n" + "\n".join(lines))
        left += failed
    if left:
        sys.exit("\nfigures that are not what is stated:\n" + "\n".join(left))
    _say("\nall figures are inside their stated spread")


def _arguments() -> Any:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [*dict.fromkeys(n for table in TABLES for n in (table.heading, table.name))]
    parser.add_argument("--work", type=Path, default=Path("quick-runs"), help="keeps the runs")
    parser.add_argument("--jobs", type=int, default=2, help="processes at once, a thread each")
    parser.add_argument("--seed", type=int, default=2020)
    parser.add_argument("--only", nargs="+", metavar="HEADING", help="these tables",
                        choices=[*names, speed.HEADING])  # fmt: skip
    parser.add_argument("--data", type=Path, help="folder of the data that is not in the checkout")
    parser.add_argument(
        "--state", type=int, nargs="+", metavar="SEED", help="state figures, by these seeds"
    )
    given = parser.parse_args()
    if given.state and len(given.state) < 3:
        parser.error("--state needs three seeds at least, to have a spread")
    if given.data:
        given.data = given.data.absolute()
        folders = [source.folder for source in GIVEN.values()]
        if not any((given.data / folder).is_dir() for folder in folders):
            parser.error(f"--data {given.data} has no folder {' or '.join(folders)}")
    return given


if __name__ == "__main__":
    try:
        main()
    except ShowcaseError as error:
        sys.exit(str(error))
