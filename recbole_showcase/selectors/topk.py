"""The most relevant photos, whatever they look like together."""

from __future__ import annotations

import torch
from torch import Tensor

from recbole_showcase.selectors.base import ImageSelector


class TopKSelector(ImageSelector):
    """Chooses the k photos of highest relevance."""

    def choose(
        self, relevance: Tensor, features: Tensor, mask: Tensor, k: int, keys: Tensor
    ) -> Tensor:
        """Indices (B, k) by relevance."""
        # A stable sort, unlike torch.topk, sends ties to the lower index.
        ranked = relevance.masked_fill(~mask, -torch.inf)
        return ranked.sort(dim=1, descending=True, stable=True).indices[:, :k]
