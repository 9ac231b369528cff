"""Sources of reviews and of what is known of their items, both as JSON lines: what they share.

A :class:`ReviewSource` says how the fields of such a source are called; everything else is done
here in one way: reasons to drop a row and their order, the choice of rows, the account.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from recbole_showcase.atomic import tables
from recbole_showcase.atomic.account import Account, BrokenLine
from recbole_showcase.atomic.beside import Fates
from recbole_showcase.atomic.conversion import Run, conversion
from recbole_showcase.atomic.engine import (
    BROKEN,
    TOO_LONG,
    Selection,
    clean_ids,
    count_rows,
    on_a_cursor,
    read_lines,
    too_long,
    write_query,
)
from recbole_showcase.atomic.items import ItemSource, item_fates, read_items
from recbole_showcase.atomic.options import ReviewOptions
from recbole_showcase.atomic.schema import INTER
from recbole_showcase.atomic.sources import expand, first_row
from recbole_showcase.errors import DataError

if TYPE_CHECKING:
    import duckdb

# Milliseconds, as released, unless that is 1970 to 1973; as seconds it is 1973 to 5138.
_IN_SECONDS = "({0} BETWEEN 1e8 AND 1e11)"


@dataclass(frozen=True, kw_only=True)
class ReviewSource:
    """How a source of reviews is laid out.

    Attributes:
        converter: Its name in the account.
        fields: What is read of a line of reviews, and the DuckDB types.
        columns: SQL over ``fields`` that tells of each review ``user_id``, ``item_id``,
            ``time`` (milliseconds, BIGINT), ``rating``, ``said`` (the text), ``photo_urls``
            (VARCHAR[]), and ``in_seconds`` where the source tells milliseconds.
        item: What an item is called in the reason "no …".
        items: How its metadata are laid out.
        prepare: Defines in DuckDB what ``columns`` ask for beyond the usual macros.
    """

    converter: str
    fields: Mapping[str, str]
    columns: str
    item: str
    items: ItemSource
    prepare: Callable[[duckdb.DuckDBPyConnection], None] = lambda connection: None

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reasons to drop a row for what it says itself, in the order they are tried."""
        return (
            BROKEN,
            "no user",
            f"no {self.item}",
            "no time",
            "no rating",
            "outside the time range",
            TOO_LONG,
        )


@dataclass(frozen=True)
class Photos:
    """Where the photos of a source are, if its reviews do not list them by the photos' own ids.

    Attributes:
        find: Makes the table ``photos`` as :func:`tables.find_photos` does.
        keep: Drops what has no photo.
        fates: What became of the photos, for the account.
        notes: What is to be said of them.
    """

    find: tables.PhotoFinder = tables.find_photos
    keep: Callable[[Selection], None] = Selection.keep_photos
    fates: Callable[[duckdb.DuckDBPyConnection], dict[str, dict[str, int]]] = lambda _: {}
    notes: tuple[str, ...] = ()


def of_milliseconds(column: str) -> str:
    """``time`` and ``in_seconds`` of a column of milliseconds, some of which may be seconds."""
    seconds = _IN_SECONDS.format(column)
    return (
        f"TRY_CAST(round({column} * CASE WHEN {seconds} THEN 1000 ELSE 1 END) AS BIGINT) AS time, "
        f"{seconds} AS in_seconds"
    )


def convert_reviews(
    source: ReviewSource,
    files: tuple[Sequence[str | Path], Sequence[str | Path]],
    out: Path,
    options: ReviewOptions,
    tests: Sequence[tuple[str, str]] = (),
    photos: Callable[[Run], Photos] = lambda run: Photos(),
    also: Sequence[Path] = (),
) -> Account:
    """Turn reviews and metadata into atomic files.

    Args:
        source: How they are laid out.
        files: Review files and metadata files, gz or plain, by name or pattern.
        out: The data set's folder, ``DATA/NAME``.
        options: What to keep.
        tests: Conditions on items over the table ``meta``, and the reason of those that fail.
        photos: Where the photos are, once the reviews are read.
        also: Other files that are read.

    Raises:
        DataError: As the converters say.
    """
    review_files, meta_files = expand(files[0], "review"), expand(files[1], "metadata")
    if not review_files:
        raise DataError("no review file is given")
    needs_meta = bool(tests) or options.require_meta
    if needs_meta and not meta_files:
        raise DataError(f"{options.asks_of_items} need metadata files")
    _refuse_swapped(source, review_files, meta_files)
    with conversion(out, options) as run:
        source.prepare(run.connection)
        broken = read_lines(
            run.connection,
            review_files,
            run.scratch,
            source.fields,
            _select(source, options),
            options.limit,
        )
        clean_ids(run.connection)
        pictures = photos(run)
        with ThreadPoolExecutor(1) as pool:
            task = partial(read_items, source=source.items, files=meta_files, scratch=run.scratch)
            meta_read = on_a_cursor(pool, run.connection, task)
            if needs_meta:
                meta_read.result()
                no_meta = (f"no metadata of the {source.items.what}", "true")
                tests = (no_meta, *tests)
            selection = _choose(run, source, tests, pictures, broken, meta_read)
        read = meta_read.result()
        return run.finish(
            source.converter,
            selection,
            [*review_files, *meta_files, *also],
            broken,
            notes=(*_notes(run.connection), *read.notes, *pictures.notes),
            beside=[partial(_write_interactions, stem=run.stem)],
            photos=pictures.find,
            others=lambda: (
                item_fates(run.connection, source.items, read) | pictures.fates(run.connection)
            ),
        )


