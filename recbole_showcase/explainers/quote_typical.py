"""Quotes the most typical sentences of the item: those nearest to the mean of its sentences."""

from __future__ import annotations

from torch import Tensor

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.explainers.quoting import Quoting
from recbole_showcase.relevance.clip import typicality


class QuoteTypicalExplainer(Quoting):
    """The same for every user and all photos; a baseline."""

    def relevance(self, batch: ExplanationBatch) -> Tensor:
        """Similarity to the mean of the item's sentences (B, S)."""
        return typicality(batch.sentence_features, batch.sentence_mask)
