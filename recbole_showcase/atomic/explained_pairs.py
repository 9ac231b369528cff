"""Convert interactions and explained pairs: a CSV of (user, item), and rows of explanations.

The layout of the data released with XRec (Ma, Ren, Huang, EMNLP Findings 2024): a text for some
(user, item) pairs that says why the user would like the item, and a profile in words of each
user and item that has such a text.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from recbole_showcase.atomic import tables
from recbole_showcase.atomic.account import Account, BrokenLine, told
from recbole_showcase.atomic.conversion import conversion
from recbole_showcase.atomic.csv_rows import read_csv_columns
from recbole_showcase.atomic.engine import (
    BROKEN,
    TOO_LONG,
    Selection,
    clean_ids,
    count_rows,
    read_lines,
    too_long,
    write_query,
)
from recbole_showcase.atomic.joining import join_ids
from recbole_showcase.atomic.options import ExplainedPairsOptions
from recbole_showcase.atomic.pickled_pairs import ENDINGS, read_pickled_pairs
from recbole_showcase.atomic.schema import INTER, PROFILED_REVIEW
from recbole_showcase.atomic.sources import expand
from recbole_showcase.atomic.sql import identifier
from recbole_showcase.errors import DataError

if TYPE_CHECKING:
    import duckdb

PARTS = ("train", "valid", "test")
REASONS = (
    BROKEN,
    "no user",
    "no item",
    "no explanation",
    "pair explained before",
    "interaction of an explained pair",
    TOO_LONG,
)
_EXPLANATION = "explanation"
_DESCRIPTIONS = ("title", "user_summary", "item_summary")
_FIELDS = (*_DESCRIPTIONS, _EXPLANATION)
_NOTES = {
    "split": "The split is kept as RecBole benchmark files: set "
    "benchmark_filename: [train, valid, test] in RecBole's configuration.",
    "text": "Explanations stand in .review as text and as explanation, since there is no other "
    "text of the pair.",
    "profiles": "Summaries of users and items are profiles in .review; whether they were written "
    "without the held-out reviews is for the source to say.",
}


def convert_explained_pairs(
    interactions: str | Path,
    pairs: str | Path,
    out: str | Path,
    options: ExplainedPairsOptions | None = None,
) -> Account:
    """Turn interactions and explained pairs into atomic files with a fixed split.

    Args:
        interactions: CSV with a header, plain or gz: one (user, item) a row.
        pairs: JSON lines, plain or gz, or a pickled frame of pandas (.pkl, .pickle), of which
            nothing is called, with the user, the item, ``explanation``, and where known ``title``,
            ``user_summary`` and ``item_summary``.
        out: The data set's folder, ``DATA/NAME``.
        options: Columns, sizes of the split, and what to keep.

    Returns:
        The account, also written as ``conversion.json``.

    Raises:
        DataError: A file is missing or unreadable or lacks a column, an option makes no sense,
            there are fewer explained pairs than asked for, nothing is left, or ``out`` is there
            and not ours to replace.
    """
    options = options or ExplainedPairsOptions()
    out = Path(out)
    table = expand([interactions], "interactions")[0]
    lines = expand([pairs], "explained pairs")[0]
    with conversion(out, options) as run:
        broken = _read_pairs(run.connection, lines, run.scratch, options)
        explained = count_rows(run.connection, "true")
        _read_interactions(run.connection, table, options)
        clean_ids(run.connection)
        notes = join_ids(run.connection, explained, (lines, table), options.limit is None)
        _drop_known_pairs(run.connection)
        selection = Selection(run.connection, REASONS)
        selection.keep_distinct(one_per_pair=False)
        selection.keep_core(options.k_core)
        selection.settle(broken)
        options = _assign_parts(run.connection, lines, options, broken)
        _describe_items(run.connection)
        counts = _write_interactions(run.connection, run.stem)
        return replace(run, options=options).finish(
            "explained-pairs",
            selection,
            [table, lines],
            broken,
            counts,
            (*_notes(run.connection, options), *notes),
            reviews=_write_reviews if options.profiles else _write_explanations,
        )


def _read_pairs(
    connection: duckdb.DuckDBPyConnection, path: Path, scratch: Path, options: ExplainedPairsOptions
) -> tuple[BrokenLine, ...]:
    """Begin ``rows`` with the explained pairs, in the order of the file; tell broken lines.

    Raises:
        DataError: The file cannot be read, or a pickle of it holds something else.
    """
    ids, select = (options.pair_user, options.pair_item), _pair(options)
    if path.suffix not in ENDINGS:
        types = dict.fromkeys((*ids, *_FIELDS), "VARCHAR")
        return read_lines(connection, [path], scratch, types, select, options.limit)
    frame = read_pickled_pairs(path, (*ids, _EXPLANATION), _DESCRIPTIONS)[: options.limit]
    connection.register("pairs", frame)
    connection.execute(f"CREATE TABLE rows AS SELECT {select} FROM pairs)")
    connection.unregister("pairs")
    return ()


def _pair(options: ExplainedPairsOptions) -> str:
    """What of an explained pair becomes a row; ``reason`` counts through ``REASONS``."""
    user, item = identifier(options.pair_user), identifier(options.pair_item)
    said = " AND ".join(f"{name} IS NULL" for name in (user, item, *_FIELDS))
    return f"""{user} AS user_id, {item} AS item_id, NULL::BIGINT AS time,
        hash({user}) AS u, hash({item}) AS i, 'train' AS part, explanation AS text,
        title, user_summary, item_summary, NULL::VARCHAR[] AS photo_urls,
        CASE WHEN {said} THEN 0
             WHEN blank({user}) THEN 1
             WHEN blank({item}) THEN 2
             WHEN blank(explanation) THEN 3
             WHEN {too_long(user, item)} THEN 6 END::INTEGER AS reason
        FROM (SELECT *"""


def _read_interactions(
    connection: duckdb.DuckDBPyConnection, path: Path, options: ExplainedPairsOptions
) -> None:
    """Put the interactions behind the explained pairs in ``rows``.

    Raises:
        DataError: The file cannot be read, a column is missing, or a row has another length.
    """
    import pandas as pd

    columns = (options.user_column, options.item_column)
    left = options.limit
    for block in read_csv_columns(path, columns, options.delimiter):
        frame = pd.DataFrame(block[:left], columns=["user_id", "item_id"], dtype=object)
        connection.register("block", frame)
        connection.execute(
            f"""INSERT INTO rows BY NAME
            SELECT user_id, item_id, hash(user_id) AS u, hash(item_id) AS i, 'train' AS part,
                   CASE WHEN blank(user_id) THEN 1 WHEN blank(item_id) THEN 2
                        WHEN {too_long("user_id", "item_id")} THEN 6 END AS reason
            FROM block"""
        )
        connection.unregister("block")
        left = None if left is None else left - len(frame)
        if left == 0:
            break


def _drop_known_pairs(connection: duckdb.DuckDBPyConnection) -> None:
    """Of each pair keep one row: its first explanation, in place of the interaction."""
    connection.execute(
        """
        CREATE TEMP TABLE explained AS SELECT u, i, min(rowid) AS first FROM rows
        WHERE reason IS NULL AND text IS NOT NULL GROUP BY u, i;
        UPDATE rows SET reason = CASE WHEN text IS NULL THEN 5 ELSE 4 END
        FROM explained AS e
        WHERE rows.u = e.u AND rows.i = e.i AND rows.reason IS NULL AND rows.rowid <> e.first;
        DROP TABLE explained
        """
    )


def _assign_parts(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    options: ExplainedPairsOptions,
    broken: tuple[BrokenLine, ...],
) -> ExplainedPairsOptions:
    """Give each explained pair its part, in the order of the MD5 of its ids.

    The first are the test part, the next the valid part, then come those to train on: a smaller
    training part leaves the others as they are. Another fold begins as many test parts later, and
    the order goes on from the last pair to the first. Pairs left over stay interactions without a
    text.

    Raises:
        DataError: There are fewer pairs than the parts ask for, or too few for the fold.
    """
    count = count_rows(connection, "text IS NOT NULL")
    held_out = options.test + options.valid
    train = count - held_out if options.train is None else options.train
    if train < 1 or held_out + train > count:
        raise DataError(
            f"{path}: {count} explained pairs are left, which is too few for "
            f"{max(train, 1)} to train on, {options.valid} valid and {options.test} test ones"
            + told(broken)
        )
    before = options.fold * options.test
    if before + options.test > count:
        raise DataError(
            f"{path}: {count} explained pairs are left, which make {count // options.test} folds "
            f"of {options.test} test pairs: fold {options.fold} must be below that"
        )
    connection.execute(
        f"""
        CREATE TEMP TABLE placed AS
        SELECT rid, (place + {count - before}) % {count} + 1 AS n
        FROM (SELECT rowid AS rid,
                     row_number() OVER (ORDER BY md5(user_id || chr(9) || item_id)) - 1 AS place
              FROM rows WHERE text IS NOT NULL);
        UPDATE rows SET
            part = CASE WHEN n <= {options.test} THEN 'test'
                        WHEN n <= {held_out} THEN 'valid' ELSE 'train' END,
            text = CASE WHEN n <= {held_out + train} THEN text END
        FROM placed WHERE rows.rowid = rid;
        DROP TABLE placed
        """
    )
    return replace(options, train=train)


def _describe_items(connection: duckdb.DuckDBPyConnection) -> None:
    """Make ``meta`` of the titles."""
    connection.execute(
        """
        CREATE TABLE meta AS
        SELECT item_id AS id, arg_min(title, rowid) AS name, NULL::VARCHAR[] AS category,
               NULL::DOUBLE AS latitude, NULL::DOUBLE AS longitude, NULL::DOUBLE AS price,
               NULL::DOUBLE AS avg_rating, NULL::DOUBLE AS num_reviews
        FROM rows WHERE title IS NOT NULL GROUP BY item_id
        """
    )


def _write_interactions(connection: duckdb.DuckDBPyConnection, stem: Path) -> dict[str, int]:
    """Write the three parts of ``.inter``; return the rows of each."""
    head = tables.headers(INTER.without("rating", "timestamp"))
    query = f"""SELECT user_id, item_id, CASE WHEN text IS NOT NULL THEN {tables.REVIEW_ID} END
        FROM rows WHERE part = """
    return {
        part: write_query(connection, Path(f"{stem}.{part}.inter"), head, f"{query}'{part}'")
        for part in PARTS
    }


_EXPLANATIONS = f"""SELECT {tables.REVIEW_ID}, clean(text), clean(text), NULL, NULL
    FROM rows WHERE text IS NOT NULL"""


def _profiles(of: str) -> str:
    """The first summary of each user or item, under a review_id such as ``user-7``."""
    owner = f"{of}_id"
    owners = f"{owner}, NULL" if of == "user" else f"NULL, {owner}"
    return f"""SELECT '{of}-' || {owner}, said, NULL, {owners} FROM (
        SELECT {owner}, clean(arg_min({of}_summary, rowid)) AS said, min(rowid) AS place
        FROM rows WHERE NOT blank({of}_summary) GROUP BY {owner} ORDER BY place)"""


def _write_explanations(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Write ``.review`` without profiles."""
    return write_query(connection, path, tables.headers(PROFILED_REVIEW), _EXPLANATIONS)


def _write_reviews(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Write ``.review``: the explanations, then the profiles of users, then those of items."""
    query = " UNION ALL ".join([_EXPLANATIONS, _profiles("user"), _profiles("item")])
    return write_query(connection, path, tables.headers(PROFILED_REVIEW), query)


def _notes(
    connection: duckdb.DuckDBPyConnection, options: ExplainedPairsOptions
) -> tuple[str, ...]:
    notes = [_NOTES["split"], _NOTES["text"]]
    if not options.profiles:
        return tuple(notes)
    notes.append(_NOTES["profiles"])
    for of in ("user", "item"):
        several = connection.execute(
            f"""SELECT count(*) FROM (SELECT {of}_id FROM rows WHERE NOT blank({of}_summary)
            GROUP BY {of}_id HAVING count(DISTINCT {of}_summary) > 1)"""
        ).fetchall()[0][0]
        if several:
            notes.append(f"{several} {of}s have several summaries; the first of each is kept.")
    return tuple(notes)
