"""What every image selector shares: its settings, its interface and the rules of its output."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recbole_showcase.data.inputs import NoSettings
from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.precision import is_mixed, whole_precision


class ImageSelector(nn.Module):
    """Chooses a small ordered set of photos among the photos of an item.

    A subclass names its settings in ``Settings``, a frozen dataclass whose fields are the keys of
    its YAML file, and implements ``choose``; masking, padding and checks are done here. One that
    is trained names its losses in ``loss_names``.
    """

    part_kind: ClassVar[str] = "selector"
    Settings: ClassVar[type] = NoSettings
    loss_names: tuple[str, ...] = ()

    def __init__(self, settings: Any) -> None:
        """Keep the settings, an instance of the class's own ``Settings``."""
        super().__init__()
        self.settings = settings

    def losses(
        self, relevance: Tensor, features: Tensor, mask: Tensor, posted: Tensor
    ) -> tuple[Tensor, ...]:
        """Losses of a batch, one scalar for each of ``loss_names``; relevance learns from them too.

        Args:
            relevance: How well each photo fits the user (B, C).
            features: Photo features (B, C, D).
            mask: True for real candidates (B, C).
            posted: True for those to choose (B, C).
        """
        return ()

    @torch.no_grad()
    def forward(
        self,
        relevance: Tensor,
        features: Tensor,
        mask: Tensor,
        k: int,
        keys: Tensor | None = None,
    ) -> Tensor:
        """Choose k photos of each set.

        Equal arguments give equal choices. A choice holds no photo twice and no masked one, and
        ties go to the lower index.

        Args:
            relevance: How well each photo fits the user, shape (B, C); masked entries are ignored.
            features: Photo features of any float type, shape (B, C, D); their length is ignored.
            mask: True for real candidates, boolean, shape (B, C).
            k: Number of photos to choose; may exceed C.
            keys: A number for each set, int64 (B,), which selectors that draw at random draw for;
                the place in the batch where there is none.

        Returns:
            Candidate indices, best first, int64 of shape (B, k); -1 where a set has fewer than k.

        Raises:
            SettingsError: k is below 1.
            DataError: Shapes do not fit, or a real candidate's relevance or feature is not finite.
        """
        if is_mixed(mask.device):  # a choice is not of mixed precision
            with whole_precision(mask.device):
                return self.forward(relevance, features, mask, k, keys)
        _check_shapes(relevance, features, mask, k)
        if not mask.numel():
            return torch.full((len(mask), k), -1, dtype=torch.long, device=mask.device)
        # A copy, so that the caller's tensor stays; of features, far larger, none is needed.
        relevance = torch.where(mask, relevance.to(torch.float64), 0.0)
        features = features.to(torch.promote_types(features.dtype, torch.float32))
        _check_finite(relevance, features, mask)
        if keys is None:
            keys = torch.arange(len(mask), device=mask.device)
        k_real = min(k, mask.shape[1])
        chosen = self.choose(relevance, features, mask, k_real, keys)  # (B, min(k, C))
        low, high = map(int, chosen.aminmax())
        if chosen.shape != (len(mask), k_real) or low < 0 or high >= mask.shape[1]:
            raise DataError(
                f"{type(self).__name__} chose indices of shape {tuple(chosen.shape)} for "
                f"{tuple(mask.shape)} candidates; allowed: {(len(mask), k_real)}, from 0 to "
                f"{mask.shape[1] - 1}"
            )
        if k > k_real:
            chosen = F.pad(chosen, (0, k - k_real), value=-1)
        place = torch.arange(k, device=mask.device)
        return chosen.masked_fill(place >= mask.sum(dim=1, keepdim=True), -1)

    def choose(
        self, relevance: Tensor, features: Tensor, mask: Tensor, k: int, keys: Tensor
    ) -> Tensor:
        """Return indices (B, k), real candidates before any others.

        Here k <= C, relevance is float64 and 0 where masked, and features are float32 or float64
        and may hold anything there.
        """
        raise NotImplementedError


def _check_shapes(relevance: Tensor, features: Tensor, mask: Tensor, k: int) -> None:
    if k < 1:
        raise SettingsError(f"k is {k}; at least 1 photo must be asked for")
    fits = relevance.dim() == 2 and features.dim() == 3 and features.shape[:2] == relevance.shape
    if not fits or mask.shape != relevance.shape:
        raise DataError(
            f"relevance {tuple(relevance.shape)}, features {tuple(features.shape)} and mask "
            f"{tuple(mask.shape)} do not fit; allowed are (B, C), (B, C, D) and (B, C)"
        )
    if mask.dtype != torch.bool:
        raise DataError(f"mask is {mask.dtype}; allowed is torch.bool")


def _check_finite(relevance: Tensor, features: Tensor, mask: Tensor) -> None:
    # A sum of numbers one of which is not finite is not finite, and the cheapest to take.
    if math.isfinite(float(features.sum()) + float(relevance.sum())):
        return
    lengths = torch.linalg.vector_norm(features, dim=-1)
    broken = mask & ~(relevance.isfinite() & lengths.isfinite())
    if broken.any():
        row, candidate = broken.nonzero()[0].tolist()
        raise DataError(
            f"set {row}, candidate {candidate}: relevance or features are not finite numbers"
        )
