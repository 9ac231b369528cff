"""Relevance of a photo to a user's profile, learned from which photos users posted.

Ours, in the spirit of the quality term of "Personalized Showcases" (Yan et al., SIGIR 2023), of
which no code is public. A candidate is compared with every past photo and every past review, and
the near ones are counted softly, photos and reviews together:

    r(c) = a log(1 + sum_h exp((z(c, h) - m_p) / t_p) + sum_r exp((z(c, r) - m_r) / t_r))

A mean of the profile blurs a user who likes two dishes; a count does not, and the 1 keeps what
fits nothing in the profile from being ranked by noise. Features are centred by the training
split and weighted in each dimension. z is their cosine in standard deviations from the mean of
the cosines of its kind, photo or review, over the training split: how large a cosine of two
things alike is differs by encoder, data set and kind. Few numbers are learned, and all users
share them, so new users are no exception.

Before training this is a sharper reading of CLIP similarity. Training is held to that start by a
normal prior on what changes the order of photos, so a small training split, or features in which
there is little to learn, move it little (maximum a posteriori; the loss ``photo_prior``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recbole_showcase.data.batch import SelectionBatch
from recbole_showcase.errors import SettingsError
from recbole_showcase.relevance.base import RelevanceInputs, RelevanceModel
from recbole_showcase.relevance.clip import typicality

# Adam moves a parameter by about its learning rate a step, which for logarithms is slow.
_SPEED = 10.0
# From so many standard deviations above the mean on an entry of the profile counts, at the start.
_OFFSET = 1.0


@dataclass(frozen=True)
class LearnedRelevanceSettings:
    """Settings; ``properties/relevance/learned.yaml`` explains them."""

    relevance_use_photos: bool = True
    relevance_use_reviews: bool = True
    relevance_temperature: float = 0.5
    relevance_prior: float = 1.0

    def __post_init__(self) -> None:
        """Check the range."""
        for name in ("relevance_temperature", "relevance_prior"):
            value = getattr(self, name)
            if not 0.0 < value < float("inf"):
                raise SettingsError(f"{name} is {value}; allowed is a number > 0")


class LearnedRelevance(RelevanceModel):
    """Soft counts of the past photos and reviews that are like a candidate."""

    Settings = LearnedRelevanceSettings
    photo_mean: Tensor
    review_mean: Tensor

    def __init__(self, settings: LearnedRelevanceSettings, inputs: RelevanceInputs) -> None:
        super().__init__(settings, inputs)
        self.register_buffer("photo_mean", inputs.photo_statistics[0].clone())
        self.register_buffer("review_mean", inputs.review_statistics[0].clone())
        used = {"photo": settings.relevance_use_photos, "review": settings.relevance_use_reviews}
        kinds = [kind for kind, use in used.items() if use]
        width = inputs.photo_statistics.shape[1]
        self.counts = nn.ModuleDict(
            {
                kind: SoftCount(settings.relevance_temperature, cosines)
                for kind, cosines in zip(used, inputs.profile_cosines, strict=True)
                if used[kind]
            }
        )
        # Both kinds are compared with photos, so photos have weights in any case.
        self.weights = nn.ParameterDict(
            {kind: nn.Parameter(torch.zeros(width)) for kind in sorted({"photo", *kinds}) if kinds}
        )
        if kinds:
            self.log_scale = nn.Parameter(torch.zeros(()))
            self.loss_names = ("photo_relevance", "photo_prior")

    def forward(
        self, batch: SelectionBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> Tensor:
        """Relevance (B, C); for a pair without a profile, how typical a photo is of the item."""
        mask = batch.candidate_mask
        typical = typicality(batch.candidate_features, mask)
        if not self.counts:
            return typical
        photos = self._embed("photo", batch.candidate_features, mask, self.photo_mean)
        profile = {
            "photo": (batch.history_photo_features, batch.history_photo_mask, self.photo_mean),
            "review": (batch.review_features, batch.review_mask, self.review_mean),
        }
        near = [photos.new_zeros(*mask.shape, 1)]  # log 1
        exists = torch.zeros(len(mask), 1, dtype=torch.bool, device=mask.device)
        for kind, count in self.counts.items():
            features, there, mean = profile[kind]
            entries = self._embed(kind, features, there, mean)  # (B, N, D)
            near.append(count(torch.bmm(photos, entries.mT), there))  # (B, C, N)
            exists = exists | there.any(dim=1, keepdim=True)
        scale = (_SPEED * self.log_scale).exp()
        relevance = scale * torch.logsumexp(torch.cat(near, dim=2), dim=2)  # (B, C)
        return torch.where(exists, relevance, typical) * mask

    def losses(
        self,
        relevance: Tensor,
        batch: SelectionBatch,
        user_vectors: Tensor | None,
        item_vectors: Tensor | None,
    ) -> tuple[Tensor, ...]:
        """The listwise softmax loss, see :func:`listwise_loss`, and the prior's share of a row."""
        if not self.loss_names:
            return ()
        return listwise_loss(relevance, batch.candidate_mask, batch.posted), self._prior()

    def _prior(self) -> Tensor:
        """Minus the log-density of what was learned, up to a constant, by training rows.

        Logarithms of weights and temperatures, and offsets in standard deviations of cosines, are
        normal around their start. The scale is free: it changes the order of no photos.
        """
        moved = torch.cat(
            [
                *self.weights.values(),
                *(cast(SoftCount, count).moved() for count in self.counts.values()),
            ]
        )
        squares = (_SPEED * moved / self.settings.relevance_prior).square().sum()
        return squares / (2 * max(self.inputs.selection_rows, 1))

    def _embed(self, kind: str, features: Tensor, mask: Tensor, mean: Tensor) -> Tensor:
        """Unit vectors (B, N, D), zeros where masked."""
        features = features.float().masked_fill(~mask.unsqueeze(-1), 0.0)
        weighted = (features - mean) * (_SPEED * self.weights[kind]).exp()
        return F.normalize(weighted, dim=-1) * mask.unsqueeze(-1)


