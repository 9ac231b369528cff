"""The rows of a table that is to join another, and why those that do not are passed over."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recbole_showcase.atomic.sql import literal
from recbole_showcase.atomic.table_files import TIME
from recbole_showcase.errors import DataError

if TYPE_CHECKING:
    import duckdb


class Told:
    """The rows of a table in ``told``, and the first reason of each not to be taken."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Start with rows that there is no reason against."""
        self._connection = connection
        self.fates: dict[str, int] = {"read": self._count("true")}
        connection.execute("ALTER TABLE told ADD COLUMN fate VARCHAR")

    def drop(self, fate: str, condition: str) -> None:
        """Drop the rows that are left and fulfil a condition."""
        marked = self._connection.execute(
            f"UPDATE told SET fate = {literal(fate)} WHERE fate IS NULL AND ({condition})"
        ).fetchall()
        self.fates[fate] = int(marked[0][0])

    def drop_repeats(self, fate: str, key: str) -> None:
        """Of the rows that are left and have the same key, drop all but the first."""
        self.drop(
            fate,
            f"""rowid IN (SELECT r FROM (
                SELECT rowid AS r, row_number() OVER (PARTITION BY {key} ORDER BY rowid) AS nth
                FROM told WHERE fate IS NULL AND {key} IS NOT NULL) WHERE nth > 1)""",
        )

    def finish(self, path: Path, what: str) -> dict[str, int]:
        """The fates of all rows.

        Raises:
            DataError: None is left, though there are some.
        """
        self.fates["kept"] = self._count("fate IS NULL")
        if self.fates["read"] and not self.fates["kept"]:
            why = ", ".join(
                f"{fate} {n:,}" for fate, n in self.fates.items() if n and fate != "read"
            )
            raise DataError(
                f"{path}: none of {self.fates['read']:,} {what} joins ({why}){self._examples()}"
            )
        return self.fates

    def _count(self, condition: str) -> int:
        query = f"SELECT count(*) FROM told WHERE {condition}"
        return int(self._connection.execute(query).fetchall()[0][0])

    def _examples(self) -> str:
        """Ids of both sides, of which one may be written otherwise."""
        found = []
        for table, side in (("pairs", "the interactions"), ("told", "it")):
            row = self._connection.execute(
                f"SELECT user_id, item_id, time / 1000 FROM {table} LIMIT 1"
            ).fetchall()[0]
            told = zip(("user", "item", TIME), row, strict=True)
            said = ", ".join(f"{name} {str(value)[:50]!r}" for name, value in told if value)
            found.append(f"{side} has {said}" if side == "it" else f"{side} have {said}")
        return "; ".join(["", *found])
