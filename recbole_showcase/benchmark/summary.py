"""The runs of a benchmark together: means, spreads, the best, and whether that is significant."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from recbole_showcase.benchmark.records import Record
from recbole_showcase.benchmark.spec import BenchmarkSpec
from recbole_showcase.evaluation.results import Source, compare_over_users
from recbole_showcase.metrics import Comparison, holm

SIGNIFICANCE = 0.05
_TIE = 1e-12
# Draws of users: p is above 2 / draws, and Holm multiplies it by up to the number of columns.
_DRAWS, _DRAWS_A_COLUMN = 1000, 100


@dataclass(frozen=True)
class Outcome:
    """A run and how it ended.

    Attributes:
        labels: The label of each axis.
        seed: Its seed.
        record: None if it has not been run.
        user_sums: The file of what each user added to its figures, or None.
    """

    labels: Mapping[str, str]
    seed: int
    record: Record | None
    user_sums: Path | None = None


@dataclass(frozen=True)
class Figure:
    """A metric of one combination over its seeds.

    Attributes:
        values: By seed, those that are numbers.
        user_sums: By seed, where to read what each user added.
        best: Whether no other combination on the data set is better.
        comparison: The best minus the next best, over users; None if this is not the only best, or
            the users are not known.
        next_best: The labels of the row that it is compared with; empty without a comparison.
        corrected: p of the comparison among all of its data set, by Holm; NaN without one.
    """

    values: Mapping[int, float] = field(default_factory=dict)
    user_sums: Mapping[int, Source] = field(default_factory=dict)
    best: bool = False
    comparison: Comparison | None = None
    next_best: Mapping[str, str] = field(default_factory=dict)
    corrected: float = math.nan

    @property
    def mean(self) -> float:
        """Mean over the seeds, NaN if there is no value."""
        return float(np.mean(list(self.values.values()))) if self.values else math.nan

    @property
    def spread(self) -> float:
        """Standard deviation over the seeds (n - 1), NaN for fewer than two."""
        if len(self.values) < 2:
            return math.nan
        return float(np.std(list(self.values.values()), ddof=1))

    @property
    def significant(self) -> bool:
        """Whether the best is better than the next one by more than chance."""
        return self.comparison is not None and self.comparison.p < SIGNIFICANCE

    @property
    def surely(self) -> bool:
        """Whether that holds although the whole table was looked through for it."""
        return self.corrected < SIGNIFICANCE


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

    @property
    def changed_data(self) -> dict[str, list[str]]:
        """Files that changed between runs, by data set; data sets without any are left out."""
        digests: dict[str, dict[str, set[str]]] = {}
        for outcome in self.outcomes:
            files = digests.setdefault(outcome.labels["dataset"], {})
            for name, digest in ({} if outcome.record is None else outcome.record.data).items():
                files.setdefault(name, set()).add(digest)
        changed = {
            dataset: sorted(name for name, found in files.items() if len(found) > 1)
            for dataset, files in digests.items()
        }
        return {dataset: names for dataset, names in changed.items() if names}

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
    plotted = () if spec.plot is None else (spec.plot.recommendation, spec.plot.explanation)
    tabled = [column.lower() for column in spec.columns]
    columns = (*spec.columns, *(c for c in dict.fromkeys(plotted) if c.lower() not in tabled))
    smaller = frozenset(
        column
        for column in columns
        if column.lower() == "seconds"
        or any(o.record and _name(o.record, column) in o.record.smaller for o in outcomes)
    )
    groups: dict[tuple[str, ...], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(tuple(outcome.labels.values()), []).append(outcome)
    rows = [_row(group, columns) for group in groups.values()]
    return Summary(
        name=spec.name,
        axes=tuple(a for a, choices in spec.axes.items() if len(choices) > 1 and a != "dataset")
        or ("base",),
        columns=columns,
        seeds=tuple(spec.seeds),
        rows=tuple(_corrected(list(_judged(rows, columns, smaller)))),
        outcomes=outcomes,
        smaller=smaller,
    )


def _row(outcomes: Sequence[Outcome], columns: Sequence[str]) -> Row:
    done = [o for o in outcomes if o.record and o.record.status == "done"]
    figures = {column: _figure(done, column) for column in columns}
    return Row(outcomes[0].labels, figures, len(done))


def _figure(done: Sequence[Outcome], column: str) -> Figure:
    """A column of one combination, from its runs that are done."""
    values: dict[int, float] = {}
    user_sums: dict[int, Source] = {}
    for outcome in done:
        assert outcome.record is not None
        name = _name(outcome.record, column)
        seconds = column.lower() == "seconds"
        value = outcome.record.seconds if seconds else outcome.record.result.get(name, math.nan)
        if math.isnan(value):
            continue
        values[outcome.seed] = value
        if outcome.user_sums is not None:
            user_sums[outcome.seed] = Source(outcome.user_sums, name)
    return Figure(values, user_sums)


def _name(record: Record, column: str) -> str:
    """The name of a figure in a run's result, which is found with or without its @k."""
    key = column.lower()
    if key in record.result:
        return key
    found = [name for name in record.result if name.partition("@")[0] == key]
    return found[0] if len(found) == 1 else key


def _judged(rows: Sequence[Row], columns: Sequence[str], smaller: frozenset[str]) -> Iterable[Row]:
    """The rows with the best of each column marked, within their data set."""
    for row in rows:
        peers = [r for r in rows if r.labels["dataset"] == row.labels["dataset"]]
        yield replace(
            row,
            figures={
                column: _judge(
                    row.figures[column],
                    [(peer.figures[column], peer.labels) for peer in peers if peer is not row],
                    -1 if column in smaller else 1,
                    max(_DRAWS, _DRAWS_A_COLUMN * len(columns)),
                )
                for column in columns
            },
        )


def _judge(
    figure: Figure, others: Sequence[tuple[Figure, Mapping[str, str]]], sign: int, draws: int
) -> Figure:
    """A figure that knows whether it is the best, and how surely; others come with their labels."""
    others = [other for other in others if other[0].values]
    if not figure.values or not others:
        return figure
    runner_up, labels = max(others, key=lambda other: sign * other[0].mean)
    lead = sign * (figure.mean - runner_up.mean)
    if lead < -_TIE:
        return figure
    if lead <= _TIE:
        return replace(figure, best=True)
    comparison = compare_over_users(figure.user_sums, runner_up.user_sums, draws)
    if comparison is not None and sign * comparison.difference <= 0:
        comparison = None  # the order is another one over the seeds that both have
    if comparison is None:
        return replace(figure, best=True)
    return replace(figure, best=True, comparison=comparison, next_best=labels)


def _corrected(rows: Sequence[Row]) -> Iterable[Row]:
    """The rows with p corrected for the number of comparisons of their data set."""
    compared: dict[str, list[tuple[int, str, float]]] = {}
    for number, row in enumerate(rows):
        for column, figure in row.figures.items():
            if figure.comparison is not None:
                own = compared.setdefault(row.labels["dataset"], [])
                own.append((number, column, figure.comparison.p))
    corrected = {}
    for own in compared.values():
        for (number, column, _), p in zip(own, holm([p for *_, p in own]), strict=True):
            corrected[number, column] = p
    for number, row in enumerate(rows):
        figures = {
            column: replace(figure, corrected=corrected.get((number, column), math.nan))
            for column, figure in row.figures.items()
        }
        yield replace(row, figures=figures)
