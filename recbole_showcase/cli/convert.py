"""``recbole-showcase convert``: raw files to atomic files."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from recbole_showcase.cli.help import Commands

if TYPE_CHECKING:
    from recbole_showcase.atomic import Account

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    help="Turn the released files of a source into RecBole's atomic files.",
)


class SeveralValues(TyperCommand):
    """A command whose list options take several values after one flag, as a shell's globs give."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Repeat the flag of a list option before each of its values."""
        flags = {flag for p in self.params if getattr(p, "multiple", False) for flag in p.opts}
        spread: list[str] = []
        flag: str | None = None
        for place, arg in enumerate(args):
            if arg == "--":
                spread += args[place:]
                break
            if arg.startswith("-") and arg != "-":
                flag = arg if arg in flags else None
                spread.append(arg)
            elif flag is not None and spread[-1] != flag:
                spread += [flag, arg]
            else:
                spread.append(arg)
        return super().parse_args(ctx, spread)


Out = Annotated[Path, typer.Option(help="The data set's folder, DATA/NAME.")]
Photos = Annotated[
    Path | None,
    typer.Option(help="Folder of the photos, in any depth. Without it every photo is listed."),
]
KCore = Annotated[
    int, typer.Option(min=0, help="Keep users and items with K rows or more; 0: all.")
]
WithPhotos = Annotated[bool, typer.Option(help="Keep only reviews with photos.")]
WithText = Annotated[bool, typer.Option(help="Keep only reviews with text.")]
AsWritten = Annotated[
    bool, typer.Option(help="Keep both languages of translated reviews, not English.")
]
Since = Annotated[str | None, typer.Option(help="First day or moment kept, such as 2019-01-31.")]
Until = Annotated[str | None, typer.Option(help="First day or moment no longer kept.")]
EveryReview = Annotated[bool, typer.Option(help="Keep all reviews of a pair, not only the latest.")]
RequireMeta = Annotated[bool, typer.Option(help="Drop reviews of items without metadata.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Read only this many rows.")]
Overwrite = Annotated[bool, typer.Option(help="Replace an earlier conversion.")]
MemoryLimit = Annotated[str, typer.Option(help="DuckDB's memory; beyond it, it uses the disk.")]
Threads = Annotated[
    int | None, typer.Option(min=1, help="DuckDB's threads.", show_default="one per core")
]


class Split(StrEnum):
    """What becomes of a split that the source comes with."""

    official = "official"
    pooled = "pooled"


@app.command("google-local", cls=SeveralValues)
def google_local(
    reviews: Annotated[
        list[str], typer.Option(help="Review files or patterns, gz or plain; several.")
    ],
    out: Out,
    meta: Annotated[
        list[str] | None, typer.Option(help="Metadata files or patterns; several.")
    ] = None,
    photos: Photos = None,
    k_core: KCore = 0,
    since: Since = None,
    until: Until = None,
    category: Annotated[
        list[str] | None,
        typer.Option(help="Keep businesses of these categories; 'restaurants': places to eat."),
    ] = None,
    state: Annotated[
        list[str] | None, typer.Option(help="Keep businesses in these states, such as VT Maine.")
    ] = None,
    with_photos: WithPhotos = False,
    with_text: WithText = False,
    as_written: AsWritten = False,
    every_review: EveryReview = False,
    require_meta: RequireMeta = False,
    limit: Limit = None,
    overwrite: Overwrite = False,
    memory_limit: MemoryLimit = "1GB",
    threads: Threads = None,
) -> None:
    """Convert Google Local 2021: JSON lines, one file of reviews and one of metadata a state."""
    from recbole_showcase.atomic import GoogleLocalOptions, convert_google_local

    options = GoogleLocalOptions(
        photos=photos,
        k_core=k_core,
        since=since,
        until=until,
        categories=tuple(category or ()),
        states=tuple(state or ()),
        with_photos=with_photos,
        with_text=with_text,
        english=not as_written,
        one_per_pair=not every_review,
        require_meta=require_meta,
        limit=limit,
        overwrite=overwrite,
        memory_limit=memory_limit,
        threads=threads,
    )
    show(convert_google_local(reviews, meta or [], out, options), out)


