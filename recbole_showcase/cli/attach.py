"""``recbole-showcase attach``: texts and photos for a data set that has interactions alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recbole_showcase.cli.convert import MemoryLimit, Overwrite, Threads, show


def attach(
    dataset: Annotated[Path, typer.Argument(help="Folder of a data set of RecBole's, DATA/NAME.")],
    out: Annotated[Path, typer.Option(help="The new data set's folder, DATA/NEW.")],
    reviews: Annotated[
        Path | None,
        typer.Option(
            help="CSV or Parquet: user_id, item_id, text, and where known timestamp, review_id."
        ),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            help="CSV or Parquet: item_id, path or url, and where known image_id, review_id, "
            "user_id, timestamp, caption, label."
        ),
    ] = None,
    photos: Annotated[
        Path | None,
        typer.Option(help="Folder that paths are relative to; photos not in it are left out."),
    ] = None,
    item_photos: Annotated[
        bool,
        typer.Option(help="Give each item a row of .image, for features of items to stand for."),
    ] = False,
    user_field: Annotated[str, typer.Option(help="RecBole's USER_ID_FIELD.")] = "user_id",
    item_field: Annotated[str, typer.Option(help="RecBole's ITEM_ID_FIELD.")] = "item_id",
    time_field: Annotated[str, typer.Option(help="RecBole's TIME_FIELD.")] = "timestamp",
    delimiter: Annotated[
        str | None,
        typer.Option(help="What separates the columns of CSV.", show_default="as headers show"),
    ] = None,
    overwrite: Overwrite = False,
    memory_limit: MemoryLimit = "1GB",
    threads: Threads = None,
) -> None:
    """Attach texts and photos, of tables, to a data set of RecBole's that has interactions alone.

    The data set is written anew under another name; the old one stays as it is.
    """
    from recbole_showcase.atomic import AttachOptions
    from recbole_showcase.atomic import attach as attach_tables

    options = AttachOptions(
        photos=photos,
        user_field=user_field,
        item_field=item_field,
        time_field=time_field,
        delimiter=delimiter,
        item_photos=item_photos,
        overwrite=overwrite,
        memory_limit=memory_limit,
        threads=threads,
    )
    show(attach_tables(dataset, out, reviews, images, options), out)
