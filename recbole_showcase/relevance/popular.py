"""The most typical photos of an item, the same for everyone.

Cosine with the mean of the item's photos: what most people photographed is near the mean, so each
posted photo has one vote. The same baseline is called CNT (centroid) by Paz-Ruza et al., arXiv
2308.01196.
"""

from __future__ import annotations

from torch import Tensor

from recbole_showcase.data.batch import SelectionBatch
from recbole_showcase.relevance.base import RelevanceModel
from recbole_showcase.relevance.clip import typicality


class PopularRelevance(RelevanceModel):
    """How typical a photo is of its item."""

    def forward(
        self, batch: SelectionBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> Tensor:
        """Relevance (B, C); see :func:`typicality`."""
        return typicality(batch.candidate_features, batch.candidate_mask)