@app.command("gest")
def gest(
    file: Annotated[Path, typer.Option(help="filter_all_t.json or image_review_all.json.")],
    out: Out,
    photos: Photos = None,
    split: Annotated[
        Split | None,
        typer.Option(
            help="official: RecBole benchmark files; pooled: one file.",
            show_default="official where the file has a split",
        ),
    ] = None,
    history: Annotated[
        bool, typer.Option(help="Make interactions of history reviews as well.")
    ] = True,
    k_core: KCore = 0,
    with_photos: WithPhotos = False,
    with_text: WithText = False,
    as_written: AsWritten = False,
    limit: Limit = None,
    overwrite: Overwrite = False,
    memory_limit: MemoryLimit = "1GB",
    threads: Threads = None,
) -> None:
    """Convert Gest: the split with histories, or all reviews with photos."""
    from recbole_showcase.atomic import GestOptions, convert_gest

    options = GestOptions(
        photos=photos,
        split=None if split is None else split.value,
        history=history,
        k_core=k_core,
        with_photos=with_photos,
        with_text=with_text,
        english=not as_written,
        limit=limit,
        overwrite=overwrite,
        memory_limit=memory_limit,
        threads=threads,
    )
    show(convert_gest(file, out, options), out)


@app.command("explained-pairs")
def explained_pairs(
    interactions: Annotated[
        Path, typer.Option(help="CSV with a header: a user and an item a row.")
    ],
    pairs: Annotated[
        Path,
        typer.Option(
            help="JSON lines, or a pickled frame of pandas, of which nothing is called: user, "
            "item, explanation, and where known title, user_summary, item_summary."
        ),
    ],
    out: Out,
    user_column: Annotated[str, typer.Option(help="The user's column in the CSV.")] = "user",
    item_column: Annotated[str, typer.Option(help="The item's column in the CSV.")] = "item",
    delimiter: Annotated[
        str | None,
        typer.Option(help="What separates the CSV's columns.", show_default="as the header shows"),
    ] = None,
    pair_user: Annotated[str, typer.Option(help="The user's field of a pair.")] = "uid",
    pair_item: Annotated[str, typer.Option(help="The item's field of a pair.")] = "iid",
    train: Annotated[
        int | None,
        typer.Option(min=1, help="Pairs to train on.", show_default="all not held out"),
    ] = None,
    valid: Annotated[int, typer.Option(min=1, help="Pairs of the valid part.")] = 200,
    test: Annotated[int, typer.Option(min=1, help="Pairs of the test part.")] = 200,
    fold: Annotated[
        int, typer.Option(min=0, help="Which test part; no two folds share a pair of it.")
    ] = 0,
    profiles: Annotated[bool, typer.Option(help="Keep the summaries of users and items.")] = True,
    k_core: KCore = 0,
    limit: Limit = None,
    overwrite: Overwrite = False,
    memory_limit: MemoryLimit = "1GB",
    threads: Threads = None,
) -> None:
    """Convert interactions and explained pairs, such as those released with XRec."""
    from recbole_showcase.atomic import ExplainedPairsOptions, convert_explained_pairs

    options = ExplainedPairsOptions(
        user_column=user_column,
        item_column=item_column,
        delimiter=delimiter,
        pair_user=pair_user,
        pair_item=pair_item,
        train=train,
        valid=valid,
        test=test,
        fold=fold,
        profiles=profiles,
        k_core=k_core,
        limit=limit,
        overwrite=overwrite,
        memory_limit=memory_limit,
        threads=threads,
    )
    show(convert_explained_pairs(interactions, pairs, out, options), out)


@app.command("tripadvisor")
def tripadvisor(
    folder: Annotated[
        Path, typer.Option(help="A city's folder, with data_10+10 in it, of the data of ELVis.")
    ],
    out: Out,
    photos: Photos = None,
    overwrite: Overwrite = False,
    memory_limit: MemoryLimit = "1GB",
    threads: Threads = None,
) -> None:
    """Convert a city of TripAdvisor as released with ELVis: photos, their vectors, no texts."""
    from recbole_showcase.atomic import ConvertOptions, convert_tripadvisor
    from recbole_showcase.encoders import write_given_store

    options = ConvertOptions(
        photos=photos, overwrite=overwrite, memory_limit=memory_limit, threads=threads
    )
    show(convert_tripadvisor(folder, out, write_given_store, options), out)


def show(account: Account, out: Path) -> None:
    """Print the account."""
    from rich.console import Console

    from recbole_showcase.atomic import download_hint

    Console().print(account.table())
    for line in account.broken_lines:
        print(f"broken line {line.path}:{line.line}: {line.begins} …")
    for note in account.notes:
        print(note)
    if account.photo_folder is None and (hint := download_hint(out)):
        print(f"the photos are listed and not there{hint}")
    print(f"written: {out}  (RecBole: dataset={out.name}, data_path={out.parent})")
