"""Users as ids: which photo would this user have taken? MF-ELVis and BRIE.

Both are in Paz-Ruza et al., "Sustainable Transparency on Recommender Systems: Bayesian Ranking of
Images for Explainability", Information Fusion 2024, arXiv 2308.01196. The score of a photo is
the dot product of a user's embedding and a linear projection of the photo's features. MF-ELVis
learns it as a classifier, with binary cross-entropy; BRIE as a ranking, with BPR and dropout. What
all models of authorship share is here too.

Differences: features are CLIP's, standardised over the training split. The papers sample ten
negatives of the same item and ten of others; here all photos of the item by others are negatives,
and so are the photos that other users of the batch posted, both kinds with equal weight. With
``relevance_negatives: likely`` only those are that are less like the user's own photos than most of
these are among themselves, see :mod:`recbole_showcase.data.taste`. A user without a training row
has no embedding, and gets the most typical photos, as of ``popular``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from recbole_showcase.data.batch import SelectionBatch
from recbole_showcase.data.inputs import Standardise
from recbole_showcase.relevance.base import RelevanceInputs, RelevanceModel
from recbole_showcase.relevance.clip import typicality


@dataclass(frozen=True)
class MFELVisSettings:
    """Settings; ``properties/relevance/mf_elvis.yaml`` explains them."""

    relevance_hidden_size: int = 64
    relevance_negatives: Literal["uniform", "likely"] = "uniform"
    relevance_likely_quantile: Annotated[float, Field(ge=0, le=1)] = 0.1


@dataclass(frozen=True)
class BRIESettings(MFELVisSettings):
    """Settings; ``properties/relevance/brie.yaml`` explains them."""

    relevance_dropout: float = 0.75


class AuthorshipRelevance(RelevanceModel):
    """How likely a user, known by an embedding alone, is the author of a photo."""

    loss_names = ("photo_authorship",)
    most_others: int | None = None  # of the photos posted in a batch, as negatives; None for all
    known: Tensor

    def __init__(self, settings: MFELVisSettings, inputs: RelevanceInputs) -> None:
        super().__init__(settings, inputs)
        size = settings.relevance_hidden_size
        self.users = nn.Embedding(len(inputs.known_users), size)
        self.standardise = Standardise(inputs.photo_statistics)
        self.project = nn.Linear(inputs.photo_statistics.shape[1], size)
        for weight in (self.users.weight, self.project.weight):
            nn.init.xavier_uniform_(weight)
        self.dropout = nn.Dropout(getattr(settings, "relevance_dropout", 0.0))
        self.register_buffer("known", inputs.known_users.clone())
        if settings.relevance_negatives == "likely":
            self.taste_quantile = settings.relevance_likely_quantile

    def forward(
        self, batch: SelectionBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> Tensor:
        """Relevance (B, C)."""
        photos = self._photos(batch.candidate_features, batch.candidate_mask)
        score = self._scores(self._users(batch.users), photos)
        typical = typicality(batch.candidate_features, batch.candidate_mask)
        known = self.known[batch.users].unsqueeze(1)
        return torch.where(known, score, typical) * batch.candidate_mask

    def losses(
        self,
        relevance: Tensor,
        batch: SelectionBatch,
        user_vectors: Tensor | None,
        item_vectors: Tensor | None,
    ) -> tuple[Tensor, ...]:
        """One loss against both kinds of negatives."""
        row, place = self._shown(batch)  # (N,)
        shown = batch.candidate_features[row, place].float()  # (N, D), photos posted in the batch
        there = torch.ones(len(shown), dtype=torch.bool, device=shown.device)
        others = self._scores(self._users(batch.users), self._photos(shown, there))  # (B, N)
        of_item = batch.candidate_mask & ~batch.by_user
        of_others = batch.users.unsqueeze(1) != batch.users[row].unsqueeze(0)  # (B, N)
        if self.taste_quantile is not None:
            own = batch.candidate_features.float().masked_fill(
                ~batch.candidate_mask.unsqueeze(2), 0.0
            )
            of_item = _likely(of_item, _cosines(own, batch), batch)
            of_others = _likely(of_others, _cosines(shown, batch), batch)
        negative = torch.cat([relevance, others], dim=1)
        halves = torch.cat([_shares(of_item), _shares(of_others)], dim=1)  # (B, C + N)
        weight = halves / halves.sum(dim=1, keepdim=True).clamp(min=1e-12)
        return (self._loss(relevance, batch.posted, negative, weight),)

    def _shown(self, batch: SelectionBatch) -> tuple[Tensor, Tensor]:
        """Rows and places (N,) of photos posted in the batch, negatives of its other users."""
        row, place = batch.posted_places
        if self.most_others is None or len(row) <= self.most_others:
            return row, place
        steps = torch.linspace(0, len(row) - 1, self.most_others, device=row.device).long()
        return row[steps], place[steps]

    def _loss(self, score: Tensor, posted: Tensor, negative: Tensor, weight: Tensor) -> Tensor:
        """Loss of posted scores (B, C) against negative ones (B, M) of weights that sum to one."""
        raise NotImplementedError

    def _users(self, users: Tensor) -> Tensor:
        """What stands for users (B, H)."""
        return self.dropout(self.users(users))

    def _photos(self, features: Tensor, mask: Tensor) -> Tensor:
        """What stands for photos (..., H) of features (..., D)."""
        features = features.float().masked_fill(~mask.unsqueeze(-1), 0.0)
        return self.dropout(self.project(self.standardise(features)))

    def _scores(self, users: Tensor, photos: Tensor) -> Tensor:
        """Scores (B, C) of users (B, H) and their photos (B, C, H), or of N for all (N, H)."""
        if photos.dim() == 2:
            return users @ photos.T
        return torch.bmm(photos, users.unsqueeze(2)).squeeze(2)


class MFELVisRelevance(AuthorshipRelevance):
    """Matrix factorisation with binary cross-entropy."""

    Settings = MFELVisSettings

    def _loss(self, score: Tensor, posted: Tensor, negative: Tensor, weight: Tensor) -> Tensor:
        """Posted and negative photos count alike, as the paper's oversampling has it."""
        own = (F.softplus(-score) * _shares(posted)).sum(dim=1)
        against = (F.softplus(negative) * weight).sum(dim=1)
        return (own + against).mean() / 2


