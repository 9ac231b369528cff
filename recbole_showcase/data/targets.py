"""The texts to learn from: their tokens, and what they become with other entities.

A text is tokenized and searched for entities when a batch first asks for it: of millions, before
the first step nothing is read.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from recbole_showcase.atomic import StoredColumn
from recbole_showcase.settings import ShowcaseSettings
from recbole_showcase.text.entities import EntityLexicon, Mention
from recbole_showcase.text.sampling import ENTITY_TEXTS, evenly
from recbole_showcase.text.tokenizer import TextTokenizer, TokenTable

# Texts whose entities are remembered, some 100 MB; those of others are looked for each time.
_REMEMBERED = 200_000


class TargetTexts:
    """Target texts of the training samples, by row of the interactions."""

    def __init__(
        self,
        texts: StoredColumn | np.ndarray,
        rows: np.ndarray,
        tokenizer: TextTokenizer,
        settings: ShowcaseSettings,
    ) -> None:
        """Keep the texts (N,) of all rows; targets are those of some rows (S,)."""
        self._texts, self._rows = texts, rows
        self._tokenizer, self._settings = tokenizer, settings
        self._named: dict[int, list[Mention]] = {}

    def take(self, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        """Ids and mask (B, T) of the targets of rows (B,)."""
        return self._tokens.take(rows)

    def replaced(self, rows: np.ndarray, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Ids and mask (B, T) of the targets of rows (B,) with other entities.

        A row whose text names no entity that can be replaced has none.
        """
        texts = [
            # A draw depends on those before it.
            self.lexicon.replace(self._texts[row], self._mentions(row), random)
            for row in rows.tolist()
        ]
        limit = self._settings.max_tokens
        ids = torch.from_numpy(self._tokenizer.encode([text or "" for text in texts], limit))
        is_there = torch.tensor([text is not None for text in texts])
        return ids, (ids != self._tokenizer.pad_id) & is_there.unsqueeze(1)

    @cached_property
    def lexicon(self) -> EntityLexicon:
        """The entities that the texts name."""
        texts = self._texts[evenly(self._rows, ENTITY_TEXTS)].tolist()
        return EntityLexicon.mine(texts, self._settings.entities)

    @cached_property
    def _tokens(self) -> TokenTable:
        limit = self._settings.max_tokens
        return TokenTable(self._tokenizer, self._texts, self._rows, limit, ends=True)

    def _mentions(self, row: int) -> list[Mention]:
        """Where the text of a row names entities."""
        found = self._named.get(row)
        if found is None:
            found = self.lexicon.find(self._texts[row])
            if len(self._named) < _REMEMBERED:
                self._named[row] = found
        return found
