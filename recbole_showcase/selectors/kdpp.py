"""Varied showcases: a set drawn at random from a determinantal point process of fixed size.

Kulesza and Taskar, "k-DPPs: Fixed-Size Determinantal Point Processes", ICML 2011: the probability
of a set Y of k photos is proportional to det L_Y, with the kernel L of ``dpp.py``. A draw chooses
k eigenvectors by elementary symmetric polynomials of the eigenvalues, then photos from the
projection DPP that these span. The differences to the paper: sets are drawn in batch; the
projection DPP is conditioned by a Cholesky factor instead of new orthonormal bases; each number is
fixed by a seed and the pair, so one pair always gets the same draw; and of more than
``MOST_CANDIDATES`` photos the most relevant ones are drawn from.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from recbole_showcase.errors import SettingsError
from recbole_showcase.selectors.base import ImageSelector
from recbole_showcase.selectors.cosines import gram
from recbole_showcase.selectors.hashed_random import uniform

# Share of a photo that no other has: a set of k is drawn whatever copies there are.
OWN_SHARE = 1e-4
# Log-quality below the best of a set by more than this counts as this far below; with more,
# the eigenvalues of the less relevant photos would be lost to rounding.
_RANGE = 10.0
# Candidates that are drawn from, the most relevant ones: the time of a draw grows with their cube.
MOST_CANDIDATES = 512


@dataclass(frozen=True)
class KDPPSettings:
    """Settings of the k-DPP selector.

    Attributes:
        selector_trade_off: Weight of relevance against variety, at least 0.
        selector_seed: Another seed gives every pair another draw.
    """

    selector_trade_off: float = 2.0
    selector_seed: int = 0

    def __post_init__(self) -> None:
        """Check the range."""
        if not 0.0 <= self.selector_trade_off < float("inf"):
            raise SettingsError(
                f"selector_trade_off is {self.selector_trade_off}; allowed is a finite number >= 0"
            )


class KDPPSelector(ImageSelector):
    """Draws k photos from a k-DPP, and shows the most relevant of them first."""

    Settings = KDPPSettings

    def choose(
        self, relevance: Tensor, features: Tensor, mask: Tensor, k: int, keys: Tensor
    ) -> Tensor:
        """Indices (B, k) of a draw, the most relevant first."""
        if mask.shape[1] > MOST_CANDIDATES:
            ranked = relevance.masked_fill(~mask, -torch.inf)
            best = ranked.sort(dim=1, descending=True, stable=True).indices[:, :MOST_CANDIDATES]
            best = best.sort(dim=1).values  # in the candidates' own order, as fewer would be
            wide = best.unsqueeze(-1).expand(-1, -1, features.shape[2])
            parts = relevance.gather(1, best), features.gather(1, wide), mask.gather(1, best)
            return best.gather(1, self.choose(*parts, k, keys))
        settings, width = self.settings, mask.shape[1]
        size = mask.sum(dim=1).clamp(max=k)  # (B,), all photos where there are fewer than k
        places = torch.arange(width + k, device=mask.device)
        chance = uniform(settings.selector_seed, keys.unsqueeze(1), places)  # (B, C + k)
        kernel = likelihood_kernel(relevance, features, mask, settings.selector_trade_off)
        values, vectors = torch.linalg.eigh(kernel)  # ascending; those of masked photos come first
        taken = _choose_eigenvectors(values.clamp(min=0.0), size, k, chance[:, k:])  # (B, C)
        basis = vectors * taken.unsqueeze(1)
        order = _draw_photos(torch.bmm(basis, basis.mT), mask, k, chance[:, :k])  # (B, k)
        drawn = torch.arange(k, device=mask.device) < size.unsqueeze(1)
        value = relevance.gather(1, order).masked_fill(~drawn, -torch.inf)
        return order.gather(1, value.sort(dim=1, descending=True, stable=True).indices)


def likelihood_kernel(
    relevance: Tensor, features: Tensor, mask: Tensor, trade_off: float
) -> Tensor:
    """The kernel L (B, C, C) of the draw, up to a factor that its probabilities do not have.

    Args:
        relevance: float64, shape (B, C).
        features: Shape (B, C, D).
        mask: True for real candidates, shape (B, C).
        trade_off: Weight of relevance against variety.
    """
    log_quality = (trade_off * relevance).masked_fill(~mask, -torch.inf)
    below = log_quality - log_quality.amax(dim=1, keepdim=True).clamp(min=-1e300)
    quality = below.clamp(min=-_RANGE).exp() * mask  # (B, C), at most 1
    return quality.unsqueeze(2) * gram(features, mask, OWN_SHARE) * quality.unsqueeze(1)


def elementary_symmetric(values: Tensor, k: int) -> Tensor:
    """e_l of the first n values, for l = 0..k and n = 0..C.

    Args:
        values: Shape (B, C).
        k: The largest degree.

    Returns:
        Shape (B, C + 1, k + 1); entry [b, n, l] is e_l of values[b, :n].
    """
    n_sets, width = values.shape
    table = values.new_zeros(n_sets, width + 1, k + 1)
    table[:, :, 0] = 1.0
    for n in range(width):
        before = table[:, n]
        table[:, n + 1, 1:] = before[:, 1:] + values[:, n : n + 1] * before[:, :-1]
    return table


def _choose_eigenvectors(values: Tensor, size: Tensor, k: int, chance: Tensor) -> Tensor:
    """Which eigenvectors span the draw (B, C): ``size`` (B,) of each set, in batch."""
    table = elementary_symmetric(values, k)  # (B, C + 1, k + 1)
    width = values.shape[1]
    rows = torch.arange(len(values), device=values.device)
    left = size.clone()
    taken = torch.zeros_like(values, dtype=torch.bool)
    for n in range(width, 0, -1):
        with_it = values[:, n - 1] * table[rows, n - 1, (left - 1).clamp(min=0)]
        # Numbers are counted from the largest value, so that masked photos take none.
        take = (chance[:, width - n] * table[rows, n, left] < with_it) & (left > 0)
        taken[:, n - 1] = take
        left = left - take.long()
    return taken


def _draw_photos(projection: Tensor, mask: Tensor, k: int, chance: Tensor) -> Tensor:
    """Photos (B, k) of a projection DPP with kernel (B, C, C), one after the other."""
    rows = torch.arange(len(mask), device=mask.device)
    residual = projection.diagonal(dim1=1, dim2=2) * mask  # (B, C)
    factor = projection.new_zeros(len(mask), k, mask.shape[1])  # (B, k, C)
    free = mask.clone()
    order = torch.empty(len(mask), k, dtype=torch.long, device=mask.device)
    for step in range(k):
        weight = (residual.clamp(min=0.0) * free).cumsum(dim=1)  # (B, C)
        aim = chance[:, step : step + 1] * weight[:, -1:]
        photo = ((weight <= aim).sum(dim=1)).clamp(max=mask.shape[1] - 1)  # (B,)
        order[:, step] = photo
        free[rows, photo] = False
        explained = torch.bmm(factor[rows, :, photo].unsqueeze(1), factor).squeeze(1)
        pivot = residual[rows, photo].clamp(min=1e-12).sqrt().unsqueeze(1)
        row = (projection[rows, photo] - explained) / pivot  # (B, C)
        factor[:, step] = row
        residual = residual - row.square()
    return order
