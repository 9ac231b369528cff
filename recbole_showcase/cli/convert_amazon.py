"""``recbole-showcase convert amazon``: Amazon Reviews 2023 to atomic files."""

from __future__ import annotations

from typing import Annotated

import typer

from recbole_showcase.cli.convert import (
    EveryReview,
    KCore,
    Limit,
    MemoryLimit,
    Out,
    Overwrite,
    Photos,
    RequireMeta,
    Since,
    Threads,
    Until,
    WithPhotos,
    WithText,
    show,
)


def amazon(
    reviews: Annotated[
        list[str],
        typer.Option(help="Review files such as All_Beauty.jsonl.gz or patterns; several."),
    ],
    out: Out,
    meta: Annotated[
        list[str] | None,
        typer.Option(help="Metadata files such as meta_All_Beauty.jsonl.gz, likewise."),
    ] = None,
    photos: Photos = None,
    k_core: KCore = 0,
    since: Since = None,
    until: Until = None,
    with_photos: WithPhotos = False,
    with_text: WithText = False,
    titles: Annotated[
        bool, typer.Option(help="Put the title of a review before its text.")
    ] = False,
    as_written: Annotated[
        bool, typer.Option(help="Keep tags and entities of HTML in the texts.")
    ] = False,
    every_review: EveryReview = False,
    require_meta: RequireMeta = False,
    limit: Limit = None,
    overwrite: Overwrite = False,
    memory_limit: MemoryLimit = "1GB",
    threads: Threads = None,
) -> None:
    """Convert Amazon Reviews 2023: JSON lines, a file of reviews and one of metadata a category."""
    from recbole_showcase.atomic import AmazonOptions, convert_amazon

    options = AmazonOptions(
        photos=photos,
        k_core=k_core,
        since=since,
        until=until,
        with_photos=with_photos,
        with_text=with_text,
        titles=titles,
        markup=as_written,
        one_per_pair=not every_review,
        require_meta=require_meta,
        limit=limit,
        overwrite=overwrite,
        memory_limit=memory_limit,
        threads=threads,
    )
    show(convert_amazon(reviews, meta or [], out, options), out)
