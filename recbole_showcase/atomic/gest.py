"""Convert the Gest files: the split with histories, or all reviews with photos as JSON lines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from recbole_showcase.atomic import tables
from recbole_showcase.atomic.account import Account, BrokenLine
from recbole_showcase.atomic.conversion import Run, conversion
from recbole_showcase.atomic.engine import (
    BROKEN,
    TOO_LONG,
    Selection,
    clean_ids,
    first_line,
    read_lines,
    too_long,
    write_query,
)
from recbole_showcase.atomic.options import GestOptions
from recbole_showcase.atomic.schema import INTER
from recbole_showcase.atomic.sources import expand
from recbole_showcase.atomic.splits import arrays_of, as_a_file, has_split
from recbole_showcase.atomic.sql import column_types, identifier, literal
from recbole_showcase.errors import DataError

if TYPE_CHECKING:
    import duckdb

_SHOWN = 300  # characters of what DuckDB says, which may hold all of a row
SPLITS = {"train": "train", "val": "valid", "test": "test"}  # theirs: RecBole's
REASONS = (BROKEN, "no user", "no business", "no rating", "history review seen before", TOO_LONG)
_REVIEW = {
    "user_id": "VARCHAR",
    "business_id": "VARCHAR",
    "rating": "DOUBLE",
    "review_text": "VARCHAR",
    "pics": "JSON",
}
_NO_META = (
    "CREATE TABLE meta AS SELECT '' AS id, '' AS name, ['']::VARCHAR[] AS category, "
    "0.0 AS latitude, 0.0 AS longitude, 0.0 AS price, 0.0 AS avg_rating, 0.0 AS num_reviews LIMIT 0"
)
_NOTES = {
    "time": "Gest tells no times: .inter has no timestamp, its order is that of the source.",
    "split": "The split is kept as RecBole benchmark files: set "
    "benchmark_filename: [train, valid, test] in RecBole's configuration.",
    "cold": "The released valid and test users have no reviews in train other than their history.",
    "rating": "History reviews have no rating; RecBole fills it with the mean.",
}


def convert_gest(file: str | Path, out: str | Path, options: GestOptions | None = None) -> Account:
    """Turn a Gest file (``filter_all_t.json`` or ``image_review_all.json``) into atomic files.

    Args:
        file: The file, plain or gz.
        out: The data set's folder, ``DATA/NAME``.
        options: What to keep. The official split needs ``filter_all_t.json``.

    Returns:
        The account, also written as ``conversion.json``.

    Raises:
        DataError: The file or a folder is missing or unreadable, an option makes no sense,
            nothing is left, or ``out`` is there and not ours to replace.
    """
    options = options or GestOptions()
    out = Path(out)
    source = expand([file], "Gest")[0]
    of_splits = has_split(source)
    split = options.split or ("official" if of_splits else "pooled")
    if split == "official" and not of_splits:
        raise DataError(f"{source} has no split; pooled is the only one it allows")
    options = replace(options, split=split)
    with conversion(out, options) as run:
        broken: tuple[BrokenLine, ...] = ()
        if of_splits:
            _read_split(run, source, options)
        else:
            broken = read_lines(
                run.connection, [source], run.scratch, _REVIEW, _of_line(options), options.limit
            )
        clean_ids(run.connection)
        _drop_known_history(run.connection)
        run.connection.execute(_NO_META)
        selection = Selection(run.connection, REASONS)
        if options.with_text:
            selection.keep_text()
        if options.with_photos:
            tables.find_photos(run.connection, run.folder)
            selection.keep_photos()
        selection.keep_distinct(one_per_pair=False)
        selection.keep_core(options.k_core)
        selection.settle(broken)
        parts = _write_interactions(run.connection, run.stem, split)
        return run.finish(
            "gest",
            selection,
            [source],
            broken,
            parts,
            _notes(options, of_splits),
        )


def _notes(options: GestOptions, of_splits: bool) -> tuple[str, ...]:
    wanted = ["time"]
    if options.split == "official":
        wanted += ["split", "cold"]
    if of_splits and options.history:
        wanted.append("rating")
    return tuple(_NOTES[name] for name in wanted)


def _select(options: GestOptions) -> str:
    """What of a review becomes a row of ``rows``; ``reason`` counts through ``REASONS``."""
    return f"""user_id, business_id AS item_id, NULL::BIGINT AS time, finite(rating) AS rating,
        hash(user_id) AS u, hash(business_id) AS i, part, past,
        CASE WHEN NOT blank(said) THEN said END AS text,
        photo_urls(pics) AS photo_urls,
        CASE WHEN user_id IS NULL AND business_id IS NULL AND rating IS NULL
                  AND review_text IS NULL AND pics IS NULL THEN 0
             WHEN blank(user_id) THEN 1
             WHEN blank(business_id) THEN 2
             WHEN finite(rating) IS NULL AND NOT past THEN 3
             WHEN {too_long("user_id", "business_id")} THEN 5 END::INTEGER AS reason
        FROM (SELECT *, {"english(review_text)" if options.english else "review_text"} AS said"""


def _of_line(options: GestOptions) -> str:
    """The same for a file of one review a line, which has neither parts nor a past."""
    return _select(options).replace("(SELECT *,", "(SELECT *, NULL AS part, false AS past,")


def _read_split(run: Run, source: Path, options: GestOptions) -> None:
    """Read the splits into ``rows``: their reviews, and behind them the history reviews.

    A history review is known by ``<user>_<business>``, the user being that of the row or else what
    stands before the first ``_``, and goes to the training part.

    Raises:
        DataError: The file cannot be read.
    """
    import duckdb

    connection = run.connection
    types = {**_REVIEW, "history_reviews": "VARCHAR[][]"}
    held = ", ".join(f"{identifier(name)} {kind}" for name, kind in types.items())
    connection.execute(f"CREATE TABLE reviews (part VARCHAR, past BOOLEAN, {held})")
    left = options.limit
    for name, blocks in arrays_of(source):
        if left == 0:
            break
        try:
            with as_a_file(blocks) as path:
                added = connection.execute(
                    f"INSERT INTO reviews SELECT '{SPLITS[name]}', false, * FROM read_json("
                    f"{literal(path)}, format='array', compression='uncompressed', "
                    f"columns={column_types(types)}) {'' if left is None else f'LIMIT {left}'}"
                ).fetchall()[0][0]
        except duckdb.Error as error:
            said = first_line(error).replace(f' in file "{path}"', "")[:_SHOWN]
            raise DataError(f"{source} cannot be read: {said}") from error
        left = None if left is None else left - added
    connection.execute(f"CREATE TABLE rows AS SELECT {_select(options)} FROM reviews)")
    if options.history:
        connection.execute(
            f"""
            INSERT INTO rows SELECT {_select(options)} FROM (
                SELECT 'train' AS part, true AS past, told[1][:cut - 1] AS user_id,
                       CASE WHEN cut > 0 THEN told[1][cut + 1:] END AS business_id,
                       NULL::DOUBLE AS rating, told[2] AS review_text, NULL::JSON AS pics
                FROM (SELECT told, CASE WHEN starts_with(told[1], owner || '_')
                             THEN length(owner) + 1 ELSE strpos(told[1], '_') END AS cut
                      FROM (SELECT user_id AS owner, unnest(history_reviews) AS told
                            FROM reviews))))
            """
        )
    connection.execute("DROP TABLE reviews")


def _drop_known_history(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop history reviews that are rows of a split, or were told before."""
    connection.execute(
        """
        UPDATE rows SET reason = 4 WHERE past AND reason IS NULL AND rowid NOT IN (
            SELECT min(rowid) FROM rows AS told WHERE past AND reason IS NULL
            AND NOT EXISTS (SELECT 1 FROM rows AS r WHERE NOT r.past AND r.reason IS NULL
                            AND r.u = told.u AND r.i = told.i)
            GROUP BY u, i)
        """
    )


def _write_interactions(
    connection: duckdb.DuckDBPyConnection, stem: Path, split: str
) -> dict[str, int]:
    """Write ``.inter`` or its three parts; return the rows of each part."""
    query = f"SELECT user_id, item_id, rating, {tables.REVIEW_ID} FROM rows"
    head = tables.headers(INTER.without("timestamp"))
    if split == "pooled":
        write_query(connection, Path(f"{stem}.inter"), head, query)
        return {}
    return {
        part: write_query(
            connection,
            Path(f"{stem}.{part}.inter"),
            head,
            f"{query} WHERE part = '{part}'",
        )
        for part in SPLITS.values()
    }
