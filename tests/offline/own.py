"""A selector of somebody else's, which other processes have to import."""

from __future__ import annotations

import torch
from torch import Tensor

from recbole_showcase.selectors.base import ImageSelector


class Last(ImageSelector):
    """The last photos of an item."""

    def choose(
        self, relevance: Tensor, features: Tensor, mask: Tensor, k: int, keys: Tensor | None
    ) -> Tensor:
        places = torch.arange(mask.shape[1]).expand_as(mask)
        return places.masked_fill(~mask, -1).topk(k, dim=1).indices
