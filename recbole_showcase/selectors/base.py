"""What every image selector shares: its settings, its interface and the rules of its output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.selectors.relevance import clip_relevance


@dataclass(frozen=True)
class SelectorSettings:
    """Settings that every selector has; fields are named as the keys of its YAML file.

    Attributes:
        selector_use_photos: Whether the user's photos are part of the profile.
        selector_use_reviews: Whether the user's reviews are part of the profile.
    """

    selector_use_photos: bool
    selector_use_reviews: bool


class ImageSelector(nn.Module):
    """Chooses a small ordered set of photos among the photos of an item.

    A subclass names its settings in ``Settings`` and implements ``_choose``; masking, padding
    and checks are done here.
    """

    Settings: ClassVar[type[SelectorSettings]] = SelectorSettings

    def __init__(self, settings: SelectorSettings) -> None:
        """Keep the settings, an instance of the class's own ``Settings``."""
        super().__init__()
        self.settings = settings

    def relevance(
        self,
        candidates: Tensor,
        candidate_mask: Tensor,
        history_photos: Tensor,
        history_photo_mask: Tensor,
        history_reviews: Tensor,
        history_review_mask: Tensor,
    ) -> Tensor:
        """Relevance (B, C) of the candidates to the user; see :func:`clip_relevance`."""
        return clip_relevance(
            candidates,
            candidate_mask,
            history_photos,
            history_photo_mask,
            history_reviews,
            history_review_mask,
            use_photos=self.settings.selector_use_photos,
            use_reviews=self.settings.selector_use_reviews,
        )

    @torch.no_grad()
    def forward(self, relevance: Tensor, features: Tensor, mask: Tensor, k: int) -> Tensor:
        """Choose k photos of each set.

        The choice is deterministic. It holds no photo twice and no masked one, and ties go to
        the lower index.

        Args:
            relevance: How well each photo fits the user, shape (B, C); masked entries are ignored.
            features: Photo features of any float type, shape (B, C, D); their length is ignored.
            mask: True for real candidates, boolean, shape (B, C).
            k: Number of photos to choose; may exceed C.

        Returns:
            Candidate indices, best first, int64 of shape (B, k); -1 where a set has fewer than k.

        Raises:
            SettingsError: k is below 1.
            DataError: Shapes do not fit, or a real candidate's relevance or feature is not finite.
        """
        _check_shapes(relevance, features, mask, k)
        # float64 copies: what is masked is zeroed in place, and the caller's tensors stay.
        relevance = relevance.to(torch.float64, copy=True).masked_fill_(~mask, 0.0)
        features = features.to(torch.float64, copy=True).masked_fill_(~mask.unsqueeze(-1), 0.0)
        _check_finite(relevance, features)
        chosen = self._choose(relevance, features, mask, min(k, mask.shape[1]))  # (B, min(k, C))
        chosen = F.pad(chosen, (0, k - chosen.shape[1]), value=-1)
        place = torch.arange(k, device=mask.device)
        return chosen.masked_fill(place >= mask.sum(dim=1, keepdim=True), -1)

    def _choose(self, relevance: Tensor, features: Tensor, mask: Tensor, k: int) -> Tensor:
        """Return indices (B, k), real candidates before any others.

        Here k <= C, the inputs are float64, and they are 0 where masked.
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


def _check_finite(relevance: Tensor, features: Tensor) -> None:
    # A row's length is finite exactly if its entries are, and cheaper to look at.
    broken = ~(relevance.isfinite() & torch.linalg.vector_norm(features, dim=-1).isfinite())
    if broken.any():
        row, candidate = broken.nonzero()[0].tolist()
        raise DataError(
            f"set {row}, candidate {candidate}: relevance or features are not finite numbers"
        )
