"""Splits that come as numbers of rows: ``train.index``, ``validation.index``, ``test.index``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recbole_showcase.errors import DataError

PARTS = {"train": "train.index", "valid": "validation.index", "test": "test.index"}
_LARGEST = 1 << 30  # bytes of a file of numbers


@dataclass(frozen=True)
class Fold:
    """Which part each row belongs to.

    Attributes:
        parts: The number of the part in ``PARTS`` of each row, -1 for a row in none (N,), int8.
        files: The files that say so.
    """

    parts: np.ndarray
    files: tuple[Path, ...]


def read_fold(folder: Path, rows: int) -> Fold:
    """Read a split.

    Args:
        folder: Holds the three files: numbers of rows from 0, with white space between.
        rows: How many rows there are.

    Raises:
        DataError: A file is missing or holds anything else, a number is none of a row, or a row
            stands twice, in one part or in two.
    """
    parts = np.full(rows, -1, dtype=np.int8)
    files = tuple(folder / name for name in PARTS.values())
    for number, path in enumerate(files):
        index = _numbers(path)
        wrong = index[(index < 0) | (index >= rows)]
        if len(wrong):
            raise DataError(f"{path}: row {wrong[0]} is none of the {rows:,} rows, from 0 on")
        again = index[parts[index] >= 0]
        if len(again):
            other = files[parts[again[0]]].name
            raise DataError(f"{path}: row {again[0]} is in {other} as well; parts share no row")
        if len(np.unique(index)) < len(index):
            values, counts = np.unique(index, return_counts=True)
            raise DataError(f"{path}: row {values[counts > 1][0]} is there twice")
        parts[index] = number
    return Fold(parts, files)


def _numbers(path: Path) -> np.ndarray:
    """The numbers of a file (M,), int64.

    Raises:
        DataError: It is missing or holds anything else.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise DataError(f"{path} is larger than {_LARGEST:,} bytes")
        words = path.read_bytes().split()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    for word in words:
        if not word.isdigit() or len(word) > 18:
            shown = word[:40].decode(errors="replace")
            raise DataError(f"{path}: {shown!r} is no number of a row; allowed: 0, 1, 2 and so on")
    return np.array(words, dtype=np.bytes_).astype(np.int64) if words else np.empty(0, np.int64)
