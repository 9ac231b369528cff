"""A fast reader of atomic files: RecBole's own takes six seconds for a million rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from recbole_showcase.atomic.cleaning import MISSING_MARKS
from recbole_showcase.atomic.schema import Field
from recbole_showcase.atomic.sql import column_types, identifier, interruptible, literal
from recbole_showcase.errors import DataError

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

_BLOCK = 1 << 24
_TAB, _NEWLINE = 9, 10
_NEVER = "\x01"  # stands for a null in no file, so that an empty text stays a text
_BARE_NEWLINE = re.compile(rb"(?<!\r)\n")
_LINE = 1 << 20  # a file with a longer line is read with room for it; DuckDB refuses 2 MB


def read_fields(path: str | Path) -> tuple[Field, ...]:
    """Read the columns of an atomic file from its first line.

    Raises:
        DataError: The file is missing or empty, or its first line is not a header.
    """
    path = Path(path)
    if path.is_dir():
        raise DataError(f"'{path}' is a folder; a file is meant")
    if not path.is_file():
        raise DataError(f"there is no file {path}")
    try:
        with path.open("rb") as file:
            line = file.readline()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    try:
        fields = tuple(Field.parse(head) for head in line.decode().rstrip("\r\n").split("\t"))
    except (DataError, UnicodeDecodeError) as error:
        raise DataError(f"{path}, line 1: {error}") from error
    names = [field.name for field in fields]
    if len(set(names)) != len(names):
        raise DataError(f"{path}, line 1: a column is named twice: {', '.join(names)}")
    return fields


def read_atomic(path: str | Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read an atomic file: tab separated, ``name:type`` header, no quoting.

    Args:
        path: The file.
        columns: Names (without types) of the columns wanted, in the order wanted;
            all of them by default.

    Returns:
        One row a line. ``float`` columns are float64 with NaN where empty; all other
        columns are strings, ``""`` where empty. Sequences stay one string.

    Raises:
        DataError: The file or a column is missing, a row has too few or too many values,
            or a number cannot be read.
    """
    import pandas as pd

    table = read_table(path, columns)
    # A null is a number that is not there: texts have none.
    return pd.DataFrame({name: table[name].to_numpy() for name in table.column_names})


