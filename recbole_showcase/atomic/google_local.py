"""Convert Google Local 2021 (reviews and metadata as JSON lines, one file a state)."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from recbole_showcase.atomic import tables
from recbole_showcase.atomic.account import Account
from recbole_showcase.atomic.conversion import Run, conversion
from recbole_showcase.atomic.engine import (
    BROKEN,
    Selection,
    clean_ids,
    on_a_cursor,
    read_lines,
    write_query,
)
from recbole_showcase.atomic.options import GoogleLocalOptions
from recbole_showcase.atomic.regions import STATES, state_codes
from recbole_showcase.atomic.schema import INTER
from recbole_showcase.atomic.sources import expand
from recbole_showcase.atomic.sql import column_types, literal
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
)
RESTAURANTS = (
    r"\b(restaurant|cafe|café|coffee shop|diner|bistro|brasserie|pizza|pizzeria|steak house"
    r"|bar & grill|gastropub|pub|deli|sandwich shop|bakery|bagel shop|ice cream shop"
    r"|dessert shop|food court|food truck|tea house|creperie|chophouse)\b"
)
_REVIEW = {
    "user_id": "VARCHAR",
    "gmap_id": "VARCHAR",
    "time": "BIGINT",
    "rating": "DOUBLE",
    "text": "VARCHAR",
    "pics": "STRUCT(url VARCHAR[])[]",
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
    with conversion(out, options) as run:
        broken = read_lines(
            run.connection, review_files, run.scratch, _REVIEW, _select(options), options.limit
        )
        clean_ids(run.connection, "user_id", "gmap_id")
        with ThreadPoolExecutor(1) as pool:
            meta_read = on_a_cursor(pool, run.connection, partial(_read_meta, files=meta_files))
            selection = _choose(run, options, meta_read)
        return run.finish(
            "google-local",
            selection,
            review_files + meta_files,
            "gmap_id",
            broken,
            beside=[partial(_write_interactions, stem=run.stem)],
        )


def _select(options: GoogleLocalOptions) -> str:
    """What of a line becomes a row of ``rows``; ``reason`` counts through ``REASONS``."""
    since, until = options.moment("since"), options.moment("until")
    outside = " OR ".join(
        ([f"time < {since}"] if since is not None else [])
        + ([f"time >= {until}"] if until is not None else [])
    )
    return f"""user_id, gmap_id, time, rating, hash(user_id) AS u, hash(gmap_id) AS i,
        CASE WHEN NOT blank(said) THEN said END AS text,
        flatten([photo.url FOR photo IN pics]) AS photo_urls,
        CASE WHEN user_id IS NULL AND gmap_id IS NULL AND time IS NULL AND rating IS NULL
                  AND text IS NULL AND pics IS NULL THEN 0
             WHEN blank(user_id) THEN 1
             WHEN blank(gmap_id) THEN 2
             WHEN time IS NULL THEN 3
             WHEN rating IS NULL THEN 4
             WHEN {outside or "false"} THEN 5 END AS reason
        FROM (SELECT *, {"english(text)" if options.english else "text"} AS said"""


def _read_meta(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> None:
    """Make ``meta`` of the businesses in ``rows``; of a business listed twice the first row."""
    import duckdb

    names = ", ".join(literal(str(path)) for path in files)
    source = (
        f"read_json([{names}], format='newline_delimited', columns={column_types(_META)}, "
        "ignore_errors=true)"
        if files
        else f"(SELECT {_NO_META} LIMIT 0)"
    )
    try:
        connection.execute(
            f"""
            CREATE TABLE meta AS
            SELECT id, name, category, latitude, longitude, length(price)::DOUBLE AS price,
                   avg_rating, num_of_reviews AS num_reviews, address
            FROM (SELECT *, clean(gmap_id) AS id, row_number() OVER () AS place FROM {source})
            WHERE hash(id) IN (SELECT i FROM rows WHERE reason IS NULL)
            QUALIFY row_number() OVER (PARTITION BY id ORDER BY place) = 1
            """
        )
    except duckdb.Error as error:
        raise DataError(f"the metadata files cannot be read: {error}") from error


def _choose(run: Run, options: GoogleLocalOptions, meta_read: Future[None]) -> Selection:
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
        tables.find_photos(connection, run.folder, "gmap_id")
        selection.keep_photos()
    selection.keep_distinct(options.one_per_pair)
    selection.keep_core(options.k_core)
    meta_read.result()
    selection.settle()
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


def _write_interactions(connection: duckdb.DuckDBPyConnection, stem: Path) -> None:
    write_query(
        connection,
        Path(f"{stem}.inter"),
        tables.headers(INTER),
        f"""SELECT user_id, gmap_id, rating, time / 1000, {tables.REVIEW_ID}
        FROM rows""",
    )
