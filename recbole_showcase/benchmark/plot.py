"""The trade-off plot: how good are the recommendations, and how good the explanations?"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from recbole_showcase.benchmark.spec import Plot
from recbole_showcase.benchmark.summary import Row, Summary
from recbole_showcase.errors import SettingsError
from recbole_showcase.files.replace import replaced

_MARKERS = "osD^vP*X<>ph"


def require_matplotlib() -> None:
    """Find out before hours of runs.

    Raises:
        SettingsError: matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise SettingsError(
            "'plot' needs matplotlib: pip install 'recbole_showcase[plot]'"
        ) from error


def write_plot(summary: Summary, plot: Plot, out: Path) -> list[Path]:
    """Draw one panel a data set: means over the seeds with their spreads as bars.

    Colour tells the values of the first axis apart that has several, marker those of the others.

    Returns:
        ``trade-off.png`` and ``trade-off.svg``.
    """
    require_matplotlib()
    from matplotlib.figure import Figure

    panels = summary.by_dataset()
    figure = Figure(figsize=(0.5 + 5.5 * len(panels), 4.5), layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for panel, (dataset, rows) in zip(axes, panels.items(), strict=True):
        _draw(panel, summary, plot, rows)
        panel.set(title=dataset, xlabel=plot.recommendation, ylabel=plot.explanation)
        panel.grid(alpha=0.3)
    handles, labels = axes[0].get_legend_handles_labels()
    if labels:
        figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize="small")
    files = []
    for kind in ("png", "svg"):
        file = out / f"trade-off.{kind}"
        with replaced(file) as partial:
            figure.savefig(partial, format=kind, dpi=160)
        files.append(file)
    return files


def _draw(panel: Any, summary: Summary, plot: Plot, rows: list[Row]) -> None:
    colours: dict[str, str] = {}
    markers: dict[tuple[str, ...], str] = {}
    for row in rows:
        x, y = row.figures[plot.recommendation], row.figures[plot.explanation]
        first, *rest = (row.labels[axis] for axis in summary.axes)
        colour = colours.setdefault(first, f"C{len(colours) % 10}")
        marker = markers.setdefault(tuple(rest), _MARKERS[len(markers) % len(_MARKERS)])
        if not x.values or not y.values:
            continue
        panel.errorbar(
            x.mean,
            y.mean,
            xerr=None if math.isnan(x.spread) else x.spread,
            yerr=None if math.isnan(y.spread) else y.spread,
            color=colour,
            marker=marker,
            capsize=2,
            linestyle="none",
            label=", ".join((first, *rest)),
        )
