"""``python -m demo_world``: draw a world, label its pairs, train what ships for the demo."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from recbole_showcase import cli
from recbole_showcase.resources import write_sums

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    help="The demo world: a small town of known truth, drawn from a seed.",
)


@app.command()
def draw(
    out: Annotated[
        Path, typer.Argument(help="DATA/NAME; NAME names the data set.", metavar="DATA/NAME")
    ],
    seed: Annotated[int, typer.Option(help="Equal seeds give equal worlds.")] = 7,
    users: Annotated[int, typer.Option(help="Number of users.")] = 300,
    items: Annotated[int, typer.Option(help="Number of restaurants.")] = 80,
    reviews: Annotated[float, typer.Option(help="Mean number of reviews of a user.")] = 9.0,
    without_text: Annotated[
        float, typer.Option(help="Share of reviews that are stars only.")
    ] = 0.4,
    generic_reviews: Annotated[
        float, typer.Option(help="Share of texts that name neither dish nor room.")
    ] = 0.0,
    generic_sentences: Annotated[
        float, typer.Option(help="Share of the other texts' sentences that fit any restaurant.")
    ] = 0.0,
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
        share_generic_reviews=generic_reviews,
        share_generic_sentences=generic_sentences,
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


@app.command()
def labels(
    dataset: Annotated[
        Path, typer.Argument(help="Folder of a drawing of the demo world.", metavar="DATA/NAME")
    ],
    out: Annotated[Path, typer.Option(help="File of labelled pairs to write.")],
    seed: Annotated[int, typer.Option(help="Seed of which reviews are put together.")] = 0,
) -> None:
    """Label sentence–photo pairs of a drawing by its truth, for distill --labels."""
    from demo_world.truth import label_pairs
    from recbole_showcase.atomic import write_atomic
    from recbole_showcase.distillation import LABELS

    table = label_pairs(dataset, seed)
    write_atomic(out, LABELS, table)
    typer.echo(f"{out}: {len(table):,} pairs, {int(table['label'].sum()):,} of them described")


@app.command()
def train_clip(
    out: Annotated[Path, typer.Option(help="Folder of the model.")],
    steps: Annotated[int, typer.Option(help="Optimizer steps.")] = 600,
    measure_only: Annotated[
        bool, typer.Option("--measure-only", help="Keep the model that is there.")
    ] = False,
) -> None:
    """Train the small CLIP that ships with the package, and measure it.

    About fifteen minutes of two cores, painting included.
    """
    from demo_world.clip_figures import measure_clip
    from demo_world.clip_training import ClipTraining, train_from_worlds

    if not measure_only:
        train_from_worlds(out, ClipTraining(steps=steps))
    _tell_figures(out, measure_clip(out))


@app.command()
def train_alignment(
    out: Annotated[Path, typer.Option(help="Folder of the classifier.")],
    seeds: Annotated[
        list[int] | None,
        typer.Option(
            help="Seeds of the drawings to learn from, the option repeated.",
            show_default="201 to 204",
        ),
    ] = None,
) -> None:
    """Train the alignment classifier that ships for the small CLIP, and measure it.

    About four minutes of one core, painting included.
    """
    from demo_world.alignment_training import TRAIN_SEEDS, train_and_measure

    _tell_figures(out, train_and_measure(out, seeds or TRAIN_SEEDS))


def _tell_figures(folder: Path, figures: dict[str, Any]) -> None:
    """Write figures beside the weights they are of, and the digests of both; show the figures."""
    text = json.dumps(figures, indent=2)
    (folder / "figures.json").write_text(text + "\n", encoding="utf-8")
    write_sums(folder)
    typer.echo(text)


if __name__ == "__main__":
    cli.main(app)
