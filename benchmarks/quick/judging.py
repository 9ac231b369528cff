"""Which figures are stated, how far each may lie from its mean, and which have left."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from recbole_showcase.errors import DataError
from recbole_showcase.files.replace import replace_text
from recbole_showcase.files.yaml_files import read_yaml

# A table in figures: by row, by metric.
Figures = Mapping[str, Mapping[str, float]]

# How many standard deviations a new run may lie from the stated mean, and how many test pairs may
# come out otherwise under any spread.
DEVIATIONS, PAIRS = 4.0, 2
# Metrics of which a pair adds up to 100 instead of 1.
_OF_100 = ("bleu", "rouge", "clipscore", "clipalign", "photogap")
_EXACT = 1e-9


@dataclass(frozen=True)
class Stated:
    """What is stated of a table.

    Attributes:
        pairs: Test pairs that its figures rest on.
        values: By row and metric, those of every seed that it was measured with; a row of a single
            number each is an identity, such as a difference that is nothing.
        seeds: Of the runs.
        commit: That they were measured with, "" where it is not known.
    """

    pairs: int
    values: Mapping[str, Mapping[str, tuple[float, ...]]]
    seeds: tuple[int, ...] = ()
    commit: str = ""

    def mean(self, row: str, metric: str) -> float:
        """The stated figure."""
        return statistics.fmean(self.values[row][metric])

    def tolerance(self, row: str, metric: str) -> float:
        """How far a run with another seed may lie from the mean.

        ``DEVIATIONS`` times the standard deviation of the difference between a new run and a mean
        of n: s √(1 + 1/n). A spread of three runs is itself unsure, so s is the larger of the row's
        own and the metric's over the table, the root of the mean variance of the rows that differ
        by seed at all. A row that no seed changes has no spread. Never below what ``PAIRS`` test
        pairs are worth, except for an identity.
        """
        values = self.values[row][metric]
        if len(values) == 1:
            return _EXACT
        floor = PAIRS / self.pairs * (100 if metric.lower().startswith(_OF_100) else 1)
        own = _variance(values)
        if own == 0.0:
            return floor
        varied = [
            v for r in self.values.values() if metric in r and (v := _variance(r[metric])) > 0
        ]
        deviation = math.sqrt(max(own, statistics.fmean(varied)) * (1 + 1 / len(values)))
        return max(floor, DEVIATIONS * deviation)


def _variance(values: tuple[float, ...]) -> float:
    return statistics.variance(values) if len(values) > 1 else 0.0


@dataclass(frozen=True)
class Verdict:
    """A figure beside what is stated of it.

    Attributes:
        row: Of the table.
        metric: Of the row.
        found: NaN where the run or its figure is missing.
        stated: NaN where nothing is stated.
        tolerance: How far they may differ.
    """

    row: str
    metric: str
    found: float
    stated: float
    tolerance: float

    @property
    def says(self) -> str:
        """``inside``, ``outside``, ``missing`` or ``not stated``."""
        if math.isnan(self.stated):
            return "not stated"
        if math.isnan(self.found):
            return "missing"
        return "inside" if abs(self.found - self.stated) <= self.tolerance else "outside"

    @property
    def left(self) -> bool:
        """Whether the table is not what is stated."""
        return self.says != "inside"


def judge(found: Figures, stated: Stated | None) -> list[Verdict]:
    """Every figure that is stated or found, in the order of what is stated.

    A stated figure that was not found has left, and so has a found one that is not stated: a row
    that nobody states would never fail.
    """
    known = {} if stated is None else stated.values
    verdicts = []
    for row in [*known, *(row for row in found if row not in known)]:
        own, there = known.get(row, {}), found.get(row, {})
        for metric in [*own, *(metric for metric in there if metric not in own)]:
            if stated is not None and metric in own:
                mean, tolerance = stated.mean(row, metric), stated.tolerance(row, metric)
            else:
                mean = tolerance = math.nan
            value = there.get(metric, math.nan)
            verdicts.append(Verdict(row, metric, value, mean, tolerance))
    return verdicts


def read_statement(path: Path) -> dict[str, Stated]:
    """Read what :func:`write_statement` wrote; nothing is stated where there is no file.

    Raises:
        DataError: It is not such a file.
    """
    if not path.is_file():
        return {}
    try:
        return {
            heading: Stated(
                int(table["pairs"]),
                {
                    str(row): {str(metric): tuple(map(float, v)) for metric, v in of.items()}
                    for row, of in table["rows"].items()
                },
                tuple(table["seeds"]),
                str(table["commit"]),
            )
            for heading, table in read_yaml(path).items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{path} does not state figures: {error!r}; --state writes it") from error


def values_of(
    runs: Sequence[Figures], exact: Iterable[str] = ()
) -> dict[str, dict[str, tuple[float, ...]]]:
    """The values of a table by row and metric.

    Args:
        runs: Its figures, of one seed each.
        exact: Rows that are identities; of these the first run is taken.

    Raises:
        DataError: A run lacks a figure that another has.
    """
    named = [[(row, *metrics) for row, metrics in run.items()] for run in runs]
    if not named[0] or any(names != named[0] for names in named):
        raise DataError("a seed lacks figures that another has, so that none can be stated")
    return {
        row: {
            metric: tuple(run[row][metric] for run in (runs[:1] if row in exact else runs))
            for metric in metrics
        }
        for row, metrics in runs[0].items()
    }


def write_statement(path: Path, tables: Mapping[str, Stated]) -> None:
    """Write what is stated, a line a figure with its value of each seed."""
    lines = [
        "# Figures of the small tables, a value a seed. Written by",
        "# `python -m benchmarks.quick --state`: docs/benchmark.md.",
    ]
    for heading, table in tables.items():
        lines += [
            f"{_key(heading)}:",
            f"  commit: {_key(table.commit)}",
            f"  seeds: {list(table.seeds)}",
            f"  pairs: {table.pairs}",
            "  rows:",
        ]
        for row, metrics in table.values.items():
            lines.append(f"    {_key(row)}:")
            for metric, values in metrics.items():
                told = ", ".join(f"{value:.6g}" for value in values)
                lines.append(f"      {_key(metric)}: [{told}]")
    replace_text(path, "\n".join(lines) + "\n")


def _key(text: str) -> str:
    """A YAML key, whatever it holds."""
    return "'" + text.replace("'", "''") + "'"
