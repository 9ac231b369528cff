"""Convert Google Local 2021 (reviews and metadata as JSON lines, one file a state)."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from recbole_showcase.atomic import tables
from recbole_showcase.atomic.account import Account, BrokenLine, told
from recbole_showcase.atomic.broken import broken_lines
from recbole_showcase.atomic.conversion import Run, conversion
from recbole_showcase.atomic.engine import (
    BROKEN,
    PIECE_BYTES,
    TOO_LONG,
    Selection,
    clean_ids,
    count_rows,
    lines_of,
    on_a_cursor,
    read_lines,
    too_long,
    write_query,
)
from recbole_showcase.atomic.options import GoogleLocalOptions
from recbole_showcase.atomic.regions import STATES, state_codes
from recbole_showcase.atomic.schema import INTER
from recbole_showcase.atomic.sources import Piece, expand, first_row, pieces
from recbole_showcase.atomic.sql import literal
from recbole_showcase.errors import DataError

if TYPE_CHECKING:
    import duckdb

REASONS = (
    BROKEN,
    "no user",
    "no business",
    "no time",
    "no rating",
    "outside the time range",
    TOO_LONG,
)
RESTAURANTS = (
    r"\b(restaurant|cafe|café|coffee shop|diner|bistro|brasserie|pizza|pizzeria|steak house"
    r"|bar & grill|gastropub|pub|deli|sandwich shop|bakery|bagel shop|ice cream shop"
    r"|dessert shop|food court|food truck|tea house|creperie|chophouse)\b"
)
_REVIEW = {
    "user_id": "VARCHAR",
    "gmap_id": "VARCHAR",
    "time": "DOUBLE",
    "rating": "DOUBLE",
    "text": "VARCHAR",
    "pics": "JSON",
}
_META = {
    "gmap_id": "VARCHAR",
    "name": "VARCHAR",
    "category": "VARCHAR[]",
    "latitude": "DOUBLE",
    "longitude": "DOUBLE",
    "price": "VARCHAR",
    "avg_rating": "DOUBLE",
    "num_of_reviews": "DOUBLE",
    "address": "VARCHAR",
}
# Milliseconds, as released, unless that is 1970 to 1973; as seconds it is 1973 to 5138.
_IN_SECONDS = "(time BETWEEN 1e8 AND 1e11)"
_NO_BUSINESS = " AND ".join(f"{name} IS NULL" for name in _META)
_NO_META = ", ".join(f"NULL::{kind} AS {name}" for name, kind in _META.items())


def convert_google_local(
    reviews: Sequence[str | Path],
    meta: Sequence[str | Path],
    out: str | Path,
    options: GoogleLocalOptions | None = None,
) -> Account:
    """Turn reviews and metadata of Google Local 2021 into atomic files.

    Args:
        reviews: Review files, gz or plain, by name or pattern.
        meta: Metadata files, likewise; may be none.
        out: The data set's folder, ``DATA/NAME``.
        options: What to keep.

    Returns:
        The account, also written as ``conversion.json``.

    Raises:
        DataError: A file or folder is missing or unreadable, an option makes no sense,
            nothing is left, or ``out`` is there and not ours to replace.
    """
    options = options or GoogleLocalOptions()
    out = Path(out)
    review_files = expand(reviews, "review")
    meta_files = expand(meta, "metadata")
    if not review_files:
        raise DataError("no review file is given")
    if options.needs_meta and not meta_files:
        raise DataError("categories, states and require-meta need metadata files")
    _refuse_swapped(review_files, meta_files)
    with conversion(out, options) as run:
        broken = read_lines(
            run.connection, review_files, run.scratch, _REVIEW, _select(options), options.limit
        )
        clean_ids(run.connection)
        with ThreadPoolExecutor(1) as pool:
            meta_read = on_a_cursor(
                pool, run.connection, partial(_read_meta, files=meta_files, scratch=run.scratch)
            )
            selection = _choose(run, options, broken, meta_read)
        return run.finish(
            "google-local",
            selection,
            review_files + meta_files,
            broken,
            notes=(*_notes(run.connection), *meta_read.result()),
            beside=[partial(_write_interactions, stem=run.stem)],
        )


def _refuse_swapped(reviews: Sequence[Path], meta: Sequence[Path]) -> None:
    """Tell metadata from reviews by their first lines: a review alone has a user.

    Raises:
        DataError: A file is given as what it is not.
    """
    for path in reviews:
        keys = first_row(path).keys()
        if "user_id" not in keys and keys & _META.keys() - _REVIEW.keys():
            raise DataError(
                f"{path} is metadata of businesses, and is given as reviews: its first line has "
                "no 'user_id'; name it with --meta, and the reviews with --reviews"
            )
    for path in meta:
        if "user_id" in first_row(path):
            raise DataError(
                f"{path} holds reviews, and is given as metadata: its first line has a 'user_id'; "
                "name it with --reviews, and the metadata with --meta"
            )


def _select(options: GoogleLocalOptions) -> str:
    """What of a line becomes a row of ``rows``; ``reason`` counts through ``REASONS``."""
    since, until = options.moment("since"), options.moment("until")
    outside = " OR ".join(
        ([f"time < {since}"] if since is not None else [])
        + ([f"time >= {until}"] if until is not None else [])
    )
    return f"""user_id, gmap_id AS item_id, time, in_seconds, finite(rating) AS rating,
        hash(user_id) AS u, hash(gmap_id) AS i,
        CASE WHEN NOT blank(said) THEN said END AS text,
        photo_urls(pics) AS photo_urls,
        CASE WHEN user_id IS NULL AND gmap_id IS NULL AND told_time IS NULL AND rating IS NULL
                  AND text IS NULL AND pics IS NULL THEN 0
             WHEN blank(user_id) THEN 1
             WHEN blank(gmap_id) THEN 2
             WHEN time IS NULL THEN 3
             WHEN finite(rating) IS NULL THEN 4
             WHEN {outside or "false"} THEN 5
             WHEN {too_long("user_id", "gmap_id")} THEN 6 END AS reason
        FROM (SELECT * EXCLUDE time, time AS told_time, {_IN_SECONDS} AS in_seconds,
                     TRY_CAST(round(time * CASE WHEN {_IN_SECONDS} THEN 1000 ELSE 1 END) AS BIGINT)
                         AS time,
                     {"english(text)" if options.english else "text"} AS said"""


def _read_meta(
    connection: duckdb.DuckDBPyConnection, files: Sequence[Path], scratch: Path
) -> tuple[str, ...]:
    """Make ``meta`` of the businesses in ``rows``; of a business listed twice the first row.

    Returns:
        What is to be said of the files: how many of their lines are broken, and which is the first.
    """
    broken, first = 0, ""
    connection.execute(
        f"""
        CREATE TEMP TABLE wanted AS SELECT DISTINCT i FROM rows WHERE reason IS NULL;
        CREATE TEMP TABLE told AS SELECT {_NO_META} LIMIT 0
        """
    )
    for piece in pieces(files, scratch, PIECE_BYTES, None):
        connection.execute(
            f"""INSERT INTO told FROM {lines_of(piece, _META)}
            WHERE hash(clean(gmap_id)) IN (FROM wanted) OR ({_NO_BUSINESS})"""
        )
        gone = connection.execute(f"DELETE FROM told WHERE {_NO_BUSINESS}").fetchall()[0][0]
        if gone and not broken:
            first = _first_broken(connection, piece)
        broken += gone
        piece.path.unlink()
    connection.execute(
        """
        CREATE TABLE meta AS
        SELECT clean(gmap_id) AS id, name, category, latitude, longitude,
               length(price)::DOUBLE AS price, avg_rating, num_of_reviews AS num_reviews, address
        FROM told QUALIFY row_number() OVER (PARTITION BY id ORDER BY told.rowid) = 1;
        DROP TABLE wanted;
        DROP TABLE told
        """
    )
    return (f"{broken:,} broken lines of the metadata are passed over{first}.",) if broken else ()


def _first_broken(connection: duckdb.DuckDBPyConnection, piece: Piece) -> str:
    """The first broken line of a piece of metadata that has one, to stand in a note."""
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE lines AS
        SELECT CASE WHEN {_NO_BUSINESS} THEN 0 END AS reason FROM {lines_of(piece, _META)}"""
    )
    found = told(broken_lines(connection, piece, 0, 1, "lines"))
    connection.execute("DROP TABLE lines")
    return found.replace("broken lines:", "the first is")


