"""Tables of anybody's, CSV or Parquet, as tables of DuckDB: some columns by name, as texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recbole_showcase.atomic.csv_rows import csv_columns, read_csv_columns
from recbole_showcase.atomic.engine import first_line
from recbole_showcase.atomic.sql import identifier, literal
from recbole_showcase.errors import DataError

if TYPE_CHECKING:
    import duckdb

_PARQUET_MAGIC = b"PAR1"
TIME = "timestamp"


def read_table_file(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    path: Path,
    required: Sequence[str],
    optional: Sequence[str],
    delimiter: str | None = None,
) -> frozenset[str]:
    """Make a table of a file, with all columns as texts, null where the file has none.

    Args:
        connection: A DuckDB.
        table: The table to make.
        path: Parquet, or CSV by the rules of :mod:`recbole_showcase.atomic.csv_rows`, gz too.
        required: Columns that the file must have.
        optional: Columns that it may have.
        delimiter: What separates the columns of a CSV file; ``None``: as its header shows.

    Returns:
        The columns that the file has, of those asked for.

    Raises:
        DataError: The file is missing or damaged, or lacks a column.
    """
    if not path.is_file():
        raise DataError(f"there is no file {path}")
    names = [*required, *optional]
    held = ", ".join(f"{identifier(name)} VARCHAR" for name in names)
    connection.execute(f"CREATE TABLE {table} ({held})")
    with path.open("rb") as file:
        parquet = file.read(len(_PARQUET_MAGIC)) == _PARQUET_MAGIC
    if parquet:
        return _read_parquet(connection, table, path, required, names)
    found = csv_columns(path, required, delimiter)
    there = [name for name in names if name in found]
    _read_csv(connection, table, path, there, delimiter)
    return frozenset(there)


def _read_csv(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    path: Path,
    names: Sequence[str],
    delimiter: str | None,
) -> None:
    import pandas as pd

    for block in read_csv_columns(path, names, delimiter):
        frame = pd.DataFrame(block, columns=list(names), dtype=object)
        connection.register("block", frame)
        connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM block")
        connection.unregister("block")


def _read_parquet(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    path: Path,
    required: Sequence[str],
    names: Sequence[str],
) -> frozenset[str]:
    import duckdb

    source = f"read_parquet({literal(str(path))})"
    try:
        told = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
        kinds = {str(name): str(kind) for name, kind, *_ in told}
        for name in required:
            if name not in kinds:
                raise DataError(f"{path} has no column {name!r}; it has {', '.join(kinds)}")
        columns = [
            f"CAST({_seconds(name, kinds[name])} AS VARCHAR) AS {identifier(name)}"
            for name in names
            if name in kinds
        ]
        connection.execute(f"INSERT INTO {table} BY NAME SELECT {', '.join(columns)} FROM {source}")
    except duckdb.Error as error:
        raise DataError(f"{path} cannot be read: {first_line(error)}") from error
    return frozenset(name for name in names if name in kinds)


def _seconds(name: str, kind: str) -> str:
    """A column as SQL; a moment as seconds since 1970."""
    return f"epoch({identifier(name)})" if kind.startswith(TIME.upper()) else identifier(name)
