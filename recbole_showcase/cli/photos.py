"""``recbole-showcase photos``: fetch the photos that a data set knows by URL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recbole_showcase.errors import SettingsError, interrupt_note, one_line
from recbole_showcase.files.limits import PIXEL_LIMIT

if TYPE_CHECKING:
    from recbole_showcase.download import Account

_NAMED = 3  # examples of a kind that are shown


def photos(
    dataset: Annotated[Path, typer.Argument(help="Folder of the data set, DATA/NAME.")],
    photos: Annotated[
        Path | None,
        typer.Option(help="Folder to fill.", show_default="photos in the data set's folder"),
    ] = None,
    pixels: Annotated[
        int,
        typer.Option(
            min=0,
            max=16_383,
            help="Pixels of the longer side, where the host offers sizes; 0: as the URL has it.",
        ),
    ] = 448,
    host: Annotated[
        list[str] | None,
        typer.Option(
            help="One more host that photos may come from, such as images.example.org, "
            "*.example.org or http://localhost:8000; again for several. Google's and Amazon's "
            "hosts of photos are known."
        ),
    ] = None,
    at_once: Annotated[int, typer.Option(min=1, help="Photos in progress.")] = 32,
    per_host: Annotated[int, typer.Option(min=1, help="Photos in progress of one host.")] = 16,
    tries: Annotated[int, typer.Option(min=1, help="How often a photo is asked for.")] = 5,
    timeout: Annotated[
        float,
        typer.Option(min=0.1, help="Seconds that an answer may take, its last byte included."),
    ] = 30.0,
    max_bytes: Annotated[int, typer.Option(min=1, help="Longer answers are refused.")] = 20_000_000,
    pixel_limit: Annotated[
        int, typer.Option(min=1, help="Photos of more pixels than this are refused.")
    ] = PIXEL_LIMIT,
    again: Annotated[bool, typer.Option(help="Ask again for photos that were gone.")] = False,
) -> None:
    """Download the photos whose URLs the data set has and whose files it has not.

    Run it again after an interruption, or for photos that failed: what is there is not asked for
    again. Ends with status 1 if photos failed or were no images, or if there is none at all.
    """
    with interrupt_note("what is fetched is kept: the same command goes on"):
        try:
            from recbole_showcase.download import DownloadOptions, download_photos
        except ModuleNotFoundError as error:
            if error.name != "httpx2":
                raise
            raise SettingsError(
                "photos needs httpx2, which is not installed: pip install "
                "'recbole_showcase[photos]'"
            ) from error
        options = DownloadOptions(
            pixels=pixels,
            hosts=tuple(host or ()),
            at_once=at_once,
            per_host=per_host,
            tries=tries,
            timeout=timeout,
            max_bytes=max_bytes,
            pixel_limit=pixel_limit,
            again=again,
        )
        account = download_photos(dataset, photos, options)
    for line in report_lines(account, dataset):
        typer.echo(line)
    if account.unfinished or not account.there:
        raise typer.Exit(1)


def report_lines(account: Account, dataset: Path) -> list[str]:
    """Say in a few lines what became of the photos, and last what to do next."""
    from recbole_showcase.download.hosts import NOT_ALLOWED
    from recbole_showcase.encoders.commands import embed_command

    counts = ", ".join(f"{n:,} {kind}" for kind, n in account.counts.items() if n)
    lines = [f"photos: {counts or 'none is listed'}"]
    for kind, named in account.examples.items():
        reasons = account.reasons[kind].most_common(_NAMED)
        lines.append(f"  {kind}: {', '.join(f'{why} ({n:,})' for why, n in reasons)}")
        for image_id, why in list(named.items())[:_NAMED]:
            lines.append(f"    {one_line(image_id)}: {one_line(why)}")
        if NOT_ALLOWED in account.reasons[kind]:
            lines.append("    a host that you trust is allowed by --host, as it stands above")
    lines.append(
        f"{account.there:,} of {account.listed:,} photos are in {account.folder}; "
        f"{account.bytes / 1e6:,.1f} MB were fetched ({account.seconds:.1f} s); photos.json is the "
        "account, photos.missing.jsonl names each photo that is not there"
    )
    embed = embed_command(dataset, "ViT-B-32", "laion2b_s34b_b79k")
    again = "the same command asks for those that failed" if account.unfinished else ""
    if account.there:
        lines.append(f"next: {again}{again and '; or '}{embed}")
    else:
        lines.append(f"no photo is there: {again or 'there is nothing to embed'}")
    return lines
