"""Users as ids: which photo would this user have taken? MF-ELVis and BRIE.

Both are in Paz-Ruza et al., "Sustainable Transparency on Recommender Systems: Bayesian Ranking of
Images for Explainability", Information Fusion 2024, arXiv 2308.01196. The score of a photo is
the dot product of a user's embedding and a linear projection of the photo's features. MF-ELVis
learns it as a classifier, with binary cross-entropy; BRIE as a ranking, with BPR and dropout.

Differences: features are CLIP's, standardised over the training split. The papers sample ten
negatives of the same item and ten of others; here all other photos of the item are negatives, and
so are the photos that other users of the batch posted, both kinds with equal weight. A user
without a training row has no embedding, and gets the most typical photos, as of ``popular``.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recbole_showcase.data.batch import SelectionBatch
from recbole_showcase.data.inputs import Standardise
from recbole_showcase.relevance.base import RelevanceInputs, RelevanceModel
from recbole_showcase.relevance.clip import typicality


@dataclass(frozen=True)
class MFELVisSettings:
    """Settings; ``properties/relevance/mf_elvis.yaml`` explains them."""

    relevance_hidden_size: int = 64


@dataclass(frozen=True)
class BRIESettings(MFELVisSettings):
    """Settings; ``properties/relevance/brie.yaml`` explains them."""

    relevance_dropout: float = 0.75


class AuthorshipRelevance(RelevanceModel):
    """Dot product of a user's embedding and a projected photo."""

    loss_names = ("photo_authorship",)
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

    def forward(
        self, batch: SelectionBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> Tensor:
        """Relevance (B, C)."""
        user = self.dropout(self.users(batch.users)).unsqueeze(2)  # (B, H, 1)
        photos = self._photos(batch.candidate_features, batch.candidate_mask)
        score = torch.bmm(photos, user).squeeze(2)
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
        others, same_user = self._others(batch)  # (B, N)
        negative = torch.cat([relevance, others], dim=1)
        of_item = batch.candidate_mask & ~batch.posted
        halves = torch.cat([_shares(of_item), _shares(~same_user)], dim=1)  # (B, C + N)
        weight = halves / halves.sum(dim=1, keepdim=True).clamp(min=1e-12)
        return (self._loss(relevance, batch.posted, negative, weight),)

    def _loss(self, score: Tensor, posted: Tensor, negative: Tensor, weight: Tensor) -> Tensor:
        """Loss of posted scores (B, C) against negative ones (B, M) of weights that sum to one."""
        raise NotImplementedError

    def _photos(self, features: Tensor, mask: Tensor) -> Tensor:
        features = features.float().masked_fill(~mask.unsqueeze(-1), 0.0)
        return self.dropout(self.project(self.standardise(features)))  # (B, C, H)

    def _others(self, batch: SelectionBatch) -> tuple[Tensor, Tensor]:
        """Scores (B, N) of all photos posted in the batch, and which are the user's own."""
        row, place = batch.posted.nonzero(as_tuple=True)  # (N,)
        photos = self._photos(batch.candidate_features[row, place], batch.posted[row, place])
        same_user = batch.users.unsqueeze(1) == batch.users[row].unsqueeze(0)  # (B, N)
        return self.dropout(self.users(batch.users)) @ photos.T, same_user


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