class SoftCount(nn.Module):
    """Logarithms of how much each entry of a profile counts for each candidate."""

    cosines: Tensor
    start: Tensor

    def __init__(self, temperature: float, cosines: Tensor) -> None:
        """Start from the data.

        Args:
            temperature: At the start, in standard deviations of cosines.
            cosines: Mean and standard deviation (2,) of cosines of candidates and entries.
        """
        super().__init__()
        self.register_buffer("cosines", cosines.clone())
        start = torch.tensor([math.log(temperature), _OFFSET]) / _SPEED
        self.register_buffer("start", start)
        self.log_temperature = nn.Parameter(start[0].clone())
        self.offset = nn.Parameter(start[1].clone())

    def moved(self) -> Tensor:
        """How far the logarithm of the temperature and the offset are from their start (2,)."""
        return torch.stack([self.log_temperature, self.offset]) - self.start

    def forward(self, cosine: Tensor, mask: Tensor) -> Tensor:
        """(z - offset) / temperature of (B, C, N), -infinity where the entry (B, N) is not.

        Args:
            cosine: Of candidates and entries (B, C, N); z is in standard deviations.
            mask: Which entries are there (B, N).
        """
        temperature = (_SPEED * self.log_temperature).exp()
        mean, deviation = self.cosines
        logs = ((cosine - mean) / deviation - _SPEED * self.offset) / temperature
        return logs.masked_fill(~mask.unsqueeze(1), -torch.inf)


def listwise_loss(relevance: Tensor, mask: Tensor, posted: Tensor) -> Tensor:
    """Minus the log-probability of a posted photo under a softmax over the item's photos.

    Averaged over the posted photos of a row, then over rows. Cao et al., "Learning to Rank: From
    Pairwise Approach to Listwise Approach", ICML 2007, with the posted photos as the target.

    Args:
        relevance: Shape (B, C).
        mask: True for real candidates, shape (B, C).
        posted: True for at least one candidate of each row, shape (B, C).
    """
    logs = relevance.masked_fill(~mask, -torch.inf).log_softmax(dim=1)
    own = logs.masked_fill(~posted, 0.0).sum(dim=1) / posted.sum(dim=1)
    return -own.mean()
