"""``recbole-showcase embed``: encode the photos, review texts and sentences of a data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recbole_showcase.cli.engines import EngineOption, Place, RayAddressOption
from recbole_showcase.engines import choose_engine
from recbole_showcase.errors import interrupt_note
from recbole_showcase.files.limits import PIXEL_LIMIT

if TYPE_CHECKING:
    from recbole_showcase.encoders import EmbedReport

_NAMED = 10


def embed(
    dataset: Annotated[Path, typer.Argument(help="Folder of the data set, DATA/NAME.")],
    encoder: Annotated[
        str,
        typer.Option(
            help="showcase-tiny, which ships with the package and knows the painted dishes of the "
            "demo only; for real photos an open_clip architecture, local-dir:FOLDER or "
            "hf-hub:OWNER/NAME."
        ),
    ] = "showcase-tiny",
    weights: Annotated[
        str | None, typer.Option(help="Pretrained tag of the architecture, or a weights file.")
    ] = None,
    photos: Annotated[
        Path | None, typer.Option(help="Photo folder; by default where the data set says.")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Photos or texts encoded at once.")] = 32,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Threads, or on a cluster photos and texts encoded at the same time by as many "
            "processes; by default one a core.",
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="Torch device, for example cpu or cuda.")] = "cpu",
    dtype: Annotated[str, typer.Option(help="Number type of the rows: float16 or float32.")] = (
        "float16"
    ),
    pixel_limit: Annotated[
        int, typer.Option(min=1, help="Photos of more pixels than this are skipped.")
    ] = PIXEL_LIMIT,
    sentences: Annotated[
        bool,
        typer.Option(
            "--sentences",
            help="Encode the sentences of the reviews as well, which the explainers named quote… "
            "quote from; features that have them keep them without being told.",
        ),
    ] = False,
    engine: EngineOption = Place.local,
    ray_address: RayAddressOption = None,
) -> None:
    """Encode photos and review texts into memory-mapped features.

    Run it again after an interruption, or when the data set has grown or features are damaged: what
    is done is kept, and what is damaged or of a photo or text that has changed is made anew.
    """
    on_cluster = engine is Place.ray
    chosen = choose_engine(engine.value, workers if on_cluster else None, ray_address)
    with interrupt_note("what is encoded is kept: the same command goes on"):
        from recbole_showcase.encoders import embed_dataset

        report = embed_dataset(
            dataset,
            encoder=encoder,
            weights=weights,
            photo_folder=photos,
            batch_size=batch_size,
            workers=None if on_cluster else workers,
            device=device,
            dtype=dtype,
            pixel_limit=pixel_limit,
            engine=chosen,
            sentences=sentences,
        )
    for line in report_lines(report):
        typer.echo(line)


def report_lines(report: EmbedReport) -> list[str]:
    """Say in a few lines what was done; of the skipped, the first ten by name."""
    lines = [f"note: {note}" for note in report.notes]
    for modality, encoded in report.encoded.items():
        skipped = report.skipped[modality]
        line = f"{modality}s: {encoded} encoded, {report.reused[modality]} reused"
        line += f", {len(skipped)} skipped" if modality == "image" else ""
        line += f", {report.without_text} without text" if modality == "review" else ""
        lines.append(line)
        lines += [f"  skipped {token}: {why}" for token, why in list(skipped.items())[:_NAMED]]
        if len(skipped) > _NAMED:
            lines.append(f"  … and {len(skipped) - _NAMED} more, all in meta.json")
    lines.append(f"features in {report.folder} ({report.seconds:.1f} s)")
    return lines
