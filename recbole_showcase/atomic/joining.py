"""Ids of two files that a spreadsheet or pandas wrote in two ways: 12 and 12.0, 007 and 7."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recbole_showcase.atomic.engine import count_rows
from recbole_showcase.errors import DataError

if TYPE_CHECKING:
    import duckdb


def join_ids(
    connection: duckdb.DuckDBPyConnection, first: int, files: tuple[Path, Path], must: bool
) -> tuple[str, ...]:
    """Give ids of two files one spelling where they are the same whole numbers.

    That is done for users, and for items, if no two of them have the same number in one file, so
    that it is clear who is meant. The spelling with most leading zeros and without ``.0`` stays.

    Args:
        connection: A DuckDB whose ``rows`` are those of two files, with clean ids.
        first: How many of the rows are explained pairs, which stand before the interactions.
        files: The two files.
        must: Whether it is an error if no explained pair has a user and an item of an interaction.

    Returns:
        Notes for the account.

    Raises:
        DataError: Nothing joins though it must.
    """
    connection.execute(
        f"CREATE TEMP VIEW sided AS SELECT *, rowid < {first} AS explained FROM rows "
        "WHERE reason IS NULL"
    )
    notes = [
        note
        for name, column, key in (("users", "user_id", "u"), ("items", "item_id", "i"))
        if (note := _join(connection, name, column, key))
    ]
    asked = f"reason IS NULL AND rowid < {first}"
    pairs = count_rows(connection, asked)
    others = count_rows(connection, f"reason IS NULL AND rowid >= {first}")
    join = count_rows(
        connection,
        f"""{asked} AND u IN (SELECT u FROM sided WHERE NOT explained)
        AND i IN (SELECT i FROM sided WHERE NOT explained)""",
    )
    if pairs and others and join < pairs:
        said = f"{join:,} of {pairs:,} explained pairs join: their user and item have interactions"
        if not join and must:
            users = [_examples(connection, "user_id", side) for side in ("", "NOT")]
            items = [_examples(connection, "item_id", side) for side in ("", "NOT")]
            told = "; ".join(
                f"{path} has users such as {user}, items such as {item}"
                for path, user, item in zip(files, users, items, strict=True)
            )
            raise DataError(f"{said}, so the two files do not belong together: {told}")
        notes.append(f"{said}.")
    connection.execute("DROP VIEW sided")
    return tuple(notes)


def _join(connection: duckdb.DuckDBPyConnection, name: str, column: str, key: str) -> str | None:
    """Join the ids of one column; return what is to be said about it."""
    connection.execute(
        rf"""
        CREATE OR REPLACE TEMP TABLE numbers AS
        SELECT *, regexp_replace(id, '\.0+$', '') AS whole, ltrim(whole, '0') AS number
        FROM (SELECT DISTINCT {column} AS id, explained FROM sided)
        WHERE regexp_full_match(id, '[0-9]+(\.0+)?')
        """
    )
    apart, doubtful = connection.execute(
        """
        SELECT count(*) FILTER (spellings > 1), coalesce(bool_or(here > 1 OR there > 1), false)
        FROM (SELECT count(DISTINCT id) AS spellings, count(*) FILTER (explained) AS here,
                     count(*) FILTER (NOT explained) AS there
              FROM numbers GROUP BY number)
        """
    ).fetchall()[0]
    if not apart:
        return None
    if doubtful:
        return (
            f"{apart:,} {name} are told apart that are the same as whole numbers, such as 7, 7.0 "
            "and 007: some of them stand in one file, so that it is unclear which ones join."
        )
    connection.execute(
        f"""
        UPDATE rows SET {column} = best, {key} = hash(best)
        FROM (SELECT id, max_by(whole, length(whole)) OVER (PARTITION BY number) AS best
              FROM numbers) WHERE {column} = id AND id <> best
        """
    )
    return (
        f"{apart:,} {name} are spelled in two ways, such as 7 and 7.0 or 007 and 7; they were "
        "joined as whole numbers."
    )


def _examples(connection: duckdb.DuckDBPyConnection, column: str, side: str) -> str:
    rows = connection.execute(
        f"SELECT DISTINCT {column} FROM sided WHERE {side} explained ORDER BY 1 LIMIT 3"
    ).fetchall()
    return ", ".join(repr(row[0]) for row in rows)
