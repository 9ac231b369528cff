"""VBPR: matrix factorization with a second pair of vectors that looks at the item.

Ruining He and Julian McAuley, "VBPR: Visual Bayesian Personalized Ranking from Implicit Feedback",
AAAI 2016. The paper's constant and the user's bias are left out: they are in both scores of a BPR
difference and cancel, in learning and in a user's ranking.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from pydantic import NonNegativeFloat, PositiveInt
from torch import Tensor, nn

from recbole_showcase.recommenders.base import Modalities, SeeingRecommender


@dataclass(frozen=True)
class VBPRSettings:
    """``properties/model/VBPR.yaml`` explains them and has the same defaults."""

    modalities: Modalities = ("image",)
    embedding_size: PositiveInt = 64
    feature_embedding_size: PositiveInt = 64
    reg_weight: NonNegativeFloat = 0.0001
    feature_reg_weight: NonNegativeFloat = 0.0


class VBPR(SeeingRecommender):
    """x(u, i) = b_i + g_u·g_i + t_u·(E f_i) + b'·f_i, learned by BPR.

    The paper's gamma is g, theta is t and beta is b; f_i are the features of the item, of all
    modalities one after the other, over the root of their number: their mean square length is one,
    so that a step moves this part of a score about as far as the other.
    """

    Settings = VBPRSettings
    settings: VBPRSettings

    def build(self, config: Any, interactions: Any) -> None:
        """Make the tables, and the projection of the features."""
        own, seen = self.settings.embedding_size, self.settings.feature_embedding_size
        dim = sum(part.dim for _, part in self.parts())
        self.user_embedding = nn.Embedding(self.n_users, own)
        self.item_embedding = nn.Embedding(self.n_items, own)
        self.item_bias = nn.Embedding(self.n_items, 1)
        self.user_feature_embedding = nn.Embedding(self.n_users, seen)
        self.feature_projection = nn.Linear(dim, seen, bias=False)
        self.feature_bias = nn.Linear(dim, 1, bias=False)

    def forward(self) -> tuple[Tensor, Tensor]:
        """Vectors of all users and of all items; the last entry is 1 and the bias."""
        everyone = torch.arange(self.n_users, device=self.trained.device)
        everything = torch.arange(self.n_items, device=self.trained.device)
        return self._users(everyone), self._items(everything)

    def _users(self, users: Tensor) -> Tensor:
        """Vectors (B, K + D' + 1) of users (B,)."""
        own, seen = self.user_embedding(users), self.user_feature_embedding(users)
        return torch.cat([own, seen, torch.ones_like(own[:, :1])], dim=1)

    def _items(self, items: Tensor) -> Tensor:
        """Vectors (B, K + D' + 1) of items (B,)."""
        features = torch.cat([part.vectors[items] for _, part in self.parts()], dim=1)
        features = features / features.shape[1] ** 0.5
        own, bias = self._own(items)
        bias = bias + self.feature_bias(features)
        return torch.cat([own, self.feature_projection(features), bias], dim=1)

    def _own(self, items: Tensor) -> tuple[Tensor, Tensor]:
        """What is learned of items (B,) themselves: vectors (B, K) and biases (B, 1)."""
        trained = self.trained[items]
        return self.item_embedding(items) * trained, self.item_bias(items) * trained

    def calculate_loss(self, interaction: Any) -> Tensor:
        """-ln sigmoid(x(u, i) - x(u, j)), and half the squares of what is learned, weighted."""
        user, item = interaction[self.USER_ID], interaction[self.ITEM_ID]
        other = interaction[self.NEG_ITEM_ID]
        users = self._users(user)
        better = (users * (self._items(item) - self._items(other))).sum(dim=1)
        own = [self.user_embedding(user), self.user_feature_embedding(user)]
        own += [*self._own(item), *self._own(other)]
        squares = sum(part.square().sum(dim=1) for part in own)
        layers = (self.feature_projection, self.feature_bias)
        shared = sum(layer.weight.square().sum() for layer in layers)
        penalty = self.settings.reg_weight * squares + self.settings.feature_reg_weight * shared
        return (nn.functional.softplus(-better) + penalty / 2).mean()
