"""Rows of tokens that come in the order of a feature store, found without a table of its tokens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from recbole_showcase.atomic import as_arrow, positions


class RowsInOrder:
    """Finds the rows of tokens that come in the order of a store, and holds a block of them.

    So they do where the store was made from the file that is read, which takes no table of
    millions of tokens to see.
    """

    def __init__(self, blocks: Iterable[pa.Array], skipped: Sequence[str]) -> None:
        """Begin at the first row.

        Args:
            blocks: The tokens of the store in the order of the rows.
            skipped: Tokens that have no row, and may come anywhere.
        """
        self._blocks, self._skipped = iter(blocks), skipped
        self._ahead = as_arrow([])  # tokens from row _next on
        self._next = 0

    def rows(self, tokens: pa.Array) -> np.ndarray | None:
        """The rows (M,) of the next tokens, -1 where skipped; None if they are not the next."""
        wanted = as_arrow(tokens)
        there = np.ones(len(wanted), dtype=bool)
        if self._skipped:
            there = positions(wanted, self._skipped) < 0
            wanted = wanted.filter(pa.array(there))
        while len(self._ahead) < len(wanted) and (block := next(self._blocks, None)) is not None:
            self._ahead = pa.concat_arrays([self._ahead, block])
        if not self._ahead.slice(0, len(wanted)).equals(wanted):
            self._ahead, self._blocks = as_arrow([]), iter(())  # nor are any after them
            return None
        rows = np.full(len(there), -1, dtype=np.int64)
        rows[there] = np.arange(self._next, self._next + len(wanted))
        self._ahead = self._ahead.slice(len(wanted))
        self._next += len(wanted)
        return rows
