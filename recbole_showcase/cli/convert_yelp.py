"""``recbole-showcase convert yelp``: the Yelp Open Dataset to atomic files."""

from __future__ import annotations

from pathlib import Path
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
    WithText,
    show,
)


def yelp(
    reviews: Annotated[
        list[str], typer.Option(help="yelp_academic_dataset_review.json, gz or plain; several.")
    ],
    out: Out,
    businesses: Annotated[
        list[str] | None,
        typer.Option(help="yelp_academic_dataset_business.json, likewise."),
    ] = None,
    photo_list: Annotated[
        Path | None, typer.Option(help="photos.json of the photos; without it there are none.")
    ] = None,
    photos: Photos = None,
    k_core: KCore = 0,
    since: Since = None,
    until: Until = None,
    category: Annotated[
        list[str] | None, typer.Option(help="Keep businesses of these categories.")
    ] = None,
    state: Annotated[
        list[str] | None, typer.Option(help="Keep businesses in these states, such as PA.")
    ] = None,
    city: Annotated[list[str] | None, typer.Option(help="Keep businesses in these cities.")] = None,
    with_photos: Annotated[
        bool, typer.Option(help="Keep only reviews of businesses with photos.")
    ] = False,
    with_text: WithText = False,
    every_review: EveryReview = False,
    require_meta: RequireMeta = False,
    limit: Limit = None,
    overwrite: Overwrite = False,
    memory_limit: MemoryLimit = "1GB",
    threads: Threads = None,
) -> None:
    """Convert the Yelp Open Dataset: JSON lines of reviews, businesses and photos."""
    from recbole_showcase.atomic import YelpOptions, convert_yelp

    options = YelpOptions(
        photos=photos,
        k_core=k_core,
        since=since,
        until=until,
        categories=tuple(category or ()),
        states=tuple(state or ()),
        cities=tuple(city or ()),
        with_photos=with_photos,
        with_text=with_text,
        one_per_pair=not every_review,
        require_meta=require_meta,
        limit=limit,
        overwrite=overwrite,
        memory_limit=memory_limit,
        threads=threads,
    )
    show(convert_yelp(reviews, businesses or [], photo_list, out, options), out)
