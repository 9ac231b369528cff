"""The DuckDB side that the converters share: rows come in, are selected, and go out as files.

``rows`` holds every line read, with a ``reason`` where a line is dropped for what it says
itself. ``kept`` holds the surviving rows by number and two 64-bit keys, so that repeated rows,
the latest of a pair and the k-core are found without moving texts.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from recbole_showcase.atomic.account import SHOWN_LINES, BrokenLine, told
from recbole_showcase.atomic.broken import broken_lines
from recbole_showcase.atomic.cleaning import sql_macros
from recbole_showcase.atomic.schema import LONGEST_ID
from recbole_showcase.atomic.sources import Piece, pieces
from recbole_showcase.atomic.sql import column_types, identifier, literal
from recbole_showcase.console import progress_bar
from recbole_showcase.errors import DataError

if TYPE_CHECKING:
    import duckdb

_Result = TypeVar("_Result")
PIECE_BYTES = 1 << 26
OBJECT_BYTES = 1 << 20  # of a line to begin with; DuckDB takes more where it needs more
_SETTLED_TOGETHER = 1 << 22  # rows whose ids are in memory at once
BROKEN = "broken line"
REPEATED = "repeated row"
OLDER = "older review of the pair"
TOO_LONG = "id too long for RecBole"


def connect(scratch: Path, memory_limit: str, threads: int | None) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB that spills to ``scratch`` and knows the cleaning macros.

    Raises:
        DataError: The memory limit or the number of threads is none.
    """
    import duckdb

    scratch.mkdir(parents=True, exist_ok=True)
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory_limit,
        "temp_directory": str(scratch / "spill"),
        "checkpoint_threshold": "1TB",  # nothing to restart from: checkpoints would cost for naught
    }
    if threads is not None:
        config["threads"] = threads
    try:
        connection = duckdb.connect(config=config)
    except duckdb.Error as error:
        raise DataError(
            f"memory limit {memory_limit!r} or threads {threads!r} cannot be used "
            f"(expected such as 1GB, and a positive number): {error}"
        ) from error
    connection.execute(sql_macros())
    return connection


def too_long(*ids: str) -> str:
    """Whether one of the ids, given as SQL, has more bytes than RecBole reads characters."""
    return " OR ".join(f"strlen({one}) > {LONGEST_ID}" for one in ids)


