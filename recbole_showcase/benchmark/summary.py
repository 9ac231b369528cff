"""What the runs of a benchmark say together: means, spreads, the best, and whether by chance."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from recbole_showcase.benchmark.records import Record
from recbole_showcase.benchmark.spec import BenchmarkSpec

SIGNIFICANCE = 0.05
_TIE = 1e-12


@dataclass(frozen=True)
class Outcome:
    """A run and how it ended; no record where it has not been run."""

    labels: Mapping[str, str]
    seed: int
    record: Record | None


@dataclass(frozen=True)
class Figure:
    """A metric of one combination over its seeds.

    Attributes:
        values: By seed, those that are numbers.
        best: Whether no other combination on the data set is better.
        p_value: Of the best against the next one; NaN where it is not the only best, or where the
            seeds do not tell.
    """

    values: Mapping[int, float] = field(default_factory=dict)
    best: bool = False
    p_value: float = math.nan

    @property
    def mean(self) -> float:
        """Mean over the seeds, NaN of none."""
        return float(np.mean(list(self.values.values()))) if self.values else math.nan

    @property
    def spread(self) -> float:
        """Standard deviation over the seeds (n - 1), NaN of fewer than two."""
        if len(self.values) < 2:
            return math.nan
        return float(np.std(list(self.values.values()), ddof=1))

    @property
    def significant(self) -> bool:
        """Whether the best is better than the next one by more than chance."""
        return self.p_value < SIGNIFICANCE


@dataclass(frozen=True)
class Row:
    """One combination.

    Attributes:
        labels: The label of each axis.
        figures: By column.
        done: Runs that are done.
    """

    labels: Mapping[str, str]
    figures: Mapping[str, Figure]
    done: int


@dataclass(frozen=True)
class Summary:
    """A benchmark in figures.

    Attributes:
        name: The benchmark's.
        axes: Axes to tell rows apart by: those with several values, but for the data set.
        columns: Metrics.
        seeds: Seeds asked for.
        rows: Combinations in the order of the specification.
        outcomes: The runs.
        smaller: Metrics of which less is better.
    """

    name: str
    axes: tuple[str, ...]
    columns: tuple[str, ...]
    seeds: tuple[int, ...]
    rows: tuple[Row, ...]
    outcomes: tuple[Outcome, ...]
    smaller: frozenset[str] = frozenset()

    @property
    def failed(self) -> list[Outcome]:
        """Runs that failed."""
        return [o for o in self.outcomes if o.record is not None and o.record.status == "failed"]

    @property
    def missing(self) -> int:
        """The number of runs that have not been run."""
        return sum(outcome.record is None for outcome in self.outcomes)

    def by_dataset(self) -> dict[str, list[Row]]:
        """Rows of each data set."""
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row.labels["dataset"], []).append(row)
        return found


def summarise(spec: BenchmarkSpec, outcomes: Iterable[Outcome]) -> Summary:
    """Put runs together.

    Args:
        spec: The benchmark; a column that a run does not have is a figure without values.
        outcomes: The runs, those of a combination one after the other.
    """
    outcomes = tuple(outcomes)
    columns = spec.columns
    plotted = () if spec.plot is None else (spec.plot.recommendation, spec.plot.explanation)
    columns += tuple(c for c in dict.fromkeys(plotted) if c.lower() not in map(str.lower, columns))
    smaller = frozenset(
        column
        for column in columns
        if column.lower() == "seconds"
        or any(o.record and column.lower() in o.record.smaller for o in outcomes)
    )
    groups: dict[tuple[str, ...], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(tuple(outcome.labels.values()), []).append(outcome)
    rows = [_row(group, columns) for group in groups.values()]
    return Summary(
        name=spec.name,
        axes=tuple(a.name for a in spec.axes if len(a.choices) > 1 and a.name != "dataset")
        or ("base",),
        columns=columns,
        seeds=spec.seeds,
        rows=tuple(_judged(rows, columns, smaller)),
        outcomes=outcomes,
        smaller=smaller,
    )


def paired_p_value(first: Sequence[float], second: Sequence[float]) -> float:
    """Two-sided p-value of a paired t-test: are two models the same, seed by seed?

    Args:
        first: A figure of one model, one value a seed.
        second: The same figure of another, for the same seeds.

    Returns:
        The p-value; NaN for fewer than two seeds, or where all differences are the same, which
        leaves the test nothing to estimate chance from.
    """
    from scipy import stats

    differences = np.subtract(first, second)
    if len(differences) < 2 or np.ptp(differences) < _TIE:
        return math.nan
    return float(stats.ttest_rel(first, second).pvalue)


def _row(outcomes: Sequence[Outcome], columns: Sequence[str]) -> Row:
    done = [(o.seed, o.record) for o in outcomes if o.record and o.record.status == "done"]
    figures = {}
    for column in columns:
        found = {seed: _value(record, column) for seed, record in done}
        figures[column] = Figure({s: v for s, v in found.items() if not math.isnan(v)})
    return Row(outcomes[0].labels, figures, len(done))


def _value(record: Record, column: str) -> float:
    """A figure of a run; photo metrics are found with or without their @k."""
    if column.lower() == "seconds":
        return record.seconds
    key = column.lower()
    if key in record.result:
        return record.result[key]
    found = [value for name, value in record.result.items() if name.partition("@")[0] == key]
    return found[0] if len(found) == 1 else math.nan


def _judged(rows: Sequence[Row], columns: Sequence[str], smaller: frozenset[str]) -> Iterable[Row]:
    """The rows with the best of each column marked, within their data set."""
    for row in rows:
        peers = [r for r in rows if r.labels["dataset"] == row.labels["dataset"]]
        yield replace(
            row,
            figures={
                column: _judge(
                    row.figures[column],
                    [peer.figures[column] for peer in peers if peer is not row],
                    -1 if column in smaller else 1,
                )
                for column in columns
            },
        )


def _judge(figure: Figure, others: Sequence[Figure], sign: int) -> Figure:
    """A figure that knows whether it is the best, and how surely."""
    others = [other for other in others if other.values]
    if not figure.values or not others:
        return figure
    runner_up = max(others, key=lambda other: sign * other.mean)
    lead = sign * (figure.mean - runner_up.mean)
    if lead < -_TIE:
        return figure
    if lead <= _TIE:
        return replace(figure, best=True)
    seeds = [seed for seed in figure.values if seed in runner_up.values]
    p_value = paired_p_value(
        [figure.values[seed] for seed in seeds], [runner_up.values[seed] for seed in seeds]
    )
    return replace(figure, best=True, p_value=p_value)
