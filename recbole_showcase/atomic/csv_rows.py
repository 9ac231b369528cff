"""CSV by stated rules: nothing about a file is guessed but its delimiter, from the header line.

- UTF-8, plain or gz, with or without a byte order mark; the first line names the columns.
- A value that begins with a double quote ends at the next one; a doubled quote inside is a quote,
  and what stands inside may be anything, line ends too. Anywhere else a quote is a quote.
- Nothing is a comment. Empty lines are passed over, and every other row has as many values as the
  header.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TextIO

from recbole_showcase.atomic.sources import LONGEST_LINE, decompressing, open_plain
from recbole_showcase.errors import DataError

DELIMITERS = (",", "\t", ";", "|")


def read_csv_columns(
    path: Path, wanted: Sequence[str], delimiter: str | None = None, size: int = 1 << 17
) -> Iterator[list[tuple[str, ...]]]:
    """Read some columns of a CSV file, ``size`` rows at a time.

    Args:
        path: The file.
        wanted: Names of the columns, in the order wanted.
        delimiter: What separates the columns; ``None``: the first of ``DELIMITERS`` with which the
            header names all that are wanted.
        size: Rows of a block.

    Raises:
        DataError: The file cannot be read, a column is missing or named twice, or a row has another
            number of values than the header; names the line.
    """
    plain, below = open_plain(path)
    with below, plain, decompressing(path):
        text = io.TextIOWrapper(plain, encoding="utf-8-sig", newline="")
        try:
            lines = _lines(path, text)
            names, delimiter = _header(path, next(lines, ""), wanted, delimiter)
            rows = csv.reader(lines, delimiter=delimiter, strict=True)
            places = [names.index(name) for name in wanted]
            kept = _checked(path, rows, len(names), places)
            while block := list(islice(kept, size)):
                yield block
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is not UTF-8: {error}") from error


def csv_columns(path: Path, wanted: Sequence[str], delimiter: str | None = None) -> list[str]:
    """The names of a CSV file's columns, by the rules of :func:`read_csv_columns`.

    Raises:
        DataError: The file cannot be read, or lacks one of the columns ``wanted``.
    """
    plain, below = open_plain(path)
    with below, plain, decompressing(path):
        text = io.TextIOWrapper(plain, encoding="utf-8-sig", newline="")
        try:
            return _header(path, next(_lines(path, text), ""), wanted, delimiter)[0]
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is not UTF-8: {error}") from error


def _lines(path: Path, text: TextIO) -> Iterator[str]:
    """The lines of a file, none of which may fill the memory.

    Raises:
        DataError: A line is too long; names it.
    """
    number = 0
    while line := text.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise DataError(f"{path}, line {number}: longer than {LONGEST_LINE:,} characters")
        yield line


def _header(
    path: Path, line: str, wanted: Sequence[str], delimiter: str | None
) -> tuple[list[str], str]:
    """The columns' names, and what separates them."""
    found: dict[str, list[str]] = {}
    for candidate in DELIMITERS if delimiter is None else (delimiter,):
        try:
            found[candidate] = next(csv.reader([line], delimiter=candidate, strict=True), [])
        except csv.Error as error:
            raise DataError(f"{path}, line 1: {error}") from error
    fitting = [one for one, names in found.items() if set(wanted) <= set(names)]
    chosen = fitting[0] if fitting else max(found, key=lambda one: len(found[one]))
    names = found[chosen]
    for name in wanted:
        if name not in names:
            raise DataError(f"{path} has no column {name!r}; it has {', '.join(names)}")
        if names.count(name) > 1:
            raise DataError(f"{path}, line 1: column {name!r} is named twice")
    return names, chosen


def _checked(
    path: Path, rows: Iterator[list[str]], columns: int, places: Sequence[int]
) -> Iterator[tuple[str, ...]]:
    """The values at some places of every row, each of which must have all columns."""
    line = 2  # where the row begins
    try:
        for row in rows:
            if len(row) != columns and row:
                raise DataError(
                    f"{path}, line {line}: {len(row)} values; the header has {columns} columns"
                )
            if row:
                yield tuple(row[place] for place in places)
            line = rows.line_num + 2  # type: ignore[attr-defined]
    except csv.Error as error:
        raise DataError(f"{path}, line {line}: {error}") from error
