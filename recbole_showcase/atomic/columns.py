"""Columns of millions of texts: found again by their tokens, and read where they are asked for.

As Python objects, the ids and paths of four million photos take a gigabyte.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, overload

import numpy as np

from recbole_showcase.atomic.reader import read_fields
from recbole_showcase.errors import DataError

if TYPE_CHECKING:
    from typing import TypeAlias

    import pandas as pd
    import pyarrow as pa

    Tokens: TypeAlias = (
        pa.Array | pa.ChunkedArray | pd.arrays.ArrowExtensionArray | np.ndarray | Sequence[str]
    )


def positions(tokens: Tokens, among: Tokens) -> np.ndarray:
    """Where each token stands among others.

    Args:
        tokens: M of them, repeated ones too.
        among: N of them, none twice.

    Returns:
        (M,) int64, -1 for a token that is not there.
    """
    import pyarrow.compute as pc

    wanted, known = as_arrow(tokens), as_arrow(among)
    if wanted.equals(known):
        return np.arange(len(wanted))  # files that were written side by side
    found = pc.index_in(wanted, value_set=known).fill_null(-1)
    return found.to_numpy(zero_copy_only=False).astype(np.int64)


def repeated(tokens: Tokens) -> str | None:
    """The first token that is there twice; None if there is none."""
    import pyarrow.compute as pc

    known = as_arrow(tokens)
    # Three times as fast as counting the different ones.
    first = pc.index_in(known, value_set=known).to_numpy()
    again = first[first != np.arange(len(known))]
    return str(known[int(again.min())]) if len(again) else None


def as_arrow(tokens: Tokens) -> pa.Array:
    """Tokens as one Arrow array of ``large_string``."""
    import pyarrow as pa

    if not isinstance(tokens, (pa.Array, pa.ChunkedArray)):
        tokens = pa.array(tokens, type=pa.large_string(), from_pandas=False)
    if isinstance(tokens, pa.ChunkedArray):
        tokens = tokens.combine_chunks()
    return tokens.cast(pa.large_string())


def as_texts(*parts: Tokens) -> pd.arrays.ArrowExtensionArray:
    """Tokens, part after part, as an array that is indexed as NumPy's are and holds no objects."""
    import pandas as pd
    import pyarrow as pa

    return pd.arrays.ArrowExtensionArray(pa.concat_arrays([as_arrow(part) for part in parts]))


class StoredColumn:
    """A text column of an atomic file that stays on disk, for rows in an order of one's own.

    Pickles as the place of the file, not as its content. A file that was written anew since the
    column was looked for is refused when it is first read: its lines begin elsewhere.
    """

    def __init__(
        self, path: Path, name: str, starts: np.ndarray, otherwise: str | None = None
    ) -> None:
        """Look for the column.

        Args:
            path: The file; it need not be there for no rows.
            name: The column, without its type.
            starts: Where the rows begin, of those that ``line_starts`` gives; -1 for a row that is
                not there, whose text is empty (M,).
            otherwise: The column to read where the first is empty.

        Raises:
            DataError: The file has no such column.
        """
        self._path, self._starts = path, starts
        wanted = [name] if otherwise is None else [name, otherwise]
        names = [field.name for field in read_fields(path)] if path.is_file() else wanted
        missing = [name for name in wanted if name not in names]
        if missing:
            raise DataError(f"{path} has no column '{missing[0]}'; it has {', '.join(names)}")
        self._columns = [names.index(name) for name in wanted]
        self._written = _written(path) if path.is_file() else None

    def __len__(self) -> int:
        """The number of rows, M."""
        return len(self._starts)

    @overload
    def __getitem__(self, index: int | np.integer) -> str: ...

    @overload
    def __getitem__(self, index: slice | np.ndarray | Sequence[int]) -> np.ndarray: ...

    def __getitem__(
        self, index: int | np.integer | slice | np.ndarray | Sequence[int]
    ) -> str | np.ndarray:
        """The text of a row, or an object array of those of some rows, of any shape."""
        starts = self._starts[index]
        if isinstance(starts, np.ndarray):
            texts = np.empty(starts.shape, dtype=object)
            texts.ravel()[:] = [self._at(start) for start in starts.ravel().tolist()]
            return texts
        return self._at(int(starts))

    def hold(self) -> None:
        """Open the file now: one that is written in its place later changes nothing here.

        Raises:
            DataError: It has been written anew since the column was looked for.
        """
        if len(self._starts):
            _ = self._file

    def _at(self, start: int) -> str:
        if start < 0:
            return ""
        end = self._file.find(b"\n", start)
        line = self._file[start : len(self._file) if end < 0 else end]
        cells = line.removesuffix(b"\r").split(b"\t")
        return next((cells[n] for n in self._columns if cells[n]), b"").decode(errors="replace")

    @cached_property
    def _file(self) -> mmap.mmap:
        try:
            with self._path.open("rb") as file:
                if _written(file.fileno()) == self._written:
                    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise DataError(f"{self._path} cannot be read: {error}") from error
        raise DataError(
            f"{self._path} has been written anew since its rows were looked for; start again, and "
            "delete data sets and loaders that were saved before"
        )

    def __getstate__(self) -> dict[str, object]:
        return {key: value for key, value in vars(self).items() if key != "_file"}


def _written(file: Path | int) -> tuple[int, int]:
    """Size and time of a file, which tell that it was written anew."""
    found = os.stat(file)
    return found.st_size, found.st_mtime_ns
