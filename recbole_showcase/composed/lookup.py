"""Users and items by their tokens, and what is said of those that are not there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from rapidfuzz.fuzz import ratio
from rapidfuzz.process import extractOne

from recbole_showcase.arguments import Unknown, report_unknown, texts_of
from recbole_showcase.errors import DataError

Kind = Literal["user", "item"]


class TokenIndex:
    """Finds internal ids of users and items."""

    def __init__(self, user_tokens: np.ndarray, item_tokens: np.ndarray) -> None:
        """Keep the tokens, by internal id, the padding first."""
        self._index = {"user": pd.Index(user_tokens), "item": pd.Index(item_tokens)}

    def find(self, kind: Kind, tokens: list[str]) -> np.ndarray:
        """Internal ids (N,) of tokens, 0 for those that are not there."""
        found = self._index[kind].get_indexer(pd.Index(tokens, dtype=object))
        return np.maximum(found, 0).astype(np.int64)

    def ids(self, kind: Kind, tokens: Sequence[str], unknown: Unknown) -> np.ndarray:
        """Internal ids (N,) of tokens, 0 for those that are not there and are skipped.

        Raises:
            DataError: If the tokens are no list of text, or ``unknown`` is neither word, or
                ``"raise"`` and there are some.
        """
        if unknown not in ("raise", "skip"):
            raise DataError(f"unknown is {unknown!r}; allowed: 'raise', 'skip'")
        known = self._index[kind]
        given = texts_of(f"{kind}s", tokens, known[1])
        ids = self.find(kind, given)
        missing = [given[n] for n in np.flatnonzero(ids == 0)]
        if missing:
            near = extractOne(missing[0], known[1:], scorer=ratio) if len(given) == 1 else None
            hint = f"; the nearest known one is '{near[0]}'" if near else ""
            report_unknown(kind, missing, len(given), "not in the data set" + hint, unknown)
        return ids
