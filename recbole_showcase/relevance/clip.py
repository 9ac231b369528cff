"""CLIP similarity of each photo to the user's profile, untrained."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from recbole_showcase.data.batch import SelectionBatch
from recbole_showcase.relevance.base import RelevanceModel

# Cosines of float32 unit vectors are off by about 1e-7; a spread below this is rounding.
_MIN_SPREAD = 1e-6


@dataclass(frozen=True)
class CLIPRelevanceSettings:
    """Settings; ``properties/relevance/clip.yaml`` explains them."""

    relevance_use_photos: bool = True
    relevance_use_reviews: bool = True


class CLIPRelevance(RelevanceModel):
    """Similarity to the mean of the user's photos and of their reviews."""

    Settings = CLIPRelevanceSettings

    def forward(
        self, batch: SelectionBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> Tensor:
        """Relevance (B, C); see :func:`clip_relevance`."""
        return clip_relevance(
            batch.candidate_features,
            batch.candidate_mask,
            batch.history_photo_features,
            batch.history_photo_mask,
            batch.review_features,
            batch.review_mask,
            use_photos=self.settings.relevance_use_photos,
            use_reviews=self.settings.relevance_use_reviews,
        )


def clip_relevance(
    candidates: Tensor,
    candidate_mask: Tensor,
    history_photos: Tensor,
    history_photo_mask: Tensor,
    history_reviews: Tensor,
    history_review_mask: Tensor,
    *,
    use_photos: bool = True,
    use_reviews: bool = True,
) -> Tensor:
    """Similarity of each candidate photo to the user's profile, in standard deviations.

    The profile has two parts: the mean of the user's photos and the mean of the user's review
    texts, each scaled to length one. CLIP puts photos and texts in different regions of its
    space, so cosines of photo with photo and of text with photo differ in level and spread (the
    modality gap) and must not be averaged as they are. Each part is therefore standardised over
    the candidates of its set (mean 0, standard deviation 1) and the parts that exist are then
    averaged. Where the two parts disagree, the average has a smaller spread than either: less
    agreement counts as weaker evidence.

    A user without any part gets the similarity to the mean of the item's own photos, the
    typical photo, standardised in the same way. The same holds for everyone when both parts
    are switched off, which makes a baseline without personalisation.

    Args:
        candidates: Photos of the item, CLIP features of any float type, shape (B, C, D).
        candidate_mask: True for real candidates, shape (B, C).
        history_photos: Photos the user posted, shape (B, P, D); P may be 0.
        history_photo_mask: True for real photos, shape (B, P).
        history_reviews: Reviews the user wrote, shape (B, R, D); R may be 0.
        history_review_mask: True for real reviews, shape (B, R).
        use_photos: Whether the user's photos are part of the profile.
        use_reviews: Whether the user's reviews are part of the profile.

    Returns:
        Relevance of shape (B, C), at least float32, comparable within a set only. It is 0 for
        masked candidates, for a single candidate, and where all candidates are equally near.
    """
    photos = _unit(candidates, candidate_mask)  # (B, C, D)
    total = photos.new_zeros(candidate_mask.shape)  # (B, C)
    parts = photos.new_zeros(len(candidate_mask), 1)  # (B, 1)
    for features, mask, used in (
        (history_photos, history_photo_mask, use_photos),
        (history_reviews, history_review_mask, use_reviews),
    ):
        if used:
            exists = mask.any(dim=1, keepdim=True)  # (B, 1)
            total = total + exists * _standardised_similarity(
                photos, candidate_mask, _unit(features, mask)
            )
            parts = parts + exists
    typical = typicality(candidates, candidate_mask)
    return torch.where(parts > 0, total / parts.clamp(min=1), typical)


def typicality(candidates: Tensor, candidate_mask: Tensor) -> Tensor:
    """Similarity of each photo to the mean of its item's photos, in standard deviations.

    Args:
        candidates: Shape (B, C, D).
        candidate_mask: True for real candidates, shape (B, C).

    Returns:
        Shape (B, C), 0 for masked candidates.
    """
    return similarity(candidates, candidate_mask, candidates, candidate_mask)


def similarity(
    candidates: Tensor, candidate_mask: Tensor, others: Tensor, other_mask: Tensor
) -> Tensor:
    """Similarity of each candidate to the mean of others, in standard deviations of its set.

    Args:
        candidates: Shape (B, C, D).
        candidate_mask: True for real candidates, shape (B, C).
        others: What they are compared with (B, N, D); N may be 0.
        other_mask: True for real ones (B, N).

    Returns:
        Shape (B, C); 0 for masked candidates, and in sets that are compared with nothing.
    """
    return _standardised_similarity(
        _unit(candidates, candidate_mask), candidate_mask, _unit(others, other_mask)
    )


def _unit(features: Tensor, mask: Tensor) -> Tensor:
    """Scale the real rows of (B, N, D) to length one in at least float32; masked rows are 0."""
    features = features.to(torch.promote_types(features.dtype, torch.float32))
    return F.normalize(features.masked_fill(~mask.unsqueeze(-1), 0.0), dim=-1)


def _standardised_similarity(photos: Tensor, mask: Tensor, profile: Tensor) -> Tensor:
    """Masked z-score over C of the cosine between (B, C, D) and the mean of (B, N, D)."""
    # The direction of the sum is that of the mean, and an empty profile sums to zero.
    centre = F.normalize(profile.sum(dim=1), dim=-1).to(photos.dtype)  # (B, D)
    cosine = torch.einsum("bcd,bd->bc", photos, centre)
    count = mask.sum(dim=1, keepdim=True).clamp(min=1)
    centred = (cosine - (cosine * mask).sum(dim=1, keepdim=True) / count) * mask
    spread = (centred.square().sum(dim=1, keepdim=True) / count).sqrt()  # (B, 1)
    return torch.where(spread > _MIN_SPREAD, centred / spread.clamp(min=_MIN_SPREAD), 0.0)
