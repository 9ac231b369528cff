"""``recbole-showcase convert nlg4rs``: the pickles of NETE, PETER and PEPLER to atomic files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recbole_showcase.cli.convert import KCore, Limit, MemoryLimit, Out, Overwrite, Threads, show


def nlg4rs(
    reviews: Annotated[Path, typer.Option(help="reviews.pickle, which is read as plain data.")],
    out: Out,
    split: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a split, such as 1: train.index, validation.index, test.index.",
            show_default="one file of interactions",
        ),
    ] = None,
    items: Annotated[
        Path | None,
        typer.Option(
            help="item.json, which says what items are called.",
            show_default="item.json beside the reviews, if it is there",
        ),
    ] = None,
    k_core: KCore = 0,
    limit: Limit = None,
    overwrite: Overwrite = False,
    memory_limit: MemoryLimit = "1GB",
    threads: Threads = None,
) -> None:
    """Convert the pickles of NETE, PETER and PEPLER (NLG4RS): explanations, and a split of them."""
    from recbole_showcase.atomic import NLG4RSOptions, convert_nlg4rs

    options = NLG4RSOptions(
        k_core=k_core, limit=limit, overwrite=overwrite, memory_limit=memory_limit, threads=threads
    )
    show(convert_nlg4rs(reviews, out, options, split, items), out)
