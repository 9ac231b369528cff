"""Where tokens stand in a column that stays on the disk, in 16 bytes a token."""

from __future__ import annotations

import numpy as np
from pandas.util import hash_array

from recbole_showcase.atomic import StoredColumn

_AT_ONCE = 1 << 16


class TokenPlaces:
    """Finds a token by its hash, and compares it with what is on the disk."""

    def __init__(self, tokens: StoredColumn) -> None:
        """Hash all tokens, some thousand at a time."""
        self._tokens = tokens
        hashes = np.empty(len(tokens), dtype=np.uint64)
        for start in range(0, len(tokens), _AT_ONCE):
            hashes[start : start + _AT_ONCE] = _hashed(tokens[start : start + _AT_ONCE])
        self._places = np.argsort(hashes, kind="stable")
        self._hashes = hashes[self._places]

    def find(self, token: str) -> int:
        """The place of a token, -1 if it is not there."""
        (wanted,) = _hashed(np.array([token], dtype=object))
        start, end = (
            int(np.searchsorted(self._hashes, wanted, side)) for side in ("left", "right")
        )
        for place in self._places[start:end].tolist():
            if self._tokens[place] == token:
                return int(place)
        return -1


def _hashed(tokens: np.ndarray) -> np.ndarray:
    return hash_array(tokens, categorize=False)
