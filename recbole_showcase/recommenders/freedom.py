"""FREEDOM: a frozen graph of items that look alike beside a pruned graph of users and items.

Xin Zhou and Zhiqi Shen, "A Tale of Two Graphs: Freezing and Denoising Graph Structures for
Multimodal Recommendation", ACM Multimedia 2023.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import scipy.sparse as sp
import torch
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt
from torch import Tensor, nn
from torch.nn.functional import softplus

from recbole_showcase.recommenders.base import Modalities, SeeingRecommender
from recbole_showcase.recommenders.graphs import (
    Graph,
    light_gcn,
    look_alike_graph,
    pruned,
    user_item_graph,
)


@dataclass(frozen=True)
class FREEDOMSettings:
    """``properties/model/FREEDOM.yaml`` explains them and has the same defaults."""

    modalities: Modalities = ("image", "review")
    embedding_size: PositiveInt = 64
    n_layers: NonNegativeInt = 2
    n_item_layers: NonNegativeInt = 1
    knn_k: PositiveInt = 10
    image_weight: Annotated[float, Field(ge=0, le=1)] = 0.1
    edge_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.8
    feature_loss_weight: NonNegativeFloat = 0.001


class FREEDOM(SeeingRecommender):
    """LightGCN on what is left of the visits, and the vectors of items that look alike on top."""

    Settings = FREEDOMSettings
    settings: FREEDOMSettings

    def build(self, config: Any, interactions: Any) -> None:
        """Make the tables, a projection a modality, and the graphs; that of items stays."""
        size = self.settings.embedding_size
        self.user_embedding = nn.Embedding(self.n_users, size)
        self.item_embedding = nn.Embedding(self.n_items, size)
        # A bias would be in both scores of a difference, and cancel.
        self.projections = nn.ModuleDict(
            {name: nn.Linear(part.dim, size, bias=False) for name, part in self.parts()}
        )
        self._interactions = interactions
        self._pruning_seed: int = config["seed"]
        whole = user_item_graph(interactions)
        self.whole, self.pruned = Graph(whole), Graph(whole)
        self.alike = Graph(self._items_alike())

    def _items_alike(self) -> Any:
        """The graphs of the modalities, weighted by their importance.

        Of an item that has some of the modalities, these have the weight of all.
        """
        image = self.settings.image_weight
        importance = {"image": image, "review": 1 - image}
        shares = {name: importance[name] * part.known for name, part in self.parts()}
        whole = torch.stack([*shares.values()]).sum(dim=0)  # (n_items, 1)
        whole = whole.clamp(min=torch.finfo().tiny)
        k = self.settings.knn_k
        graphs = {n: look_alike_graph(p.vectors, p.known, k) for n, p in self.parts()}
        return sum(
            sp.diags((shares[name] / whole).squeeze(1).numpy()) @ graph
            for name, graph in graphs.items()
        )

    def pre_epoch(self, epoch: int) -> None:
        """Draw the edges that the epoch learns from; those of an epoch and a seed are the same.

        Without it the epoch learns from all. The trainer calls it.
        """
        random = np.random.default_rng((self._pruning_seed, epoch))
        kept = pruned(self._interactions, self.settings.edge_dropout, random)
        self.pruned.become(user_item_graph(kept))

    def forward(self) -> tuple[Tensor, Tensor]:
        """Vectors of all users and items, over all visits."""
        return self._propagated(self.whole)

    def _propagated(self, graph: Graph) -> tuple[Tensor, Tensor]:
        items = self.item_embedding.weight * self.trained
        alike = items
        for _ in range(self.settings.n_item_layers):
            alike = self.alike(alike)
        together = torch.cat([self.user_embedding.weight, items])
        users, propagated = light_gcn(graph, together, self.settings.n_layers).split(
            [self.n_users, self.n_items]
        )
        return users, propagated + alike

    def calculate_loss(self, interaction: Any) -> Tensor:
        """BPR of the vectors, and, weighted, BPR of the same users and the projected features.

        A modality counts where both items have it.
        """
        all_users, all_items = self._propagated(self.pruned)
        users = all_users[interaction[self.USER_ID]]
        item, other = interaction[self.ITEM_ID], interaction[self.NEG_ITEM_ID]
        loss = softplus(-(users * (all_items[item] - all_items[other])).sum(dim=1))
        for name, part in self.parts():
            better = self.projections[name](part.vectors[item] - part.vectors[other])
            known = (part.known[item] * part.known[other]).squeeze(1)
            seen = softplus(-(users * better).sum(dim=1))
            loss = loss + self.settings.feature_loss_weight * known * seen
        return loss.mean()