def _refuse_swapped(source: ReviewSource, reviews: Sequence[Path], meta: Sequence[Path]) -> None:
    """Tell metadata from reviews by their first lines: a review alone has a user.

    Raises:
        DataError: A file is given as what it is not.
    """
    for path in reviews:
        keys = first_row(path).keys()
        if "user_id" not in keys and keys & source.items.fields.keys() - source.fields.keys():
            raise DataError(
                f"{path} is metadata of {source.items.plural}, and is given as reviews: its first "
                "line has no 'user_id'; name it with --meta, and the reviews with --reviews"
            )
    for path in meta:
        if "user_id" in first_row(path):
            raise DataError(
                f"{path} holds reviews, and is given as metadata: its first line has a 'user_id'; "
                "name it with --reviews, and the metadata with --meta"
            )


def _select(source: ReviewSource, options: ReviewOptions) -> str:
    """What of a line becomes a row of ``rows``; ``reason`` counts through the source's reasons."""
    since, until = options.moment("since"), options.moment("until")
    outside = " OR ".join(
        ([f"time < {since}"] if since is not None else [])
        + ([f"time >= {until}"] if until is not None else [])
    )
    nothing = " AND ".join(f"{name} IS NULL" for name in source.fields)
    seconds = "" if "in_seconds" in source.columns else ", false AS in_seconds"
    return f"""user_id, item_id, time, in_seconds, finite(rating) AS rating,
        hash(user_id) AS u, hash(item_id) AS i,
        CASE WHEN NOT blank(said) THEN said END AS text, photo_urls,
        CASE WHEN nothing THEN 0
             WHEN blank(user_id) THEN 1
             WHEN blank(item_id) THEN 2
             WHEN time IS NULL THEN 3
             WHEN finite(rating) IS NULL THEN 4
             WHEN {outside or "false"} THEN 5
             WHEN {too_long("user_id", "item_id")} THEN 6 END AS reason
        FROM (SELECT {source.columns}{seconds}, {nothing} AS nothing"""


def _choose(
    run: Run,
    source: ReviewSource,
    tests: Sequence[tuple[str, str]],
    photos: Photos,
    broken: tuple[BrokenLine, ...],
    meta_read: Future[Fates],
) -> Selection:
    """Make ``kept`` of the rows that stay, reason by reason; wait for ``meta`` at the end."""
    connection, options = run.connection, run.options
    assert isinstance(options, ReviewOptions)
    selection = Selection(connection, source.reasons)
    for reason, condition in tests:
        selection.keep_items(reason, condition)
    if options.with_text:
        selection.keep_text()
    if options.with_photos:
        photos.find(connection, run.folder)
        photos.keep(selection)
    selection.keep_distinct(options.one_per_pair)
    selection.keep_core(options.k_core)
    meta_read.result()
    selection.settle(broken)
    return selection


def _notes(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    count = count_rows(connection, "in_seconds")
    if not count:
        return ()
    return (f"{count:,} of the rows kept tell their time in seconds, the others in milliseconds.",)


def _write_interactions(connection: duckdb.DuckDBPyConnection, stem: Path) -> None:
    write_query(
        connection,
        Path(f"{stem}.inter"),
        tables.headers(INTER),
        f"""SELECT user_id, item_id, rating, time / 1000, {tables.REVIEW_ID}
        FROM rows""",
    )
