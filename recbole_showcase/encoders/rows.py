"""Rows of a feature matrix that grow on disk and survive a kill."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np

from recbole_showcase.errors import FeatureStoreError
from recbole_showcase.files.replace import sync_to_disk


class RowWriter:
    """Writes the rows of one ``.npy`` file, with a journal of what is safely on disk.

    A row counts once the journal says so, and the journal says so only after the row has
    reached the disk. After a kill the rows past the last journal line are written again.

    Attributes:
        done: Candidates dealt with so far: those that became a row and those that were skipped.
        rows: Rows written so far.
        skipped: Candidates that became no row, and why.
    """

    def __init__(self, matrix: Path, journal: Path, most: int, dim: int, dtype: str) -> None:
        """Start a file, or go on with the one that is there.

        Args:
            matrix: The ``.npy`` file.
            journal: The journal beside it, JSON lines.
            most: Rows there is to be room for.
            dim: Width of a row.
            dtype: ``float16`` or ``float32``.

        Raises:
            FeatureStoreError: The disk has no room for the rows.
        """
        self.done = 0
        self.rows = 0
        self.skipped: dict[str, str] = {}
        self._matrix_path = matrix
        self._journal_path = journal
        self._dim = dim
        self._dtype = np.dtype(dtype)
        self._offset = len(self._header(most))
        goes_on = self._read_journal()
        self._matrix: BinaryIO = matrix.open("r+b" if goes_on else "w+b")
        self._journal: BinaryIO = journal.open("ab" if goes_on else "wb")
        if not goes_on:
            self._matrix.write(self._header(most))
        self._reserve(most)

    def __enter__(self) -> RowWriter:
        """Return the writer itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close both files; what is not in the journal does not count."""
        self._matrix.close()
        self._journal.close()

    def commit(self, candidates: int, rows: np.ndarray, skipped: dict[str, str]) -> None:
        """Put rows on disk, then say so in the journal.

        Args:
            candidates: How many candidates these rows and skipped ones came from.
            rows: (n, dim) vectors.
            skipped: Candidates that became no row, and why.
        """
        self._matrix.seek(self._offset + self.rows * self._row_bytes)
        self._matrix.write(np.ascontiguousarray(rows, dtype=self._dtype).tobytes())
        sync_to_disk(self._matrix)
        done, count = self.done + candidates, self.rows + len(rows)
        line = json.dumps({"done": done, "rows": count, "skipped": skipped}) + "\n"
        self._journal.write(line.encode())
        sync_to_disk(self._journal)
        self.done, self.rows = done, count
        self.skipped.update(skipped)

    def finish(self) -> None:
        """Give the file its true number of rows."""
        header = self._header(self.rows)
        if len(header) != self._offset:
            raise FeatureStoreError(f"{self._matrix_path}: the header has changed its length")
        self._matrix.seek(0)
        self._matrix.write(header)
        self._matrix.truncate(self._offset + self.rows * self._row_bytes)
        sync_to_disk(self._matrix)

    @property
    def _row_bytes(self) -> int:
        return self._dim * self._dtype.itemsize

    def _header(self, rows: int) -> bytes:
        # NumPy pads the header so that the number of rows can change in place.
        header = io.BytesIO()
        described = np.lib.format.dtype_to_descr(self._dtype)
        np.lib.format.write_array_header_1_0(
            header, {"shape": (rows, self._dim), "fortran_order": False, "descr": described}
        )
        return header.getvalue()

    def _read_journal(self) -> bool:
        """Take over what an earlier run has done; False if there is nothing to go on with."""
        if not self._journal_path.is_file() or not self._matrix_path.is_file():
            return False
        whole = 0
        with self._journal_path.open("rb") as journal:
            for line in journal:
                try:
                    entry = json.loads(line) if line.endswith(b"\n") else None
                except ValueError:
                    entry = None
                if entry is None:  # a kill in the middle of a line
                    break
                self.done, self.rows = entry["done"], entry["rows"]
                self.skipped.update(entry["skipped"])
                whole += len(line)
        os.truncate(self._journal_path, whole)
        return whole > 0

    def _reserve(self, most: int) -> None:
        """Take the room on disk now, so that a full disk is no surprise hours later."""
        size = self._offset + most * self._row_bytes
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(self._matrix.fileno(), 0, size)
            else:
                self._matrix.truncate(size)
        except OSError as error:
            self._matrix.close()
            self._journal.close()
            raise FeatureStoreError(
                f"{self._matrix_path}: no room for {most} rows ({size:,} bytes): {error}"
            ) from error