class BRIERelevance(AuthorshipRelevance):
    """Bayesian pairwise ranking with dropout."""

    Settings = BRIESettings

    def _loss(self, score: Tensor, posted: Tensor, negative: Tensor, weight: Tensor) -> Tensor:
        margin = score.unsqueeze(2) - negative.unsqueeze(1)  # (B, C, M)
        pairs = _shares(posted).unsqueeze(2) * weight.unsqueeze(1)
        return (F.softplus(-margin) * pairs).sum(dim=(1, 2)).mean()


def _shares(chosen: Tensor) -> Tensor:
    """Equal weights (B, N) of those chosen that sum to one in a row; 0 in a row without any."""
    return chosen.float() / chosen.sum(dim=1, keepdim=True).clamp(min=1)


def _cosines(photos: Tensor, batch: SelectionBatch) -> Tensor:
    """Cosines (B, C) of each user's taste with photos (B, C, D) of the row or (N, D) of all."""
    unit = F.normalize(photos, dim=-1)
    if photos.dim() == 2:
        return batch.taste @ unit.T
    return torch.bmm(unit, batch.taste.unsqueeze(2)).squeeze(2)


def _likely(negatives: Tensor, cosines: Tensor, batch: SelectionBatch) -> Tensor:
    """Those of the negatives (B, M) that are likely true ones; all in a row without any."""
    likely = negatives & (cosines <= batch.taste_cosine.unsqueeze(1))
    return torch.where(likely.any(dim=1, keepdim=True), likely, negatives)