class Selection:
    """Rows of ``rows`` that are still in, and how many left for which reason."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, reasons: Sequence[str]) -> None:
        """Start from the rows without a reason to be dropped.

        Args:
            connection: Holds ``rows`` with columns u, i (UBIGINT keys), time, reason.
            reasons: The text of each number that ``rows.reason`` may be, in order.
        """
        self._connection = connection
        counts = dict(
            connection.execute("SELECT reason, count(*) FROM rows GROUP BY ALL").fetchall()
        )
        self.rows_read = sum(counts.values())
        self.dropped = {text: counts.get(i, 0) for i, text in enumerate(reasons)}
        connection.execute(
            "CREATE TABLE kept AS SELECT rowid AS rid, u, i, time FROM rows WHERE reason IS NULL"
        )
        self.size: int = counts.get(None, 0)

    def keep(self, reason: str, query: str) -> None:
        """Replace ``kept`` by the result of ``query``; what is missing left for ``reason``."""
        self._connection.execute(f"CREATE TABLE kept_next AS {query}")
        self._connection.execute("DROP TABLE kept; ALTER TABLE kept_next RENAME TO kept")
        size = int(self._connection.execute("SELECT count(*) FROM kept").fetchall()[0][0])
        self.dropped[reason] = self.dropped.get(reason, 0) + self.size - size
        self.size = size

    def keep_distinct(self, one_per_pair: bool) -> None:
        """Drop repeats of (user, item, time), then all but the latest row of a pair if asked to."""
        self._connection.execute(
            """
            CREATE TABLE crowd AS
            SELECT rid,
                   row_number() OVER (PARTITION BY u, i, time ORDER BY rid) AS copy,
                   dense_rank() OVER (PARTITION BY u, i ORDER BY time DESC NULLS LAST) AS age
            FROM kept SEMI JOIN
                 (SELECT u, i FROM kept GROUP BY u, i HAVING count(*) > 1) USING (u, i)
            """
        )
        for reason, condition in (
            (REPEATED, "copy > 1"),
            (OLDER, f"copy = 1 AND age > 1 AND {one_per_pair}"),
        ):
            self._take_off(reason, f"SELECT rid FROM crowd WHERE {condition}")
        self._connection.execute("DROP TABLE crowd")

    def _take_off(self, reason: str, rids: str) -> None:
        """Delete some rows from ``kept``; cheaper than ``keep`` where they are few."""
        taken = self._connection.execute(f"DELETE FROM kept WHERE rid IN ({rids})").fetchall()[0][0]
        self.dropped[reason] = self.dropped.get(reason, 0) + taken
        self.size -= taken

    def keep_text(self) -> None:
        """Drop rows without a text."""
        self.keep(
            "no text",
            "SELECT kept.* FROM kept JOIN rows ON rows.rowid = rid WHERE text IS NOT NULL",
        )

    def keep_photos(self) -> None:
        """Drop rows without a photo that is there."""
        self.keep(
            "no photo", "FROM kept WHERE rid IN (SELECT rid FROM photos WHERE path IS NOT NULL)"
        )

    def keep_items(self, reason: str, condition: str) -> None:
        """Drop rows of items that fail a condition over the table ``meta``, or are not in it."""
        items = f"SELECT hash(id) FROM meta WHERE {condition}"
        self.keep(reason, f"FROM kept WHERE i IN ({items})")

    def settle(self, broken: Sequence[BrokenLine] = ()) -> None:
        """Delete all other rows, so that the files are written from ``rows`` in its order.

        A scan of one table keeps its order whatever the memory; a join may not.

        Args:
            broken: The first broken lines, which an error shows.

        Raises:
            DataError: No row is left.
        """
        if self.size == 0:
            why = ", ".join(f"{reason} {n:,}" for reason, n in self.dropped.items() if n)
            raise DataError(
                f"no row is left of {self.rows_read:,}, so nothing is written"
                + (f"; dropped: {why}" if why else "")
                + told(broken)
            )
        run = self._connection.execute
        (end,) = run("SELECT 1 + max(rowid) FROM rows").fetchall()[0]
        for start in range(0, end, _SETTLED_TOGETHER):
            part = f"BETWEEN {start} AND {start + _SETTLED_TOGETHER - 1}"
            kept = f"SELECT rid FROM kept WHERE rid {part}"
            run(f"DELETE FROM rows WHERE rowid {part} AND rowid NOT IN ({kept})")

    def keep_core(self, k: int) -> None:
        """Keep the largest part in which every user and every item has ``k`` rows or more.

        Rows are counted once; each round then looks only for those that lost their place, and
        takes them off the counts of the other side.
        """
        if k < 2:
            return
        run = self._connection.execute
        run("CREATE TABLE u_count AS SELECT u, count(*) AS n FROM kept GROUP BY u")
        run("CREATE TABLE i_count AS SELECT i, count(*) AS n FROM kept GROUP BY i")
        reason = f"outside the {k}-core"
        before = -1
        while self.size != before:
            before = self.size
            run(
                f"""
                CREATE TABLE leaving AS FROM kept
                WHERE u IN (SELECT u FROM u_count WHERE n < {k})
                   OR i IN (SELECT i FROM i_count WHERE n < {k});
                DELETE FROM u_count WHERE n < {k};
                DELETE FROM i_count WHERE n < {k};
                UPDATE u_count SET n = n - lost FROM
                    (SELECT u, count(*) AS lost FROM leaving GROUP BY u) AS l
                    WHERE u_count.u = l.u;
                UPDATE i_count SET n = n - lost FROM
                    (SELECT i, count(*) AS lost FROM leaving GROUP BY i) AS l
                    WHERE i_count.i = l.i;
                """
            )
            self._take_off(reason, "SELECT rid FROM leaving")
            run("DROP TABLE leaving")
        run("DROP TABLE u_count; DROP TABLE i_count")


def read_lines(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[Path],
    scratch: Path,
    types: Mapping[str, str],
    select: str,
    limit: int | None = None,
) -> tuple[BrokenLine, ...]:
    """Read JSON lines into ``rows`` while the next piece is being decompressed.

    Args:
        connection: A DuckDB.
        files: gz or plain files.
        scratch: Folder for the pieces.
        types: The fields read and their DuckDB types.
        select: What of a line becomes a row, up to the inner FROM of one level of brackets;
            a line is broken where ``reason`` is 0.
        limit: Read this many lines only.

    Returns:
        The first broken lines.

    Raises:
        DataError: A file cannot be decompressed or read.
    """
    import duckdb

    broken: list[BrokenLine] = []
    rows = 0
    sizes = {path: path.stat().st_size for path in files}
    verb = "CREATE TABLE rows AS"
    with progress_bar(total=sum(sizes.values()), unit="B", unit_scale=True, desc="read") as bar:
        done = 0
        current = files[0]
        for piece in pieces(files, scratch, PIECE_BYTES, limit):
            if piece.source != current:
                done += sizes[current]
                current = piece.source
            try:
                added = connection.execute(
                    f"{verb} SELECT {select} FROM {lines_of(piece, types)})"
                ).fetchall()[0][0]
            except duckdb.Error as error:
                raise DataError(f"{piece.source} cannot be read: {first_line(error)}") from error
            verb = "INSERT INTO rows"
            if len(broken) < SHOWN_LINES:
                broken += broken_lines(connection, piece, rows, SHOWN_LINES - len(broken))
            rows += added
            piece.path.unlink()
            bar.update(done + piece.position - bar.n)
    return tuple(broken)


def first_line(error: Exception) -> str:
    """What went wrong, without DuckDB's advice."""
    return str(error).partition("\n")[0]


