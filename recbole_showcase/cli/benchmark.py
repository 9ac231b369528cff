"""``recbole-showcase benchmark``: run combinations of models over seeds, and table them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recbole_showcase.files.replace import replace_text

if TYPE_CHECKING:
    from recbole_showcase.benchmark import BenchmarkSpec, Summary


def benchmark(
    spec: Annotated[Path, typer.Argument(help="Specification, a YAML file: docs/benchmark.md.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of runs and tables.", show_default="benchmark-NAME"),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Runs at a time; they share the cores.")] = 1,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="AXIS=LABEL", help="Only these axis values, such as base=BPR; again."),
    ] = None,
    retry_failed: Annotated[bool, typer.Option(help="Run again what failed before.")] = False,
    tables_only: Annotated[bool, typer.Option(help="Run nothing; table what is there.")] = False,
) -> None:
    """Run a benchmark, or what is left of it, and write its tables and its plot.

    Ends with status 1 if a run has failed.
    """
    from recbole_showcase.arguments import check_out
    from recbole_showcase.benchmark.execute import run_benchmark, summary_of
    from recbole_showcase.benchmark.plot import require_matplotlib
    from recbole_showcase.benchmark.spec import read_spec

    read = read_spec(spec).only(only or ())
    if read.plot is not None:
        require_matplotlib()
    out = out or Path(f"benchmark-{read.name}")
    check_out(out)
    out.mkdir(parents=True, exist_ok=True)
    replace_text(out / "spec.yaml", spec.read_text(encoding="utf-8"))
    interrupted = False
    if not tables_only:
        try:
            run_benchmark(read, out, jobs=jobs, retry_failed=retry_failed)
        except KeyboardInterrupt:
            interrupted = True
    summary = summary_of(read, out)
    _report(read, summary, out)
    if interrupted:
        typer.echo("interrupted: the same command goes on from here")
        raise typer.Exit(130)
    if summary.failed:
        raise typer.Exit(1)


def _report(spec: BenchmarkSpec, summary: Summary, out: Path) -> None:
    """Write the files and show the tables."""
    from rich.console import Console

    from recbole_showcase.benchmark import tables
    from recbole_showcase.benchmark.plot import write_plot

    files = tables.write_tables(summary, out)
    if spec.plot is not None:
        files += write_plot(summary, spec.plot, out)
    console = Console()
    if not console.is_terminal:
        console = Console(width=200)  # a file has room
    for table in tables.terminal(summary):
        console.print(table)
    console.print(tables.legend(summary), style="dim")
    for dataset, names in summary.changed_data.items():
        said = f"{dataset}: {', '.join(names)} changed between runs, so that figures do not compare"
        console.print(f"{said}; delete {out / 'runs'} to make all on the same data")
    for line in tables.failures(summary):
        console.print(f"failed: {line}", markup=False, highlight=False)
    if summary.failed:
        failed = f"{len(summary.failed)} of {len(summary.outcomes)} runs failed"
        console.print(f"{failed}; --retry-failed runs them again")
    if summary.missing:
        console.print(f"{summary.missing} of {len(summary.outcomes)} runs have not been run")
    typer.echo("written: " + ", ".join(str(file) for file in files))
