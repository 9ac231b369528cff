"""Verdicts and agreements as tables for the terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from recbole_showcase.errors import one_line
from recbole_showcase.judging.agreement import Agreement
from recbole_showcase.judging.report import Report

if TYPE_CHECKING:
    from rich.table import Table

SIGNIFICANCE = 0.05
LEGEND = (
    "mean grade over pairs [95 % interval over users]; first minus second, by a paired bootstrap "
    f"over users: * p < {SIGNIFICANCE}, ** also after Holm's correction for all differences"
)


def number(value: float, digits: int = 2) -> str:
    """A figure, a dash where there is none."""
    return f"{value:.{digits}f}" if math.isfinite(value) else "–"


def interval(low: float, high: float) -> str:
    """Both ends of an interval."""
    return f"[{number(low)}, {number(high)}]"


def table_of(title: str, heads: list[str], rows: list[list[str]], texts: int) -> Table:
    """A table whose first columns are texts and whose others are numbers."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for n, head in enumerate(heads):
        table.add_column(head, justify="left" if n < texts else "right", no_wrap=n >= texts)
    for row in rows:
        table.add_row(*(escape(one_line(cell)) for cell in row))
    return table


def verdict_tables(report: Report) -> list[Table]:
    """How each system fares, and how every two differ."""
    grades = [
        [
            system,
            criterion,
            f"{number(own.mean)} {interval(own.low, own.high)}",
            number(own.spread),
            f"{own.pairs:,}",
            f"{own.unread:,}",
            f"{own.ungraded:,} of {own.answers:,}",
            number(own.mass),
        ]
        for system, by_criterion in report.graded.items()
        for criterion, own in by_criterion.items()
    ]
    heads = ["system", "criterion", "grade", "spread", "pairs", "unread", "no grade", "mass"]
    tables = [table_of("Grades", heads, grades, 2)]
    if report.differences:
        rows = [
            [
                own.first,
                own.second,
                own.criterion,
                number(own.comparison.difference)
                + "*" * ((own.comparison.p < SIGNIFICANCE) + (own.corrected < SIGNIFICANCE)),
                interval(own.comparison.low, own.comparison.high),
                number(own.comparison.p, 3),
                number(own.corrected, 3),
                number(own.comparison.effect),
                f"{own.pairs:,}",
            ]
            for own in report.differences
        ]
        heads = ["first", "second", "criterion", "difference", "95 %", "p", "p holm", "effect"]
        tables.append(table_of("Differences", [*heads, "pairs"], rows, 3))
    return tables


def agreement_tables(found: Agreement) -> list[Table]:
    """Of raters among themselves, and of judge and metrics with them."""
    among = [
        [criterion, f"{found.rated[criterion]:,}", *(number(value) for value in own.values())]
        for criterion, own in found.alpha.items()
    ]
    levels = list(next(iter(found.alpha.values()), {}))
    tables = [
        table_of("Raters", ["criterion", "grades", *(f"alpha, {own}" for own in levels)], among, 1)
    ]
    if found.alpha_with_judge:
        beside = [
            [name, *map(number, own.values())] for name, own in found.alpha_with_judge.items()
        ]
        levels = list(next(iter(found.alpha_with_judge.values())))
        heads = ["criterion", *(f"alpha, {own}" for own in levels)]
        tables.append(table_of("Raters and the judge as one more", heads, beside, 1))
    rows = [
        [
            own.measure,
            own.criterion,
            own.level,
            number(own.spearman),
            number(own.kendall),
            f"{own.groups:,}",
        ]
        for own in found.correlated
    ]
    heads = ["measure", "criterion", "level", "Spearman", "Kendall", "groups"]
    return [*tables, table_of("Judge and metrics beside the raters", heads, rows, 3)]
