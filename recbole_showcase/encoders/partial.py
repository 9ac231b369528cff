"""A feature store in the making: a folder aside that survives a kill, and rows that grow in it."""

from __future__ import annotations

import io
import json
import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np

from recbole_showcase.encoders.store import FILE_ENDINGS, MODALITIES, Modality, digest_of_file
from recbole_showcase.errors import FeatureStoreError
from recbole_showcase.files.plain import parse_json, read_json
from recbole_showcase.files.replace import put_in_place, sync_to_disk


class PartialStore:
    """A store in the making, beside the place where it will be.

    ``plan.json`` tells what is being made; an interrupted run goes on only with the very
    same plan. The files of the finished store are in ``store``.

    Attributes:
        resumed: Whether an interrupted run with the same plan was found.
        discarded: Whether an interrupted run with another plan was found and thrown away.
    """

    def __init__(self, final: Path, plan: dict[str, Any]) -> None:
        """Go on with what is there if it was made by the same plan, else start over.

        Args:
            final: Folder of the finished store.
            plan: What is being made, in values that JSON holds.
        """
        self._final = final
        self._aside = aside_of(final)
        self._store = self._aside / "store"
        found = self._read_plan()
        self.resumed = found == plan and self._store.is_dir()
        self.discarded = self._aside.exists() and not self.resumed
        if not self.resumed:
            shutil.rmtree(self._aside, ignore_errors=True)
            self._store.mkdir(parents=True)
            _write(self._aside / "plan.json", json.dumps(plan, indent=1).encode())

    def writer(self, modality: Modality, most: int, dim: int, dtype: str) -> RowWriter:
        """Open the rows of a modality; see :class:`RowWriter`."""
        journal = self._aside / f"{modality}.journal"
        return RowWriter(self._store / f"{modality}.npy", journal, most, dim, dtype)

    def write_ids(self, modality: Modality, tokens: np.ndarray, hashes: np.ndarray) -> None:
        """Write the tokens (N,) of the rows and the hashes (N,) of what they were made from."""
        text = "".join(f"{token}\n" for token in tokens)
        _write(self._store / f"{modality}.ids", text.encode())
        with (self._store / f"{modality}.sources.npy").open("wb") as file:
            np.save(file, hashes)
            sync_to_disk(file)

    def digests(self) -> dict[str, str]:
        """The digest of each file by its name, of all that were written."""
        names = [f"{modality}{ending}" for modality in MODALITIES for ending in FILE_ENDINGS]
        written = [name for name in names if (self._store / name).is_file()]
        return {name: digest_of_file(self._store / name) for name in written}

    def publish(self, meta: dict[str, Any]) -> None:
        """Write ``meta.json`` and put the store where it belongs, as a whole."""
        _write(self._store / "meta.json", json.dumps(meta, indent=1, ensure_ascii=False).encode())
        put_in_place(self._store, self._final, self._aside / "old")
        _sync_folder(self._final.parent)
        shutil.rmtree(self._aside)

    def _read_plan(self) -> Any:
        try:
            return read_json(self._aside / "plan.json")
        except (OSError, ValueError):
            return None


def aside_of(final: Path) -> Path:
    """Folder in which the store ``final`` grows."""
    return final.with_name(f".{final.name}.partial")


def restore_old(final: Path) -> None:
    """Put the earlier store back if a run was killed between taking it away and replacing it."""
    old = aside_of(final) / "old"
    if old.exists() and not final.exists():
        os.replace(old, final)


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        sync_to_disk(file)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
                entry = self._entry(line) if line.endswith(b"\n") else None
                if entry is None:  # a kill in the middle of a line, or damage
                    break
                self.done, self.rows = entry["done"], entry["rows"]
                self.skipped.update(entry["skipped"])
                whole += len(line)
        os.truncate(self._journal_path, whole)
        return whole > 0

    def _entry(self, line: bytes) -> dict[str, Any] | None:
        """What a line of the journal says; None if it follows on no line before it."""
        try:
            entry = parse_json(line)
        except ValueError:
            return None
        if not isinstance(entry, dict) or not isinstance(entry.get("skipped"), dict):
            return None
        done, rows = entry.get("done"), entry.get("rows")
        if type(done) is not int or type(rows) is not int:
            return None
        return entry if self.rows <= rows <= done and self.done <= done else None

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
