"""Maximal marginal relevance: each photo relevant, and unlike those chosen before it.

Carbonell and Goldstein, "The Use of MMR, Diversity-Based Reranking for Reordering Documents and
Producing Summaries", SIGIR 1998. A step adds the photo of largest
balance * relevance - (1 - balance) * (largest cosine with a chosen photo). The difference to the
paper: relevance has any unit here, so it is first scaled to [0, 1] over the set.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from recbole_showcase.errors import SettingsError
from recbole_showcase.selectors.base import ImageSelector
from recbole_showcase.selectors.cosines import TIES, Cosines


@dataclass(frozen=True)
class MMRSettings:
    """Settings of the MMR selector.

    Attributes:
        selector_balance: Share of relevance against dissimilarity, between 0 and 1; 1 is top-k.
    """

    selector_balance: float = 0.75

    def __post_init__(self) -> None:
        """Check the range."""
        if not 0.0 <= self.selector_balance <= 1.0:
            raise SettingsError(
                f"selector_balance is {self.selector_balance}; allowed is a number from 0 to 1"
            )


class MMRSelector(ImageSelector):
    """Chooses k photos by maximal marginal relevance, the most relevant first."""

    Settings = MMRSettings

    def choose(
        self, relevance: Tensor, features: Tensor, mask: Tensor, k: int, keys: Tensor
    ) -> Tensor:
        """Indices (B, k) in the order of choice."""
        balance, tie = self.settings.selector_balance, TIES[features.dtype]
        value = balance * _scaled(relevance, mask)  # (B, C)
        cosines = Cosines(features)
        rows = torch.arange(len(mask), device=mask.device)
        free = mask.clone()
        order = torch.empty(len(mask), k, dtype=torch.long, device=mask.device)
        nearest = torch.full_like(value, -torch.inf)  # cosine with the nearest chosen photo
        score = relevance
        for step in range(k):
            score = score.masked_fill(~free, -torch.inf)
            # argmax returns the first of equals, the lowest index.
            best = (score >= score.amax(dim=1, keepdim=True) - tie).int().argmax(dim=1)  # (B,)
            order[:, step] = best
            free[rows, best] = False
            if step + 1 < k:
                nearest = torch.maximum(nearest, cosines.to(best))
                score = value - (1.0 - balance) * nearest
        return order


def _scaled(relevance: Tensor, mask: Tensor) -> Tensor:
    """Relevance (B, C) scaled to [0, 1] over each set; 0 where all are equal."""
    low = relevance.masked_fill(~mask, torch.inf).amin(dim=1, keepdim=True)
    span = relevance.masked_fill(~mask, -torch.inf).amax(dim=1, keepdim=True) - low  # (B, 1)
    return torch.where(mask & (span > 0), (relevance - low) / span, 0.0)
