"""A summary as a table for the terminal, Markdown, LaTeX and CSV."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recbole_showcase.benchmark.summary import SIGNIFICANCE, Figure, Row, Summary
from recbole_showcase.files.replace import replace_text

if TYPE_CHECKING:
    from rich.table import Table

_NOTHING = "–"
_FIGURES = ("mean", "std", "p", "low", "high")  # of each metric in table.csv
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
        f"over users, p < {SIGNIFICANCE}"
    )


def terminal(summary: Summary) -> list[Table]:
    """Tables for the terminal, one a data set."""
    from rich.markup import escape
    from rich.table import Table

    found = []
    for dataset, rows in summary.by_dataset().items():
        table = Table(title=escape(f"{summary.name}: {dataset}"), title_justify="left")
        for axis in summary.axes:
            table.add_column(axis)
        for column in summary.columns:
            table.add_column(escape(_head(summary, column)), justify="right", no_wrap=True)
        if _incomplete(summary, rows):
            table.add_column("runs", justify="right")
        for cells in _body(summary, rows, escape, lambda text: f"[bold]{text}[/bold]"):
            table.add_row(*cells)
        found.append(table)
    return found


def markdown(summary: Summary) -> str:
    """Markdown tables, one a data set, the legend, and what failed."""
    parts = [f"# {summary.name}"]
    for dataset, rows in summary.by_dataset().items():
        runs = ["runs"] if _incomplete(summary, rows) else []
        heads = [*summary.axes, *(_head(summary, column) for column in summary.columns), *runs]
        rule = ["---"] * len(summary.axes) + ["---:"] * (len(heads) - len(summary.axes))
        body = _body(summary, rows, _markdown_text, lambda text: f"**{text}**", r"\*")
        lines = [f"| {' | '.join(cells)} |" for cells in (heads, rule, *body)]
        parts += [f"## {dataset}", "\n".join(lines)]
    parts.append(legend(summary) + ".")
    if summary.missing:
        parts.append(f"{summary.missing} runs have not been run.")
    if summary.failed:
        parts += ["## Failed runs", "\n".join(f"- {line}" for line in failures(summary))]
    return "\n\n".join(parts) + "\n"


def latex(summary: Summary) -> str:
    """LaTeX tables for ``booktabs``, one a data set."""
    tables = [_latex_table(summary, *panel) for panel in summary.by_dataset().items()]
    return "\n\n".join(tables) + "\n"


def _latex_table(summary: Summary, dataset: str, rows: Sequence[Row]) -> str:
    runs = ["runs"] if _incomplete(summary, rows) else []
    heads = [*summary.axes, *(_head(summary, column) for column in summary.columns), *runs]
    layout = "l" * len(summary.axes) + "r" * (len(heads) - len(summary.axes))
    body = _body(summary, rows, _latex_text, lambda text: rf"\textbf{{{text}}}", "$^{*}$")
    caption = f"{_latex_text(dataset)}. {_latex_text(legend(summary))}."
    lines = [
        r"\begin{table}",
        rf"\caption{{{caption}}}",
        rf"\begin{{tabular}}{{{layout}}}",
        r"\toprule",
        " & ".join(map(_latex_text, heads)) + r" \\",
        r"\midrule",
        *(" & ".join(cells) + r" \\" for cells in body),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines)


def csv_of_rows(summary: Summary) -> str:
    """One line a combination: number of runs, and mean and spread of each metric.

    At the best of a data set also p, and the interval of its difference from the next best.
    """
    axes = list(summary.rows[0].labels) if summary.rows else []
    heads = [f"{column} {what}" for column in summary.columns for what in _FIGURES]
    lines = []
    for row in summary.rows:
        figures = [row.figures[column] for column in summary.columns]
        numbers = [number for figure in figures for number in _numbers(figure)]
        lines.append([*row.labels.values(), row.done, *map(_number, numbers)])
    return _csv([[*axes, "runs", *heads], *lines])


def csv_of_runs(summary: Summary) -> str:
    """One line a run: how it ended, and every figure that any run has."""
    costs = ("seconds", "cpu_seconds", "peak_memory_mb")
    records = [outcome.record for outcome in summary.outcomes]
    metrics = list(dict.fromkeys(name for record in records if record for name in record.result))
    axes = list(summary.outcomes[0].labels) if summary.outcomes else []
    lines = []
    for outcome in summary.outcomes:
        record = outcome.record
        status = "not run" if record is None else record.status
        cells = [*outcome.labels.values(), outcome.seed, status]
        if record is None:
            cells += [""] * (len(metrics) + len(costs) + 1)
        else:
            figures = [_number(record.result.get(name, math.nan)) for name in metrics]
            cells += [*figures, *(getattr(record, cost) for cost in costs), record.error]
        lines.append(cells)
    return _csv([[*axes, "seed", "status", *metrics, *costs, "error"], *lines])


def failures(summary: Summary) -> list[str]:
    """A line for each run that failed."""
    return [
        f"{', '.join(o.labels.values())}, seed {o.seed}: {o.record.error}"
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
            cells.append(marked + (star if figure.significant else ""))
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


def _head(summary: Summary, column: str) -> str:
    return f"{column} {'↓' if column in summary.smaller else '↑'}"


def _incomplete(summary: Summary, rows: Sequence[Row]) -> bool:
    return any(row.done < len(summary.seeds) for row in rows)


def _markdown_text(text: str) -> str:
    return re.sub(r"([\\|*_`<])", r"\\\1", text)


def _latex_text(text: str) -> str:
    """Text in which LaTeX sees nothing but text."""
    return "".join(_LATEX.get(letter, letter) for letter in text)


def _numbers(figure: Figure) -> tuple[float, ...]:
    """What the columns ``_FIGURES`` say of a figure."""
    found = figure.comparison
    tested = (math.nan,) * 3 if found is None else (found.p, found.low, found.high)
    return (figure.mean, figure.spread, *tested)


def _number(value: float) -> str:
    return "" if math.isnan(value) else repr(float(value))


def _csv(lines: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()