def _choose(
    run: Run,
    options: GoogleLocalOptions,
    broken: tuple[BrokenLine, ...],
    meta_read: Future[tuple[str, ...]],
) -> Selection:
    """Make ``kept`` of the rows that stay, reason by reason; wait for ``meta`` if need be."""
    connection = run.connection
    selection = Selection(connection, REASONS)
    if options.needs_meta:
        meta_read.result()
        _keep_businesses(connection, selection, "no metadata of the business", "true")
    if options.categories:
        _keep_businesses(connection, selection, "other category", _of_category(options.categories))
    if options.states:
        _keep_businesses(connection, selection, "other state", _in_state(options.states))
    if options.with_text:
        selection.keep_text()
    if options.with_photos:
        tables.find_photos(connection, run.folder)
        selection.keep_photos()
    selection.keep_distinct(options.one_per_pair)
    selection.keep_core(options.k_core)
    meta_read.result()
    selection.settle(broken)
    return selection


def _keep_businesses(
    connection: duckdb.DuckDBPyConnection, selection: Selection, reason: str, condition: str
) -> None:
    selection.keep(
        reason,
        f"""FROM kept WHERE i IN (SELECT hash(id) FROM meta WHERE {condition})""",
    )


def _of_category(categories: Sequence[str]) -> str:
    wanted = [c.casefold() for c in categories if c.casefold() != "restaurants"]
    names = ", ".join(map(literal, wanted))
    tests = [f"lower(c) IN ({names})"] if wanted else []
    if len(wanted) < len(categories):
        tests.append(f"regexp_matches(lower(c), {literal(RESTAURANTS)})")
    return f"list_bool_or([{' OR '.join(tests)} FOR c IN category])"


def _in_state(states: Sequence[str]) -> str:
    codes = state_codes(states)
    short = rf"(^|,| )({'|'.join(codes)})( \d{{5}}(-\d{{4}})?)?"
    # Behind a bare space the name may be the end of a longer one: West Virginia.
    long = rf"(^|, ?)({'|'.join(STATES[code] for code in codes)})"
    return f"regexp_matches(address, {literal(rf'({short}|{long})(, (USA|United States))?$')})"


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
