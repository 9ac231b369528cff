"""``recbole-showcase check``: what of a data set would stop a training, before it is started."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def check(
    dataset: Annotated[Path, typer.Argument(help="Folder of the data set, DATA/NAME.")],
    encoder: Annotated[
        str | None,
        typer.Option(
            help="Name of the feature store to look at, as in showcase_encoder.  [default: all]"
        ),
    ] = None,
    photos: Annotated[
        Path | None, typer.Option(help="Photo folder; by default where the data set says.")
    ] = None,
    min_photos: Annotated[
        int,
        typer.Option(min=0, help="What showcase_min_photos will be; 0 for data without photos."),
    ] = 1,
) -> None:
    """Say what a data set lacks, what in it does not join, and whether its features fit it.

    Ends with status 1 if something would stop a training or is damaged, else with 0.
    """
    from recbole_showcase.data.check import check_dataset

    report = check_dataset(dataset, encoder, photos=photos, min_photos=min_photos)
    for line in report.facts:
        typer.echo(line)
    for line in report.warnings:
        typer.echo(f"warning: {line}")
    for line in report.errors:
        typer.echo(f"error: {line}")
    if report.errors:
        raise typer.Exit(1)
    typer.echo(f"{dataset} can be trained on")
