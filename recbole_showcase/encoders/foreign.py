"""Features that others made, as files on disk: a matrix, and what each of its rows is of."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recbole_showcase.atomic import read_csv_columns, repeated
from recbole_showcase.encoders.store import read_tokens
from recbole_showcase.errors import FeatureStoreError
from recbole_showcase.files.plain import read_array

_LARGEST_IDS = 1 << 32  # bytes of a file of ids
_WIDEST = 1 << 16  # numbers of a row
_DIGITS = 18  # of the number of a row


@dataclass(frozen=True)
class FeatureFile:
    """Where features are, and where it is said what they are of.

    Attributes:
        features: An ``.npy`` file of numbers (N, D).
        ids: A token a line, one for each row, of photos or reviews.
        items: CSV or tab separated with a header: a token of an item and the number of its row,
            from 0. Such as ``i_id_mapping.csv`` of MMRec.
        item_column: What ``items`` calls the token of an item.
        row_column: What ``items`` calls the number of its row.
    """

    features: Path
    ids: Path | None = None
    items: Path | None = None
    item_column: str = "asin"
    row_column: str = "itemID"

    def __post_init__(self) -> None:
        if (self.ids is None) == (self.items is None):
            raise FeatureStoreError(
                f"{self.features}: one of ids and items says what its rows are of; give one"
            )

    def recorded(self) -> dict[str, Any]:
        """The fields as JSON holds them, paths absolute."""
        values = asdict(self).items()
        return {k: os.path.realpath(v) if isinstance(v, Path) else v for k, v in values}

    def matrix(self) -> np.ndarray:
        """The features (N, D), left on disk.

        Raises:
            FeatureStoreError: It is no such file, is cut off, or holds no matrix of numbers.
        """
        try:
            matrix = read_array(self.features, mapped=True)
        except (OSError, ValueError) as error:
            raise FeatureStoreError(f"{self.features} cannot be read: {error}") from error
        if matrix.ndim != 2 or matrix.dtype.kind not in "fiu" or not 0 < matrix.shape[1] <= _WIDEST:
            raise FeatureStoreError(
                f"{self.features} is {matrix.shape} {matrix.dtype}; a matrix of numbers is meant, "
                f"a row for each photo or item, at most {_WIDEST:,} wide"
            )
        return matrix

    def rows(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """What rows are of.

        Args:
            count: How many rows there are, N.

        Returns:
            Tokens (M,), an object array of str, none twice, and the row of each (M,).

        Raises:
            FeatureStoreError: The file cannot be read, or does not fit the rows.
            DataError: ``items`` is no CSV file, or lacks a column.
        """
        if self.ids is not None:
            tokens = _lines(self.ids)
            if len(tokens) != count:
                raise FeatureStoreError(
                    f"{self.ids} has {len(tokens):,} ids, and {self.features} {count:,} rows; one "
                    "for each is meant"
                )
            rows = np.arange(count)
        else:
            assert self.items is not None
            tokens, rows = self._mapping(self.items, count)
        if (twice := repeated(tokens)) is not None:
            raise FeatureStoreError(f"{self.ids or self.items}: {twice!r} is there twice")
        return tokens, rows

    def _mapping(self, path: Path, count: int) -> tuple[np.ndarray, np.ndarray]:
        if not path.is_file():
            raise FeatureStoreError(f"there is no file {path}")
        blocks = read_csv_columns(path, (self.item_column, self.row_column))
        table = [row for block in blocks for row in block]
        for line, (_, number) in enumerate(table, start=1):
            if not (number.isascii() and number.isdigit()) or len(number) > _DIGITS:
                raise FeatureStoreError(f"{path}, row {line}: {number!r} is no number of a row")
        rows = np.array([int(number) for _, number in table], dtype=np.int64)
        beyond = np.flatnonzero(rows >= count)
        if len(beyond):
            raise FeatureStoreError(
                f"{path}, row {beyond[0] + 1}: {rows[beyond[0]]} is none of the {count:,} rows of "
                f"{self.features}, from 0 on"
            )
        if len(np.unique(rows)) < len(rows):
            values, counts = np.unique(rows, return_counts=True)
            raise FeatureStoreError(f"{path}: row {values[counts > 1][0]} is of two items")
        return np.array([item for item, _ in table], dtype=object), rows


def _lines(path: Path) -> np.ndarray:
    """The lines of a file (N,), an object array of str."""
    try:
        if path.stat().st_size > _LARGEST_IDS:
            raise ValueError(f"it is larger than {_LARGEST_IDS:,} bytes")
        content = path.read_bytes().replace(b"\r\n", b"\n")
        return read_tokens(content).to_numpy(zero_copy_only=False)
    except (OSError, ValueError) as error:
        raise FeatureStoreError(f"{path} cannot be read: {error}") from error
