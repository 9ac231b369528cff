"""A summary as a table for the terminal, Markdown, LaTeX and CSV."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from recbole_showcase.benchmark.records import Record
from recbole_showcase.benchmark.summary import SIGNIFICANCE, Figure, Row, Summary
from recbole_showcase.errors import one_line
from recbole_showcase.evaluation.results import Basis
from recbole_showcase.files.replace import replace_text
from recbole_showcase.files.spreadsheets import as_cell
from recbole_showcase.resources import __version__

if TYPE_CHECKING:
    from rich.table import Table

_NOTHING = "–"
_FIGURES = ("mean", "std", "p", "p holm", "effect", "low", "high")  # of each metric in table.csv
_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": "$<$", ">": "$>$", "±": r"$\pm$", "–": "--", "↓": r"$\downarrow$", "↑": r"$\uparrow$",
}  # fmt: skip


def legend(summary: Summary) -> str:
    """What the marks mean."""
    n = len(summary.seeds)
    seeds = "one seed" if n == 1 else f"mean ± standard deviation over {n} seeds"
    return (
        f"Test split, {seeds}; best in bold; * better than the next best by a paired bootstrap "
        f"over users, p < {SIGNIFICANCE}, ** also after Holm's correction for all comparisons of "
        "the data set"
    )


def terminal(summary: Summary) -> list[Table]:
    """Tables for the terminal, one a data set."""
    from rich.markup import escape as marked
    from rich.table import Table

    def escape(text: str) -> str:
        return marked(one_line(text))

    found = []
    for dataset, rows in summary.by_dataset().items():
        table = Table(title=escape(f"{summary.name}: {dataset}"), title_justify="left")
        for n, head in enumerate(_heads(summary, rows)):
            number = n >= len(summary.axes)
            table.add_column(escape(head), justify="right" if number else "left", no_wrap=number)
        for cells in _body(summary, rows, escape, lambda text: f"[bold]{text}[/bold]"):
            table.add_row(*cells)
        found.append(table)
    return found


def markdown(summary: Summary) -> str:
    """Markdown tables, one a data set, the legend, and what failed."""
    parts = [f"# {_markdown_text(summary.name)}"]
    for dataset, rows in summary.by_dataset().items():
        heads = _heads(summary, rows)
        rule = ["---"] * len(summary.axes) + ["---:"] * (len(heads) - len(summary.axes))
        body = _body(summary, rows, _markdown_text, lambda text: f"**{text}**", r"\*")
        named = [_markdown_text(head) for head in heads]
        parts += [f"## {_markdown_text(dataset)}", _pipes([named, rule, *body])]
        parts += [*_differences(summary, rows), *_bases(summary, dataset)]
    parts.append(legend(summary) + ".")
    if summary.missing:
        parts.append(f"{summary.missing} runs have not been run.")
    if summary.failed:
        parts += [
            "## Failed runs",
            "\n".join(f"- {_markdown_text(line)}" for line in failures(summary)),
        ]
    parts += about(summary)
    return "\n\n".join(parts) + "\n"


def _pipes(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def _differences(summary: Summary, rows: Sequence[Row]) -> list[str]:
    """A table of how much better the best of each column is, in Markdown; none without any."""
    heads = ["column", "better", "next best", "difference [95 %]", "p", "p Holm", "effect d"]
    body = []
    for column in summary.columns:
        for row in rows:
            figure = row.figures[column]
            found = figure.comparison
            if found is None:
                continue
            sides = [
                ", ".join(labels[axis] for axis in summary.axes)
                for labels in (row.labels, figure.next_best)
            ]
            ends = f"[{_signed(found.low)}, {_signed(found.high)}]"
            numbers = [f"{_signed(found.difference)} {ends}", _p(found.p), _p(figure.corrected)]
            named = [_markdown_text(cell) for cell in (column, *sides)]
            numbers.append(_NOTHING if math.isnan(found.effect) else f"{found.effect:+.2f}")
            body.append([*named, *numbers])
    rule = ["---"] * 3 + ["---:"] * 4
    return [_pipes([heads, rule, *body])] if body else []


def _signed(number: float) -> str:
    """A difference with its sign, in three digits that count."""
    return _NOTHING if math.isnan(number) else f"{number:+.3g}"


def _p(number: float) -> str:
    if math.isnan(number):
        return _NOTHING
    return "< 0.001" if number < 0.001 else f"{number:.3f}"


def about(summary: Summary) -> list[str]:
    """By what code, packages and machines the figures were made, and when: lines of Markdown.

    A line for each combination that there is among the runs that are done.
    """
    found: dict[str, list[str]] = {}
    for outcome in summary.outcomes:
        record = outcome.record
        if record is not None and record.status == "done":
            found.setdefault(_made_by(record), []).append(record.date)
    lines = []
    for made, dates in found.items():
        days = sorted({date for date in dates if date})
        span = " to ".join(dict.fromkeys([days[0], days[-1]])) if days else "no date kept"
        number = f"{len(dates)} run" + "s" * (len(dates) > 1)
        lines.append(f"- {number}, {span}: {_markdown_text(made)}.")
    return ["## Made by", "\n".join(lines)] if lines else []


def _made_by(record: Record) -> str:
    own = record.versions.get("recbole-showcase", __version__)
    code = f"recbole_showcase {own}"
    if record.commit is not None:
        code += f" at commit {record.commit[:12]}" + " with changes" * bool(record.changed)
    named = (name for name in ("python", "recbole", "torch", "numpy") if name in record.versions)
    packages = [f"{name} {record.versions[name]}" for name in named]
    return ", ".join([code, *packages, record.device or "a device that is not told"])


def _bases(summary: Summary, dataset: str) -> list[str]:
    """On how many rows the figures of a data set rest; several lines where runs differ."""
    found = {
        tuple(outcome.record.rests_on.items()): None
        for outcome in summary.outcomes
        if outcome.record and outcome.record.rests_on and outcome.labels["dataset"] == dataset
    }
    return ["\n".join(f"- {Basis(**dict(own))}." for own in found)] if found else []


def latex(summary: Summary) -> str:
    """LaTeX tables for ``booktabs``, one a data set."""
    return "\n".join(_latex_table(summary, *panel) for panel in summary.by_dataset().items())


def _latex_table(summary: Summary, dataset: str, rows: Sequence[Row]) -> str:
    heads = [_latex_text(head) for head in _heads(summary, rows)]
    body = _body(summary, rows, _latex_text, lambda text: rf"\textbf{{{text}}}", "$^{*}$")
    return (
        pd.DataFrame(body, columns=heads)
        .style.hide(axis="index")
        .to_latex(
            column_format="l" * len(summary.axes) + "r" * (len(heads) - len(summary.axes)),
            hrules=True,
            caption=f"{_latex_text(dataset)}. {_latex_text(legend(summary))}.",
        )
    )


def csv_of_rows(summary: Summary) -> str:
    """One line a combination: number of runs, and mean and spread of each metric.

    At the best of a data set also p, p by Holm, the size of the effect, and the interval of its
    difference from the next best.
    """
    axes = list(summary.rows[0].labels) if summary.rows else []
    heads = [f"{column} {what}" for column in summary.columns for what in _FIGURES]
    lines = []
    for row in summary.rows:
        figures = [row.figures[column] for column in summary.columns]
        numbers = [number for figure in figures for number in _numbers(figure)]
        lines.append([*row.labels.values(), row.done, *numbers])
    return _csv(lines, [*axes, "runs", *heads])


def csv_of_runs(summary: Summary) -> str:
    """One line a run: how it ended, and every figure that any run has."""
    costs = ("seconds", "cpu_seconds", "peak_memory_mb", "energy_kwh")
    records = [outcome.record for outcome in summary.outcomes]
    metrics = list(dict.fromkeys(name for record in records if record for name in record.result))
    bases = [entry.name for entry in fields(Basis)]
    axes = list(summary.outcomes[0].labels) if summary.outcomes else []
    lines = []
    for outcome in summary.outcomes:
        record = outcome.record
        status = "not run" if record is None else record.status
        cells = [*outcome.labels.values(), outcome.seed, status]
        if record is None:
            cells += [math.nan] * (len(metrics) + len(bases) + len(costs)) + [""]
        else:
            figures = [record.result.get(name, math.nan) for name in metrics]
            figures += [record.rests_on.get(name, math.nan) for name in bases]
            cells += [*figures, *(getattr(record, cost) for cost in costs), record.error]
        lines.append(cells)
    heads = [*axes, "seed", "status", *metrics, *bases, *costs, "error"]
    return _csv(lines, heads)


def _csv(lines: list[list[Any]], heads: list[str]) -> str:
    """A CSV of which spreadsheets take no text for a formula, and each row is a line."""

    def plain(cell: Any) -> Any:
        return as_cell(cell) if isinstance(cell, str) else cell

    rows = [[plain(cell) for cell in line] for line in lines]
    return pd.DataFrame(rows, columns=[plain(head) for head in heads]).to_csv(index=False)


def failures(summary: Summary) -> list[str]:
    """A line for each run that failed."""
    return [
        one_line(f"{', '.join(o.labels.values())}, seed {o.seed}: {o.record.error}")
        for o in summary.failed
        if o.record is not None
    ]


def write_tables(summary: Summary, out: Path) -> list[Path]:
    """Write all formats; returns the files."""
    texts = {
        "table.md": markdown(summary),
        "table.tex": latex(summary),
        "table.csv": csv_of_rows(summary),
        "runs.csv": csv_of_runs(summary),
    }
    for name, text in texts.items():
        replace_text(out / name, text)
    return [out / name for name in texts]


def _body(
    summary: Summary,
    rows: Sequence[Row],
    plain: Callable[[str], str],
    bold: Callable[[str], str],
    star: str = "*",
) -> list[list[str]]:
    """The cells of a table."""
    digits = {column: _digits(rows, column) for column in summary.columns}
    body = []
    for row in rows:
        cells = [plain(row.labels[axis]) for axis in summary.axes]
        for column in summary.columns:
            figure = row.figures[column]
            text = plain(_figure_text(figure, digits[column]))
            marked = bold(text) if figure.best else text
            cells.append(marked + star * (figure.significant + figure.surely))
        if _incomplete(summary, rows):
            cells.append(f"{row.done}/{len(summary.seeds)}")
        body.append(cells)
    return body


def _figure_text(figure: Figure, digits: int) -> str:
    """Mean ± spread."""
    if not figure.values:
        return _NOTHING
    text = f"{figure.mean:.{digits}f}"
    if not math.isnan(figure.spread):
        text += f" ± {figure.spread:.{digits}f}"
    return text


def _digits(rows: Sequence[Row], column: str) -> int:
    """Four digits behind the point for shares, two for percentages and seconds."""
    means = [row.figures[column].mean for row in rows if row.figures[column].values]
    return 4 if all(abs(mean) <= 1 for mean in means) else 2


def _heads(summary: Summary, rows: Sequence[Row]) -> list[str]:
    """The heads of the columns that :func:`_body` fills."""
    heads = [f"{column} {'↓' if column in summary.smaller else '↑'}" for column in summary.columns]
    return [*summary.axes, *heads, *(["runs"] if _incomplete(summary, rows) else [])]


def _incomplete(summary: Summary, rows: Sequence[Row]) -> bool:
    return any(row.done < len(summary.seeds) for row in rows)


def _markdown_text(text: str) -> str:
    # Colons and full stops of what would become a link.
    return re.sub(r"([\\|*_`<>\[\]]|:(?=//)|(?<=www)\.)", r"\\\1", one_line(text))


def _latex_text(text: str) -> str:
    """Text in which LaTeX sees nothing but text."""
    return "".join(_LATEX.get(letter, letter) for letter in one_line(text))


def _numbers(figure: Figure) -> tuple[float, ...]:
    """What the columns ``_FIGURES`` say of a figure."""
    found = figure.comparison
    tested = (math.nan,) * 5
    if found is not None:
        tested = (found.p, figure.corrected, found.effect, found.low, found.high)
    return (figure.mean, figure.spread, *tested)
