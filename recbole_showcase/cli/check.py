"""``recbole-showcase check``: what of a data set would stop a training, before it is started."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def check(
    dataset: Annotated[Path, typer.Argument(help="Folder of the data set, DATA/NAME.")],
    encoder: Annotated[
        str | None,
        typer.Option(
            help="Name of the feature store to look at, as in showcase_encoder.",
            show_default="all",
        ),
    ] = None,
    photos: Annotated[
        Path | None, typer.Option(help="Photo folder; by default where the data set says.")
    ] = None,
    min_photos: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="What showcase_min_photos will be; 0 for data without photos.",
            show_default="1",
        ),
    ] = None,
    config: Annotated[
        list[Path] | None,
        typer.Option(
            help="YAML file of RecBole's settings, again for several: names of fields, separator "
            "and encoding of .inter and .item, showcase_encoder and showcase_min_photos count."
        ),
    ] = None,
) -> None:
    """Say what a data set lacks, what in it does not join, and whether its features fit it.

    Ends with status 1 if something would stop a training or is damaged, else with 0.
    """
    from recbole_showcase.atomic import PhotoFolder
    from recbole_showcase.data.check import check_dataset
    from recbole_showcase.files.yaml_files import read_yaml
    from recbole_showcase.settings import ShowcaseSettings

    if photos is not None:
        PhotoFolder(photos)  # one that is named is to be there
    settings: dict[str, Any] = {}
    for file in config or ():
        settings |= read_yaml(file)
    if min_photos is None:
        min_photos = int(settings.get("showcase_min_photos", ShowcaseSettings.min_photos))
    encoder = encoder or settings.get("showcase_encoder")
    report = check_dataset(
        dataset, encoder, photos=photos, min_photos=min_photos, settings=settings
    )
    for line in report.facts:
        typer.echo(line)
    for line in report.warnings:
        typer.echo(f"warning: {line}")
    for line in report.errors:
        typer.echo(f"error: {line}")
    if report.errors:
        raise typer.Exit(1)
    typer.echo(f"{dataset} can be trained on")
