"""``recbole-showcase world``: draw a demo world of another seed or size."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_DEFAULT_USERS, _DEFAULT_ITEMS = 300, 80


def world(
    out: Annotated[
        Path, typer.Argument(help="DATA/NAME; NAME names the data set.", metavar="DATA/NAME")
    ],
    seed: Annotated[int, typer.Option(help="Equal seeds give equal worlds.")] = 7,
    users: Annotated[int, typer.Option(help="Number of users.")] = _DEFAULT_USERS,
    items: Annotated[int, typer.Option(help="Number of restaurants.")] = _DEFAULT_ITEMS,
    reviews: Annotated[float, typer.Option(help="Mean number of reviews of a user.")] = 9.0,
    without_text: Annotated[
        float, typer.Option(help="Share of reviews that are stars only.")
    ] = 0.4,
    photo_size: Annotated[int, typer.Option(help="Side of the photos in pixels.")] = 96,
) -> None:
    """Draw a town of users, restaurants, reviews and painted photos whose truth is known."""
    from demo_world import WorldSettings, draw_world, write_world
    from demo_world.writing import account_of

    settings = WorldSettings(
        seed=seed,
        n_users=users,
        n_items=items,
        reviews_mean=reviews,
        share_without_text=without_text,
        image_size=photo_size,
    )
    drawing = draw_world(settings)
    write_world(drawing, out, progress=True)
    account = account_of(drawing)
    typer.echo(
        f"{out}: {account['users']} users, {account['items']} restaurants, "
        f"{account['rows_kept']} reviews ({account['reviews_with_text']} with text), "
        f"{account['photos']} photos; the truth is in {out / f'{out.name}.truth'}"
    )
