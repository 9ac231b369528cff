"""A fast reader of atomic files: RecBole's own takes six seconds for a million rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from recbole_showcase.atomic.cleaning import MISSING_MARKS
from recbole_showcase.atomic.schema import Field
from recbole_showcase.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

_BLOCK = 1 << 24
_TAB, _NEWLINE = 9, 10


def read_fields(path: str | Path) -> tuple[Field, ...]:
    """Read the columns of an atomic file from its first line.

    Raises:
        DataError: The file is missing or empty, or its first line is not a header.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"there is no file {path}")
    with path.open("rb") as file:
        line = file.readline()
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

    path = Path(path)
    fields = read_fields(path)
    types = {field.name: field.type for field in fields}
    wanted = list(types) if columns is None else list(columns)
    for name in wanted:
        if name not in types:
            raise DataError(f"{path} has no column {name!r}; it has {', '.join(types)}")
    _check_rows(path, len(fields))
    floats = [name for name in wanted if types[name] == "float"]
    options: dict[str, object] = {
        "sep": "\t",
        "header": None,
        "names": list(types),
        "skiprows": 1,
        "usecols": wanted,
        "quoting": 3,
        "skip_blank_lines": False,
        "keep_default_na": False,
        "na_values": {name: ["", *MISSING_MARKS] for name in floats},
        "encoding": "utf-8",
        "engine": "c",
        "lineterminator": None if _has_carriage_returns(path) else "\n",
        "float_precision": "round_trip",
    }
    dtypes = {name: "float64" if name in floats else "str" for name in wanted}
    try:
        frame = pd.read_csv(path, dtype=dtypes, **options)  # type: ignore[call-overload]
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8: {error}") from error
    except (ValueError, pd.errors.ParserError) as error:
        raise _unreadable(path, options, floats, error) from error
    return frame[wanted]


def _has_carriage_returns(path: Path) -> bool:
    with path.open("rb") as file:
        return file.readline().endswith(b"\r\n")


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    """Yield blocks that end at the end of a line (the last one: of the file)."""
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


def _check_rows(path: Path, columns: int) -> None:
    """Check that every row has as many values as the header has columns.

    pandas fills short rows up and, with ``usecols``, cuts long ones, both in silence.

    Raises:
        DataError: A row has another number of values; names the line.
    """
    seen = 0
    with path.open("rb") as file:
        for block in _blocks(file):
            data = np.frombuffer(block, dtype=np.uint8)
            ends = np.flatnonzero(data == _NEWLINE)
            tabs = np.flatnonzero(data == _TAB)
            if not _regular(ends, tabs, columns - 1):
                counts = np.diff(np.searchsorted(tabs, ends), prepend=0)
                row = int(np.flatnonzero(counts != columns - 1)[0])
                raise DataError(
                    f"{path}, line {seen + row + 1}: {counts[row] + 1} values; "
                    f"the header has {columns} columns"
                )
            seen += len(ends)


def _regular(ends: np.ndarray, tabs: np.ndarray, per_row: int) -> bool:
    """Whether each line, ending at ``ends`` (R,), holds ``per_row`` of the ``tabs``."""
    if len(tabs) != len(ends) * per_row:
        return False
    if per_row == 0 or len(ends) == 0:
        return True
    rows = tabs.reshape(len(ends), per_row)
    return bool((rows[:, -1] < ends).all() and (rows[1:, 0] > ends[:-1]).all())


def _unreadable(
    path: Path, options: dict[str, object], floats: list[str], error: Exception
) -> DataError:
    """Find the first value that is no number."""
    import pandas as pd

    frame = pd.read_csv(path, dtype=str, **options)  # type: ignore[call-overload]
    for name in floats:
        bad = frame[name].notna() & pd.to_numeric(frame[name], errors="coerce").isna()
        if bad.any():
            row = int(np.flatnonzero(bad.to_numpy())[0])
            return DataError(
                f"{path}, line {row + 2}, column {name}: {frame[name].iloc[row]!r} is no number"
            )
    return DataError(f"{path} cannot be read: {error}")
