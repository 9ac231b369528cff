"""A relevant and varied set of photos: greedy MAP of a determinantal point process.

The kernel is L = diag(q) S diag(q) with quality q_i = exp(trade_off * relevance_i) and S the
cosine similarity of the photos, in the spirit of Wilhelm et al., "Practical Diversified
Recommendations on YouTube with Determinantal Point Processes", CIKM 2018. ``greedy.py`` finds the
set.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from recbole_showcase.errors import SettingsError
from recbole_showcase.selectors.base import ImageSelector
from recbole_showcase.selectors.cosines import gram
from recbole_showcase.selectors.greedy import greedy_map

# Share of a photo that no other has, in the likelihood: without it a posted copy has none at all.
OWN_SHARE = 1e-3


@dataclass(frozen=True)
class DPPSettings:
    """Settings of the DPP selector.

    Attributes:
        selector_trade_off: Weight of relevance against variety, at least 0; 0 looks at variety
            alone, and the larger it is, the nearer the choice is to the most relevant photos.
        selector_learn_trade_off: Whether the weight is learned, and relevance with it, from the
            likelihood of the posted sets; training starts from the value above.
    """

    selector_trade_off: float = 2.5
    selector_learn_trade_off: bool = False

    def __post_init__(self) -> None:
        """Check the range."""
        weight = self.selector_trade_off
        if not 0.0 <= weight < float("inf"):
            raise SettingsError(f"selector_trade_off is {weight}; allowed is a finite number >= 0")
        if self.selector_learn_trade_off and weight == 0.0:
            raise SettingsError("selector_trade_off is 0.0; to be learned it must start above 0")


class DPPSelector(ImageSelector):
    """Chooses k photos by greedy MAP of a determinantal point process."""

    Settings = DPPSettings

    def __init__(self, settings: DPPSettings) -> None:
        super().__init__(settings)
        self.log_trade_off: nn.Parameter | None = None
        self._given = torch.tensor(settings.selector_trade_off)
        if settings.selector_learn_trade_off:
            self.log_trade_off = nn.Parameter(torch.tensor(math.log(settings.selector_trade_off)))
            self.loss_names = ("photo_set",)

    @property
    def trade_off(self) -> Tensor:
        """Weight of relevance against variety, a scalar."""
        if self.log_trade_off is None:
            return self._given
        return self.log_trade_off.exp()

    def losses(
        self, relevance: Tensor, features: Tensor, mask: Tensor, posted: Tensor
    ) -> tuple[Tensor, ...]:
        """Minus the log-likelihood of the posted sets, averaged, where the weight is learned."""
        if self.log_trade_off is None:
            return ()
        return (-log_likelihood(relevance, features, mask, posted, self.trade_off).mean(),)

    def choose(
        self, relevance: Tensor, features: Tensor, mask: Tensor, k: int, keys: Tensor
    ) -> Tensor:
        """Indices (B, k) by greedy MAP; see :func:`greedy_map`."""
        return greedy_map(relevance, features, mask, k, float(self.trade_off))


def log_likelihood(
    relevance: Tensor, features: Tensor, mask: Tensor, posted: Tensor, trade_off: Tensor
) -> Tensor:
    """Log-probability of each posted set under the DPP: log det L_Y - log det(L + I).

    Kulesza and Taskar, "Determinantal Point Processes for Machine Learning", 2012, section 4.1.1.
    Differentiable in relevance and trade-off.

    Args:
        relevance: Shape (B, C).
        features: Shape (B, C, D).
        mask: True for real candidates, shape (B, C).
        posted: True for the photos of the set Y, shape (B, C).
        trade_off: Weight of relevance against variety, a scalar.

    Returns:
        Shape (B,), float64.
    """
    similarity = gram(features, mask, OWN_SHARE)  # (B, C, C)
    log_quality = trade_off * relevance.double().masked_fill(~mask, 0.0)  # (B, C)
    ones = torch.eye(mask.shape[1], dtype=torch.float64, device=mask.device)
    pairs = posted.unsqueeze(1) & posted.unsqueeze(2)
    # Outside of Y stands the identity, whose determinant is 1.
    chosen = torch.where(pairs, similarity, ones)
    numerator = 2.0 * (log_quality * posted).sum(dim=1) + _log_determinant(chosen)
    quality = log_quality.exp()
    kernel = quality.unsqueeze(2) * similarity * quality.unsqueeze(1)
    return numerator - _log_determinant(kernel + ones)


def _log_determinant(matrices: Tensor) -> Tensor:
    """Of symmetric positive definite matrices (B, C, C)."""
    factor = torch.linalg.cholesky(matrices)
    return 2.0 * factor.diagonal(dim1=-2, dim2=-1).log().sum(dim=-1)
