"""The ``.review`` file as a stream of rows, and the same file with another explanation column."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from recbole_showcase.atomic import REVIEW, read_fields
from recbole_showcase.errors import DataError
from recbole_showcase.files.replace import replaced


@dataclass
class ReviewRow:
    """One line of ``.review``, as bytes, so that what is not changed stays as it is.

    Attributes:
        values: The values of all columns.
        ending: What ends the line.
        at: Where review_id, text and explanation are among the values.
    """

    values: list[bytes]
    ending: bytes
    at: tuple[int, ...]

    @property
    def review_id(self) -> str:
        """Token of the review."""
        return self.values[self.at[0]].decode()

    @property
    def text(self) -> str:
        """The whole review."""
        return self.values[self.at[1]].decode()

    @property
    def explanation(self) -> str:
        """The column that distillation fills."""
        return self.values[self.at[2]].decode()

    @property
    def size(self) -> int:
        """Bytes of the line."""
        return sum(len(value) + 1 for value in self.values) - 1 + len(self.ending)

    def line(self, explanation: str) -> bytes:
        """The line with another explanation, which must be clean (see ``atomic.cleaning``)."""
        values = list(self.values)
        values[self.at[2]] = explanation.encode()
        return b"\t".join(values) + self.ending


def find_columns(path: Path) -> tuple[int, ...]:
    """Where review_id, text and explanation are among the columns of a ``.review`` file.

    Raises:
        DataError: The file or one of the three is missing.
    """
    names = [field.name for field in read_fields(path)]
    missing = [name for name in REVIEW.names if name not in names]
    if missing:
        raise DataError(f"{path} has no column {missing[0]!r}; it has {', '.join(names)}")
    return tuple(names.index(name) for name in REVIEW.names)


def read_rows(path: Path) -> Iterator[ReviewRow]:
    """Read the rows of a ``.review`` file one by one.

    Raises:
        DataError: The file or a column is missing, a row has too few or too many values, or is
            no UTF-8; names file and line.
    """
    at, columns = find_columns(path), len(read_fields(path))
    with path.open("rb") as file:
        next(file)
        for number, line in enumerate(file, start=2):
            body = line.rstrip(b"\r\n")
            values = body.split(b"\t")
            if len(values) != columns:
                raise DataError(
                    f"{path}, line {number}: {len(values)} values; the header has {columns} columns"
                )
            try:
                body.decode()
            except UnicodeDecodeError as error:
                raise DataError(f"{path}, line {number}: {error}") from error
            yield ReviewRow(values, line[len(body) :], at)


def in_blocks(rows: Iterable[ReviewRow], size: int) -> Generator[list[ReviewRow], None, None]:
    """Put ``size`` rows together at a time; the last block may be shorter."""
    rows = iter(rows)
    while block := list(islice(rows, size)):
        yield block


@contextmanager
def rewritten(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write beside ``path`` that takes its place at the end, or not at all.

    It begins with the header of the old one.
    """
    with replaced(path, sync=True) as partial:
        with partial.open("wb") as file, path.open("rb") as old:
            file.write(old.readline())
            yield file
        shutil.copymode(path, partial)
