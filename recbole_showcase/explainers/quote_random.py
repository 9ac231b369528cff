"""Quotes sentences of the item at random, the lower bound; a pair has the same ones each time."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.explainers.quoting import Quoting, QuotingSettings
from recbole_showcase.selectors.hashed_random import pair_keys, uniform


@dataclass(frozen=True)
class QuoteRandomSettings(QuotingSettings):
    """Settings; ``properties/explainer/quote_random.yaml`` explains them."""

    explainer_seed: int = 0


class QuoteRandomExplainer(Quoting):
    """A number in (0, 1) that is fixed by the seed, the pair and the sentence; a baseline."""

    Settings = QuoteRandomSettings

    def relevance(self, batch: ExplanationBatch) -> Tensor:
        """Random numbers (B, S)."""
        keys = pair_keys(batch.users, batch.items).unsqueeze(1)  # (B, 1)
        sentences = torch.from_numpy(batch.sentences.positions).to(keys.device)
        return uniform(self.settings.explainer_seed, keys, sentences)