def read_table(path: str | Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read an atomic file as :func:`read_atomic` does, into Arrow's memory.

    Args:
        path: The file.
        columns: As in :func:`read_atomic`.

    Returns:
        One row a line: ``float`` columns are float64, null where empty; all others are
        ``large_string``, which a million texts of take no more than their bytes.

    Raises:
        DataError: As in :func:`read_atomic`.
    """
    with _query_of(path, columns) as found:
        return found.to_arrow_table()


def read_in_parts(path: str | Path, columns: Sequence[str], rows: int) -> Iterator[pa.Table]:
    """Read an atomic file as :func:`read_table` does, in parts of at least so many rows."""
    import pyarrow as pa

    with _query_of(path, columns) as found:
        batches: list[pa.RecordBatch] = []  # of at most so many rows
        for batch in found.to_arrow_reader(rows):
            batches.append(batch)
            if sum(map(len, batches)) >= rows:
                # Nothing here holds what is handed out.
                yield pa.Table.from_batches([batches.pop(0) for _ in range(len(batches))])
        if batches:
            yield pa.Table.from_batches(batches)


@contextmanager
def _query_of(path: str | Path, columns: Sequence[str] | None) -> Iterator[duckdb.DuckDBPyRelation]:
    """A query for columns of a file whose rows were counted; its errors name what is wrong."""
    import duckdb

    path = Path(path)
    fields = read_fields(path)
    types = {field.name: field.type for field in fields}
    wanted = list(types) if columns is None else list(columns)
    for name in wanted:
        if name not in types:
            raise DataError(f"{path} has no column {name!r}; it has {', '.join(types)}")
    longest = _check_rows(path, len(fields))
    with duckdb.connect() as connection, interruptible():
        connection.execute("SET arrow_large_buffer_size = true")
        try:
            yield connection.sql(_query(path, fields, wanted, longest))
        except duckdb.Error as error:
            floats = [name for name in wanted if types[name] == "float"]
            raise _unreadable(connection, path, fields, floats, longest, error) from error


def query_as_written(path: Path) -> str:
    """A DuckDB query for all columns of an atomic file as texts, as they stand in it.

    Raises:
        DataError: The file is missing, or a row has too few or too many values; names the line.
    """
    fields = read_fields(path)
    longest = _check_rows(path, len(fields))
    texts = [Field(field.name, "token") for field in fields]
    return _query(path, texts, [field.name for field in fields], longest)


def line_starts(path: Path) -> np.ndarray:
    """Where each row of an atomic file begins, after the header, in bytes (R,)."""
    found, before = [], 0
    with path.open("rb") as file:
        for block in line_blocks(file):
            found.append(before + 1 + np.flatnonzero(np.frombuffer(block, np.uint8) == _NEWLINE))
            before += len(block)
    # Behind the last line nothing begins.
    return np.concatenate([np.empty(0, dtype=np.int64), *found])[:-1]


def read_columns(
    path: str | Path, columns: Sequence[str], separator: str = "\t", encoding: str = "utf-8"
) -> pd.DataFrame:
    """Read what a file of RecBole's has of some columns; the rest of it may be anything.

    For files that follow RecBole's settings and are not ours to judge: types are not looked at, and
    neither are other columns, nor what a line has beyond the header.

    Args:
        path: The file.
        columns: Names (without types) of the columns wanted.
        separator: RecBole's ``field_separator``.
        encoding: RecBole's ``encoding``; bytes that are none of it become U+FFFD.

    Returns:
        Those of the columns that there are, as strings, ``""`` where empty.

    Raises:
        DataError: The file cannot be read.
    """
    import pandas as pd

    options: dict[str, Any] = {
        "sep": separator,
        "encoding": encoding,
        "encoding_errors": "replace",
        "engine": "c" if len(separator) == 1 else "python",
        "index_col": False,
    }
    try:
        heads = pd.read_csv(path, nrows=0, **options).columns
        found = {str(head): str(head).partition(":")[0] for head in heads}
        kept = [head for head, name in found.items() if name in columns]
        frame = pd.read_csv(
            path, usecols=kept, dtype=str, keep_default_na=False, on_bad_lines="skip", **options
        )
    except (OSError, ValueError, LookupError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    return frame.fillna("").rename(columns=found)


def _query(path: Path, fields: Sequence[Field], wanted: Sequence[str], longest: int) -> str:
    """Return the DuckDB query for some columns; pandas' own parsers take three times as long.

    Everything is read as text, since DuckDB mixes up per-column options once it reads some
    of the columns only.
    """
    types = {field.name: field.type for field in fields}
    marks = literal("|".join(["", *map(re.escape, MISSING_MARKS)]))
    values = [
        # DuckDB makes a join of a list to look in, and a join loses the order of the rows.
        f"coalesce(TRY_CAST({identifier(name)} AS DOUBLE), CASE WHEN NOT "
        f"regexp_full_match({identifier(name)}, {marks}) THEN CAST({identifier(name)} AS DOUBLE) "
        f"END) AS {identifier(name)}"
        if types[name] == "float"
        else identifier(name)
        for name in wanted
    ]
    newline = r"\r\n" if _has_carriage_returns(path) else r"\n"
    columns = column_types(dict.fromkeys(types, "VARCHAR"))
    # Several threads read no file of whose lines only a few are in a buffer.
    room = f", max_line_size={longest + 2}, buffer_size={4 * longest}, parallel=false"
    room = room if longest >= _LINE else ""
    return (
        f"SELECT {', '.join(values)} FROM read_csv({literal(str(path))}, delim='\t', quote='', "
        f"escape='', comment='', nullstr='{_NEVER}', header=false, skip=1, auto_detect=false, "
        f"new_line='{newline}', compression='none', columns={columns}{room})"
    )


def _has_carriage_returns(path: Path) -> bool:
    with path.open("rb") as file:
        return file.readline().endswith(b"\r\n")


def line_blocks(file: BinaryIO) -> Iterator[bytes]:
    """Blocks of a file that end at the end of a line, the last one too where the file does not."""
    rest = b""
    while block := file.read(_BLOCK):
        end = block.rfind(b"\n") + 1
        if end:
            yield rest + block[:end]
            rest = block[end:]
        else:
            rest += block
    if rest:
        yield rest + b"\n"


def _check_rows(path: Path, columns: int) -> int:
    """Check that every row has as many values as the header has columns.

    pandas fills short rows up and, with ``usecols``, cuts long ones, both in silence.

    Returns:
        Bytes of the longest line, its end included.

    Raises:
        DataError: A row has another number of values; names the line.
    """
    seen = longest = 0
    returns = _has_carriage_returns(path)
    with path.open("rb") as file:
        for block in line_blocks(file):
            if block.count(b"\r") != (block.count(b"\r\n") if returns else 0):
                stray = re.search(rb"\r(?!\n)" if returns else rb"\r", block)
                line = seen + 1 + block.count(b"\n", 0, stray.start() if stray else 0)
                raise DataError(
                    f"{path}, line {line}: a carriage return that line 1 does not end with"
                )
            if returns and (bare := _BARE_NEWLINE.search(block[:-1])):
                line = seen + 1 + block.count(b"\n", 0, bare.start())
                raise DataError(
                    f"{path}, line {line}: no carriage return before its end, as line 1 has"
                )
            data = np.frombuffer(block, dtype=np.uint8)
            ends = np.flatnonzero(data == _NEWLINE)
            tabs = np.flatnonzero(data == _TAB)
            if columns == 1 and (np.diff(ends, prepend=-1) == 1).any():
                row = int(np.flatnonzero(np.diff(ends, prepend=-1) == 1)[0])
                raise DataError(f"{path}, line {seen + row + 1}: an empty line")
            if not _regular(ends, tabs, columns - 1):
                counts = np.diff(np.searchsorted(tabs, ends), prepend=0)
                row = int(np.flatnonzero(counts != columns - 1)[0])
                raise DataError(
                    f"{path}, line {seen + row + 1}: {counts[row] + 1} values; "
                    f"the header has {columns} columns"
                )
            seen += len(ends)
            longest = max(longest, int(np.diff(ends, prepend=-1).max(initial=0)))
    return longest


def _regular(ends: np.ndarray, tabs: np.ndarray, per_row: int) -> bool:
    """Whether each line, ending at ``ends`` (R,), holds ``per_row`` of the ``tabs``."""
    if len(tabs) != len(ends) * per_row:
        return False
    if per_row == 0 or len(ends) == 0:
        return True
    rows = tabs.reshape(len(ends), per_row)
    return bool((rows[:, -1] < ends).all() and (rows[1:, 0] > ends[:-1]).all())


def _unreadable(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    fields: Sequence[Field],
    floats: Sequence[str],
    longest: int,
    error: Exception,
) -> DataError:
    """Find the first value that is no number."""
    import duckdb

    try:
        texts = connection.execute(
            _query(path, [Field(f.name, "token") for f in fields], floats, longest)
        ).fetchnumpy()
    except duckdb.Error:
        return DataError(f"{path} cannot be read: {_said(error)}")
    for name in floats:
        for row, value in enumerate(texts[name]):
            if value in MISSING_MARKS or not value:
                continue
            try:
                float(value)
            except ValueError:
                return DataError(f"{path}, line {row + 2}, column {name}: {value!r} is no number")
    return DataError(f"{path} cannot be read: {_said(error)}")


def _said(error: Exception) -> str:
    """What DuckDB says, without the line, however long, and without its advice."""
    lines = [line for line in str(error).splitlines() if not line.startswith("Original Line")]
    return " ".join(lines[:2])[:300]
