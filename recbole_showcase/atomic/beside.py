"""Files of JSON lines beside the reviews, metadata and lists of photos: every line is counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from recbole_showcase.atomic.account import told
from recbole_showcase.atomic.broken import broken_lines
from recbole_showcase.atomic.engine import BROKEN, PIECE_BYTES, lines_of
from recbole_showcase.atomic.sources import pieces

if TYPE_CHECKING:
    import duckdb

AGAIN = "listed before"


@dataclass(frozen=True)
class Fates:
    """What became of the lines of some files.

    Attributes:
        what: What the files are, as a note speaks of them.
        counts: How many lines were ``read``, and how many of them are passed over for which reason.
        first: The first broken line, to stand in a note.
    """

    what: str
    counts: dict[str, int]
    first: str = ""

    @property
    def left(self) -> int:
        """How many lines are passed over for no reason so far."""
        return 2 * self.counts["read"] - sum(self.counts.values())

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of broken lines."""
        broken = self.counts[BROKEN]
        said = f"{broken:,} broken lines of the {self.what} are passed over{self.first}."
        return (said,) if broken else ()


def read_beside(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    what: str,
    files: Sequence[Path],
    scratch: Path,
    fields: Mapping[str, str],
    reasons: Mapping[str, str],
) -> Fates:
    """Read JSON lines into a table, but for those that there is a reason to pass over.

    Args:
        connection: A DuckDB.
        table: The table to make, with the fields as columns.
        what: What the files are.
        files: gz or plain files; may be none.
        scratch: Folder for their pieces.
        fields: What is read of a line, and the DuckDB types; a line with none of them is broken.
        reasons: SQL over ``fields`` of each reason, in the order they are tried.
    """
    nothing = " AND ".join(f"{name} IS NULL" for name in fields)
    typed = ", ".join(f"NULL::{kind} AS {name}" for name, kind in fields.items())
    names = [BROKEN, *reasons]
    cases = " ".join(f"WHEN {test} THEN {n}" for n, test in enumerate([nothing, *reasons.values()]))
    counts, first = dict.fromkeys(["read", *names], 0), ""
    connection.execute(f"CREATE TEMP TABLE {table} AS SELECT {typed} LIMIT 0")
    for piece in pieces(files, scratch, PIECE_BYTES, None):
        connection.execute(
            f"""CREATE OR REPLACE TEMP TABLE lines AS
            SELECT *, CASE {cases} END AS reason FROM {lines_of(piece, fields)}"""
        )
        found = connection.execute("SELECT reason, count(*) FROM lines GROUP BY 1").fetchall()
        for reason, count in found:
            counts["read"] += count
            if reason is not None:
                counts[names[reason]] += count
        if counts[BROKEN] and not first:
            broken = told(broken_lines(connection, piece, 0, 1, "lines"))
            first = broken.replace("broken lines:", "the first is")
        connection.execute(
            f"INSERT INTO {table} SELECT * EXCLUDE reason FROM lines WHERE reason IS NULL"
        )
        piece.path.unlink()
    connection.execute("DROP TABLE IF EXISTS lines")
    return Fates(what, counts, first)
