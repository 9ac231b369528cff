"""Token ids of reviews and target texts, by row of the interactions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from recbole_showcase.text.tokenizer import TextTokenizer


class TokenTable:
    """Token ids of the texts of some rows, encoded once."""

    def __init__(
        self,
        tokenizer: TextTokenizer,
        texts: Sequence[str],
        rows: np.ndarray,
        n_rows: int,
        max_tokens: int,
        *,
        ends: bool,
    ) -> None:
        """Encode the texts.

        Args:
            tokenizer: What encodes.
            texts: S texts.
            rows: The row of each (S,), no row twice.
            n_rows: The number of rows there are.
            max_tokens: The most tokens of a text, its start and end not counted.
            ends: Whether a text has a start and an end.
        """
        self._pad = tokenizer.pad_id
        self._ids = tokenizer.encode(texts, max_tokens, ends=ends).astype(np.int32)  # (S, T)
        self._lengths = (self._ids != self._pad).sum(axis=1) if len(texts) else np.empty(0, int)
        self._place = np.full(n_rows, -1, dtype=np.int64)
        self._place[rows] = np.arange(len(rows))

    def take(self, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        """Ids (..., L) and mask (..., L) of rows (...), none for -1; L is the longest of them."""
        place = np.where(rows >= 0, self._place[rows], -1)
        lengths = np.where(place >= 0, np.append(self._lengths, 0)[place], 0)
        width = int(lengths.max(initial=0))
        mask = np.arange(width) < lengths[..., None]
        ids = np.full(mask.shape, self._pad, dtype=np.int64)
        found = place >= 0
        ids[found] = self._ids[place[found], :width]
        return torch.from_numpy(ids), torch.from_numpy(mask)


def no_tokens(*shape: int) -> tuple[Tensor, Tensor]:
    """Ids and mask (..., 0) where nobody asks for any."""
    return torch.empty(*shape, 0, dtype=torch.long), torch.empty(*shape, 0, dtype=torch.bool)
