"""Who and what is asked for: files that name users or pairs, read in blocks and checked first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from recbole_showcase.arguments import check_file
from recbole_showcase.encoders.store import digest_of_file
from recbole_showcase.errors import DataError
from recbole_showcase.files.plain import parse_json

ENDINGS = (".csv", ".parquet", ".jsonl")
_BLOCK_ROWS = 8192


@dataclass(frozen=True)
class Asked:
    """Users or pairs of a file, in its order.

    Attributes:
        path: The file.
        columns: ``user``, and ``item`` where it names pairs.
        rows: How many there are.
        digest: SHA-256 of the file.
    """

    path: Path
    columns: tuple[str, ...]
    rows: int
    digest: str

    @classmethod
    def of_file(cls, path: Path, columns: tuple[str, ...]) -> Asked:
        """Read a file once from end to end, so that a bad row is found before the work begins.

        Args:
            path: CSV, Parquet or JSON lines, by its ending.
            columns: The columns wanted; there may be others.

        Raises:
            DataError: If it is missing or of another kind, lacks a column, or a row lacks a value.
        """
        check_file(DataError, "file", path)
        if path.suffix not in ENDINGS:
            raise DataError(f"'{path}' ends with '{path.suffix}'; allowed: {', '.join(ENDINGS)}")
        rows = 0
        for block in _blocks(path, columns):
            for name in columns:
                if (column := block[name]).null_count:
                    place = rows + column.to_pylist().index(None) + 1
                    raise DataError(f"{path}, row {place}: there is no '{name}'")
            rows += len(block)
        return cls(path, columns, rows, digest_of_file(path))

    def batches(self, size: int, skip: int = 0) -> Iterator[pa.Table]:
        """The rows behind the first ``skip``, ``size`` at a time, the last ones fewer."""
        return in_batches(_blocks(self.path, self.columns), size, skip)


def in_batches(blocks: Iterable[pa.RecordBatch], size: int, skip: int = 0) -> Iterator[pa.Table]:
    """Cut blocks of any length into tables of ``size`` rows, without the first ``skip`` rows."""
    held: list[pa.RecordBatch] = []
    room = size
    for block in blocks:
        dropped = min(skip, len(block))
        skip, block = skip - dropped, block.slice(dropped)
        while len(block):
            held.append(block.slice(0, room))
            room, block = room - len(held[-1]), block.slice(room)
            if not room:
                yield pa.Table.from_batches(held)
                held, room = [], size
    if held:
        yield pa.Table.from_batches(held)


def _blocks(path: Path, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    """The columns as texts, some thousand rows at a time."""
    read = {".csv": _of_csv, ".parquet": _of_parquet, ".jsonl": _of_json_lines}[path.suffix]
    try:
        yield from read(path, columns)
    # A damaged Parquet is an OSError of Arrow's; names of columns may be no text, as in a zip.
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {' '.join(str(error).split())[:300]}") from error


def _of_csv(path: Path, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    with pa.csv.open_csv(path) as head:
        _check_columns(path, columns, head.schema.names)
    texts = pa.csv.ConvertOptions(
        column_types=dict.fromkeys(columns, pa.string()),
        include_columns=list(columns),
        strings_can_be_null=False,
    )
    with pa.csv.open_csv(path, convert_options=texts) as reader:
        yield from reader


def _of_parquet(path: Path, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        _check_columns(path, columns, schema.names)
        for name in columns:
            kind = schema.field(name).type
            value = kind.value_type if pa.types.is_dictionary(kind) else kind
            texts = pa.types.is_string(value) or pa.types.is_large_string(value)
            if not texts and not pa.types.is_integer(value):
                raise DataError(
                    f"{path}: column '{name}' is of {kind}; allowed: texts or whole numbers"
                )
        for block in file.iter_batches(_BLOCK_ROWS, columns=list(columns)):
            arrays = [block[name].cast(pa.string()) for name in columns]
            yield pa.RecordBatch.from_arrays(arrays, names=list(columns))


def _of_json_lines(path: Path, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    schema = pa.schema([(name, pa.string()) for name in columns])
    rows: list[list[str]] = []
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            rows.append(_values(f"{path}, line {number}", line, columns))
            if len(rows) == _BLOCK_ROWS:
                yield pa.RecordBatch.from_arrays(
                    [*map(pa.array, zip(*rows, strict=True))], schema=schema
                )
                rows = []
    if rows:
        yield pa.RecordBatch.from_arrays([*map(pa.array, zip(*rows, strict=True))], schema=schema)


def _values(place: str, line: bytes, columns: tuple[str, ...]) -> list[str]:
    """What a line of JSON has of some columns."""
    try:
        found: Any = parse_json(line)
    except ValueError as error:
        raise DataError(f"{place}: no JSON: {error}") from error
    if not isinstance(found, dict):
        raise DataError(f"{place}: a {type(found).__name__}; allowed: an object")
    values = []
    for name in columns:
        value = found.get(name)
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise DataError(f"{place}: '{name}' is {value!r}; allowed: a text or a whole number")
        values.append(str(value))
    return values


def _check_columns(path: Path, columns: tuple[str, ...], there: list[str]) -> None:
    for name in columns:
        if there.count(name) != 1:
            raise DataError(
                f"{path} has {there.count(name)} columns '{name}'; it has {', '.join(there)}"
            )
