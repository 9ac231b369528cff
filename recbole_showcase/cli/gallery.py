"""``recbole-showcase gallery``: show what a checkpoint recommends and why, as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recbole_showcase.cli.checkpoints import AllowPath, DataPath, Device, PhotoFolder
from recbole_showcase.console import working
from recbole_showcase.errors import DataError, SettingsError, interrupt_note


def gallery(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint that training saved.")],
    more_users: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    *,
    out: Annotated[Path, typer.Option(help="HTML file to write, in a folder that exists.")],
    users: Annotated[
        list[str] | None,
        typer.Option(
            metavar="USER…",
            help="Users to show: several names, or the option repeated. "
            "Default: a sample of those with photos in their test reviews.",
        ),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Recommendations per user.")] = 5,
    n_users: Annotated[int, typer.Option(min=1, help="Users to sample without --users.")] = 8,
    data_path: DataPath = None,
    allow_path: AllowPath = None,
    photos: PhotoFolder = None,
    photo_side: Annotated[
        int, typer.Option(min=16, help="Longest side of an embedded photo, in pixels.")
    ] = 256,
    title: Annotated[str, typer.Option(help="Headline of the page.")] = "Personalized showcases",
    device: Device = None,
) -> None:
    """Write a self-contained HTML gallery of recommended items, chosen photos and texts."""
    with interrupt_note(f"{out} was left as it was"):
        from recbole_showcase.files.replace import require_writable
        from recbole_showcase.gallery import render_gallery
        from recbole_showcase.recommender import load_explainer

        named = _named_users(users, more_users)
        require_writable(out)
        with working("Loading the model and its data"):
            recommender = load_explainer(
                checkpoint,
                device=device,
                photo_folder=photos,
                data_path=data_path,
                allow_paths=allow_path or (),
            )
        with working("Explaining"):
            pages = recommender.user_showcases(named, top_k=top, n_users=n_users, unknown="skip")
        shown = [page for page in pages if page is not None]
        if not shown:
            raise DataError(f"none of the users is in the data set: {', '.join(named or [])}")
        render_gallery(
            shown,
            out,
            title=title,
            subtitle=f"{recommender.model_name} on {recommender.dataset_name}",
            figures=recommender.test_result,
            figures_note=str(recommender.test_basis or ""),
            max_photo_side=photo_side,
        )
    typer.echo(
        f"data: {recommender.data_folder}" + ", where the checkpoint says" * (data_path is None)
    )
    typer.echo(f"{out}: {len(shown)} user(s), {out.stat().st_size / 1e6:.1f} MB")


def _named_users(users: list[str] | None, more_users: list[str] | None) -> list[str] | None:
    """Join the values of ``--users`` with those that follow them, which the parser sees as loose.

    Raises:
        SettingsError: There are loose words but no ``--users`` they could belong to.
    """
    if more_users and not users:
        raise SettingsError(
            f"unexpected {' '.join(more_users)!r} after the checkpoint; name users with --users"
        )
    named = [*(users or []), *(more_users or [])]
    return list(dict.fromkeys(named)) or None
