"""ELVis: a network says how likely a user is the author of a photo.

Díez, Pérez-Núñez, Luaces, Remeseiro and Bahamonde, "Towards explainable personalized
recommendations by learning from users' photos", Information Sciences 2020, arXiv 2510.21455. A
user's embedding e and a linear projection v of the photo's features, each as wide as the hidden
layer, go through

    a = ReLU([e; v])        b = ReLU(W a + c)        P(author) = sigmoid(w · b + d)

with dropout on a and b, and the network is trained with binary cross-entropy. The paper sets
against a photo ten of the same restaurant by others and ten of other restaurants, and repeats the
photo as often, so that both classes weigh alike.

Differences: those of :mod:`recbole_showcase.relevance.authorship`. Its negatives of the same item
are all of which the paper draws ten, those of other users up to 64 that were posted in the batch,
since each pair of a user and a photo goes through the network: what the draws estimate. Relevance
is the logit, which orders photos as the probability does. Dropout on a is drawn once for a user and
once for a photo, and not anew for each pair of the two.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recbole_showcase.relevance.authorship import MFELVisRelevance, MFELVisSettings
from recbole_showcase.relevance.base import RelevanceInputs


@dataclass(frozen=True)
class ELVisSettings(MFELVisSettings):
    """Settings; ``properties/relevance/elvis.yaml`` explains them."""

    relevance_hidden_size: int = 256
    relevance_dropout: float = 0.2


class ELVisRelevance(MFELVisRelevance):
    """A hidden layer over a user's embedding and a projected photo, with binary cross-entropy."""

    Settings = ELVisSettings
    most_others = 64

    def __init__(self, settings: ELVisSettings, inputs: RelevanceInputs) -> None:
        super().__init__(settings, inputs)
        size = settings.relevance_hidden_size
        self.hidden = nn.Linear(2 * size, size)
        self.author = nn.Linear(size, 1)
        for weight in (self.hidden.weight, self.author.weight):
            nn.init.xavier_uniform_(weight)

    def _users(self, users: Tensor) -> Tensor:
        return self.dropout(torch.relu(self.users(users)))

    def _photos(self, features: Tensor, mask: Tensor) -> Tensor:
        features = features.float().masked_fill(~mask.unsqueeze(-1), 0.0)
        return self.dropout(torch.relu(self.project(self.standardise(features))))

    def _scores(self, users: Tensor, photos: Tensor) -> Tensor:
        # W [e; v] = W_e e + W_v v: users and photos go through once each, not once a pair.
        of_user, of_photo = self.hidden.weight.chunk(2, dim=1)
        said = F.linear(photos, of_photo, self.hidden.bias)  # (B, C, H) or (N, H)
        b = torch.relu(F.linear(users, of_user).unsqueeze(1) + said)  # (B, C, H) or (B, N, H)
        return self.author(self.dropout(b)).squeeze(2)
