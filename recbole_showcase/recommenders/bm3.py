"""BM3: vectors of users, items and what items show, which learn from each other without negatives.

Xin Zhou et al., "Bootstrap Latent Representations for Multi-modal Recommendation", WWW 2023. A view
is what dropout leaves of a vector; the predictor turns the other side of a comparison, and no
gradient goes into the view that is compared with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import torch
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt
from recbole.utils import InputType
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, dropout

from recbole_showcase.errors import SettingsError
from recbole_showcase.precision import whole
from recbole_showcase.recommenders.base import Modalities, SeeingRecommender
from recbole_showcase.recommenders.graphs import Graph, light_gcn, user_item_graph


@dataclass(frozen=True)
class BM3Settings:
    """``properties/model/BM3.yaml`` explains them and has the same defaults."""

    modalities: Modalities = ("image", "review")
    embedding_size: PositiveInt = 64
    n_layers: NonNegativeInt = 1
    dropout_prob: Annotated[float, Field(ge=0, lt=1)] = 0.3
    reg_weight: NonNegativeFloat = 0.1
    feature_loss_weight: NonNegativeFloat = 1.0


class BM3(SeeingRecommender):
    """LightGCN's vectors, learned by views of themselves and of the projected features."""

    Settings = BM3Settings
    settings: BM3Settings
    input_type = InputType.POINTWISE

    def build(self, config: Any, interactions: Any) -> None:
        """Make the tables, the graph, a projection a modality, and the predictor.

        Raises:
            SettingsError: If negatives are to be drawn, which would be learned as if visited.
        """
        if config["train_neg_sample_args"]["distribution"] != "none":
            raise SettingsError(
                f"setting 'train_neg_sample_args' is {config['train_neg_sample_args']}; allowed: "
                f"none (~), since {type(self).__name__} learns without negatives"
            )
        size = self.settings.embedding_size
        self.user_embedding = nn.Embedding(self.n_users, size)
        self.item_embedding = nn.Embedding(self.n_items, size)
        self.graph = Graph(user_item_graph(interactions))
        self.projections = nn.ModuleDict(
            {name: nn.Linear(part.dim, size) for name, part in self.parts()}
        )
        self.predictor = nn.Linear(size, size)

    def forward(self) -> tuple[Tensor, Tensor]:
        """Vectors of all users and items, an item's with its table's row on top (h in the paper).

        Where an item has no training interaction, the mean of its projected features stands for
        it, which learning has drawn to the vectors of items.
        """
        items = self.item_embedding.weight * self.trained
        together = torch.cat([self.user_embedding.weight, items])
        users, propagated = light_gcn(self.graph, together, self.settings.n_layers).split(
            [self.n_users, self.n_items]
        )
        items = propagated + items
        return users, items if self.training else items + self._of_untrained()

    def _of_untrained(self) -> Tensor:
        """Vectors (n_items, K) of items without training interactions, zeros for the others."""
        parts = [self.projections[n](part.vectors) * part.known for n, part in self.parts()]
        known = torch.stack([part.known for _, part in self.parts()]).sum(dim=0)
        return torch.stack(parts).sum(dim=0) / known.clamp(min=1) * (1 - self.trained)

    def for_ranking(self, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        """Both through the predictor."""
        return self.predictor(users), self.predictor(items)

    def calculate_loss(self, interaction: Any) -> Tensor:
        """Reconstruction of the visits, alignment of modalities, masked modalities, squares."""
        all_users, all_items = self.forward()
        item = interaction[self.ITEM_ID]
        users, items = all_users[interaction[self.USER_ID]], all_items[item]
        item_view = self._view(items)
        loss = self._unlike(self.predictor(users), item_view)
        loss = loss + self._unlike(self.predictor(items), self._view(users))
        for name, part in self.parts():
            vectors = self.projections[name](part.vectors[item])
            predicted = self.predictor(vectors)
            aligned = self._unlike(predicted, item_view)
            masked = self._unlike(predicted, self._view(vectors))
            known = part.known[item].squeeze(1)
            loss = loss + self.settings.feature_loss_weight * known * (aligned + masked)
        squares = users.square().sum(dim=1) + items.square().sum(dim=1)
        return (loss + self.settings.reg_weight * squares).mean()

    def _view(self, vectors: Tensor) -> Tensor:
        """What dropout leaves, without a gradient."""
        return dropout(vectors, self.settings.dropout_prob, self.training).detach()

    @staticmethod
    def _unlike(predicted: Tensor, view: Tensor) -> Tensor:
        """The negative cosine (B,)."""
        return -cosine_similarity(whole(predicted), whole(view), dim=1)
