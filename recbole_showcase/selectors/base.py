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
        _check(relevance, features, mask, k)
        chosen = self._choose(
            relevance.double().masked_fill(~mask, 0.0),
            features.masked_fill(~mask.unsqueeze(-1), 0.0),
            mask,
            min(k, mask.shape[1]),
        )  # (B, min(k, C))
        chosen = F.pad(chosen, (0, k - chosen.shape[1]), value=-1)
        place = torch.arange(k, device=mask.device)
        return chosen.masked_fill(place >= mask.sum(dim=1, keepdim=True), -1)

    def _choose(self, relevance: Tensor, features: Tensor, mask: Tensor, k: int) -> Tensor:
        """Return indices (B, k), k <= C, real candidates before any others; masked inputs are 0."""
        raise NotImplementedError


def _check(relevance: Tensor, features: Tensor, mask: Tensor, k: int) -> None:
    """Refuse what no selector can work with."""
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
    broken = mask & ~(relevance.isfinite() & features.isfinite().all(dim=-1))
    if broken.any():
        row, candidate = broken.nonzero()[0].tolist()
        raise DataError(
            f"set {row}, candidate {candidate}: relevance or features are not finite numbers"
        )
