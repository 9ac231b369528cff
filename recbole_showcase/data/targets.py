"""The texts to learn from: their tokens, and what they become with other entities."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from recbole_showcase.settings import ShowcaseSettings
from recbole_showcase.text.entities import EntityLexicon, Mention
from recbole_showcase.text.tokenizer import TextTokenizer, TokenTable


class TargetTexts:
    """Target texts of the training samples, by row of the interactions."""

    def __init__(
        self,
        texts: np.ndarray,
        rows: np.ndarray,
        n_rows: int,
        tokenizer: TextTokenizer,
        settings: ShowcaseSettings,
    ) -> None:
        """Keep the texts (S,) of rows (S,)."""
        self._texts, self._rows, self._n_rows = texts, rows, n_rows
        self._tokenizer, self._settings = tokenizer, settings

    def take(self, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        """Ids and mask (B, T) of the targets of rows (B,)."""
        return self._tokens.take(rows)

    def replaced(self, rows: np.ndarray, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Ids and mask (B, T) of the targets of rows (B,) with other entities.

        A row whose text names no entity that can be replaced has none.
        """
        texts = [
            self.lexicon.replace(*self._named[row], random)  # a draw depends on those before it
            for row in rows.tolist()
        ]
        limit = self._settings.max_tokens
        ids = torch.from_numpy(self._tokenizer.encode([text or "" for text in texts], limit))
        is_there = torch.tensor([text is not None for text in texts])
        return ids, (ids != self._tokenizer.pad_id) & is_there.unsqueeze(1)

    @cached_property
    def lexicon(self) -> EntityLexicon:
        """The entities that the texts name."""
        return EntityLexicon.mine(self._texts.tolist(), self._settings.entities)

    @cached_property
    def _tokens(self) -> TokenTable:
        texts, limit = list(self._texts), self._settings.max_tokens
        return TokenTable(self._tokenizer, texts, self._rows, self._n_rows, limit, ends=True)

    @cached_property
    def _named(self) -> dict[int, tuple[str, list[Mention]]]:
        """Each row's text, and where it names entities."""
        pairs = zip(self._rows.tolist(), self._texts, strict=True)
        return {row: (text, self.lexicon.find(text)) for row, text in pairs}