def lines_of(piece: Piece, types: Mapping[str, str]) -> str:
    """Some fields of a piece of JSON lines, as SQL after FROM; all null where a line is broken."""
    return (
        f"read_json({literal(str(piece.path))}, format='newline_delimited', "
        f"columns={column_types(types)}, ignore_errors=true, compression='uncompressed', "
        f"maximum_object_size={OBJECT_BYTES})"
    )


def clean_ids(connection: duckdb.DuckDBPyConnection) -> None:
    """Clean the ids in ``rows``; looks at each id once, since hardly any needs it.

    That two of a hundred million users share a key is a matter of one in several thousand.
    They would be one user to the search for repeated rows and for the latest of a pair, to
    the k-core and to the number of users; and an unclean id would go unseen behind a clean one.
    """
    for column, key in (("user_id", "u"), ("item_id", "i")):
        connection.execute(
            f"""
            CREATE TEMP TABLE dirty AS SELECT key FROM (
                SELECT {key} AS key, any_value({column}) AS id FROM rows
                WHERE reason IS NULL GROUP BY {key}) WHERE id <> clean(id)
            """
        )
        if connection.execute("SELECT count(*) FROM dirty").fetchall()[0][0]:
            connection.execute(
                f"UPDATE rows SET {column} = clean({column}), {key} = hash(clean({column})) "
                f"WHERE {key} IN (SELECT key FROM dirty)"
            )
        connection.execute("DROP TABLE dirty")


def on_a_cursor(
    pool: Executor,
    connection: duckdb.DuckDBPyConnection,
    task: Callable[[duckdb.DuckDBPyConnection], _Result],
) -> Future[_Result]:
    """Start a task on a connection of its own to the same database.

    One statement seldom keeps all cores busy to its end; several at once do.
    """

    def run() -> _Result:
        with connection.cursor() as own:
            own.execute(sql_macros())  # they belong to a connection
            return task(own)

    return pool.submit(run)


def count_rows(connection: duckdb.DuckDBPyConnection, condition: str) -> int:
    """How many rows of ``rows`` fulfil a condition."""
    return int(connection.execute(f"SELECT count(*) FROM rows WHERE {condition}").fetchall()[0][0])


def write_query(
    connection: duckdb.DuckDBPyConnection, path: Path, header: Sequence[str], query: str
) -> int:
    """Write a query's rows (values already clean) under a header; return how many.

    The lines are put together in the query, since the CSV writer looks at every value for
    something to quote, and at one a line faster than at five.
    """
    names = [f"c{number}" for number in range(len(header))]
    head = "\t".join(header)
    lines = (
        f"SELECT concat({', chr(9), '.join(names)}) AS {identifier(head)} "
        f"FROM ({query}) AS t({', '.join(names)})"
    )
    rows = connection.execute(
        f"COPY ({lines}) TO {literal(os.fspath(path))} "
        "(FORMAT csv, DELIMITER '\t', QUOTE '', ESCAPE '', HEADER true)"
    ).fetchall()
    return int(rows[0][0])
