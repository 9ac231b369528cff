"""Which lines of a raw file are broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recbole_showcase.atomic.account import BrokenLine
from recbole_showcase.atomic.sources import Piece

if TYPE_CHECKING:
    import duckdb


def broken_lines(
    connection: duckdb.DuckDBPyConnection,
    piece: Piece,
    before: int,
    wanted: int,
    table: str = "rows",
) -> list[BrokenLine]:
    """Find the first broken lines of a piece.

    Args:
        connection: A DuckDB.
        piece: The piece, on disk.
        before: Rows of the table that stand before those of the piece.
        wanted: The most lines.
        table: Holds a row for each line that is not blank, with ``reason`` 0 where it is broken.
    """
    import numpy as np

    found = connection.execute(
        f"SELECT rowid FROM {table} WHERE rowid >= {before} AND reason = 0 "
        f"ORDER BY 1 LIMIT {wanted}"
    ).fetchall()
    if not found:
        return []
    data = piece.path.read_bytes()
    ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n"))
    starts = np.concatenate(([0], ends[:-1] + 1))
    # Blank lines are no rows; only lines short enough to be blank are looked at.
    blank = [k for k in np.flatnonzero(ends - starts < 8) if not data[starts[k] : ends[k]].strip()]
    lines = np.delete(np.arange(len(ends)), blank)
    return [
        BrokenLine(
            str(piece.source),
            int(piece.first_line + lines[rowid - before]),
            data[starts[lines[rowid - before]] : ends[lines[rowid - before]]][:80].decode(
                errors="replace"
            ),
        )
        for (rowid,) in found
    ]
