"""``recbole-showcase convert``: raw files to atomic files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

if TYPE_CHECKING:
    from recbole_showcase.atomic import Account

app = typer.Typer(
    no_args_is_help=True, help="Turn the released files of a source into RecBole's atomic files."
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
    int, typer.Option("--k-core", help="Keep users and items with K rows or more; 0: all.")
]
WithPhotos = Annotated[bool, typer.Option("--with-photos", help="Keep only reviews with photos.")]
WithText = Annotated[bool, typer.Option("--with-text", help="Keep only reviews with text.")]
AsWritten = Annotated[
    bool,
    typer.Option("--as-written", help="Keep both languages of translated reviews, not English."),
]
Limit = Annotated[int | None, typer.Option(help="Read only this many rows.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an earlier conversion.")]
MemoryLimit = Annotated[str, typer.Option(help="DuckDB's memory; beyond it, it uses the disk.")]
Threads = Annotated[int | None, typer.Option(help="DuckDB's threads.  [default: one per core]")]


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
    since: Annotated[str | None, typer.Option(help="First day kept, such as 2019-01-31.")] = None,
    until: Annotated[str | None, typer.Option(help="First day no longer kept.")] = None,
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
    every_review: Annotated[
        bool,
        typer.Option("--every-review", help="Keep all reviews of a pair, not only the latest."),
    ] = False,
    require_meta: Annotated[
        bool, typer.Option("--require-meta", help="Drop reviews of businesses without metadata.")
    ] = False,
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
    _show(convert_google_local(reviews, meta or [], out, options), out)


@app.command("gest")
def gest(
    file: Annotated[Path, typer.Option(help="filter_all_t.json or image_review_all.json.")],
    out: Out,
    photos: Photos = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="official: RecBole benchmark files; pooled: one file.  "
            "[default: official where the file has a split]"
        ),
    ] = None,
    no_history: Annotated[
        bool, typer.Option("--no-history", help="Make no interactions of history reviews.")
    ] = False,
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
        split=split,
        history=not no_history,
        k_core=k_core,
        with_photos=with_photos,
        with_text=with_text,
        english=not as_written,
        limit=limit,
        overwrite=overwrite,
        memory_limit=memory_limit,
        threads=threads,
    )
    _show(convert_gest(file, out, options), out)


def _show(account: Account, out: Path) -> None:
    """Print the account."""
    from rich.console import Console

    Console().print(account.table())
    for line in account.broken_lines:
        print(f"broken line {line.path}:{line.line}: {line.begins} …")
    for note in account.notes:
        print(note)
    print(f"written: {out}  (RecBole: dataset={out.name}, data_path={out.parent})")
