"""MMA: photos, past reviews and the recommender's vectors under stacked self-attention."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.explainers.base import ExplainerInputs, Standardise


@dataclass(frozen=True)
class EncoderSettings:
    """Settings of the encoder; the explainer's YAML file explains and defaults them."""

    explainer_hidden_size: int
    explainer_attention_layers: int
    explainer_heads: int
    explainer_dropout: float
    explainer_use_photos: bool
    explainer_use_reviews: bool


@dataclass(frozen=True)
class Memory:
    """What the encoder makes of a batch, and where in it each kind of input is.

    Attributes:
        states: Hidden states (B, S, H).
        mask: Which of them are there (B, S).
        places: Columns of each kind of input: nothing, user, item, photo, review.
    """

    states: Tensor
    mask: Tensor
    places: dict[str, slice]

    def of(self, kind: str) -> tuple[Tensor, Tensor]:
        """Hidden states (B, P, H) and mask (B, P) of one kind of input."""
        place = self.places.get(kind, slice(0, 0))
        return self.states[:, place], self.mask[:, place]


class MultiModalEncoder(nn.Module):
    """Photos, reviews and the recommender's vectors as one sequence under self-attention."""

    def __init__(
        self, settings: EncoderSettings, inputs: ExplainerInputs, output_size: int
    ) -> None:
        super().__init__()
        width = settings.explainer_hidden_size
        self.projections = nn.ModuleDict()
        for kind, used, statistics in (
            ("photo", settings.explainer_use_photos, inputs.photo_statistics),
            ("review", settings.explainer_use_reviews, inputs.review_statistics),
        ):
            if used:
                project = nn.Linear(statistics.shape[1], width)
                self.projections[kind] = nn.Sequential(
                    Standardise(statistics), project, nn.LayerNorm(width)
                )
        for kind, size in (("user", inputs.user), ("item", inputs.item)):
            if size:
                self.projections[kind] = nn.Sequential(nn.Linear(size, width), nn.LayerNorm(width))
        self.kinds = nn.ParameterDict(
            {kind: nn.Parameter(torch.randn(width) * 0.02) for kind in self.projections}
        )
        # Attention needs a place to look at where a pair has no photo, no review and no vectors.
        self.nothing = nn.Parameter(torch.randn(width) * 0.02)
        layer = nn.TransformerEncoderLayer(
            width,
            settings.explainer_heads,
            dim_feedforward=4 * width,
            dropout=settings.explainer_dropout,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.layers = nn.TransformerEncoder(
            layer,
            settings.explainer_attention_layers,
            norm=nn.LayerNorm(width),
            enable_nested_tensor=False,
        )
        same = output_size == width
        self.output = nn.Identity() if same else nn.Linear(width, output_size)

    def forward(
        self, batch: ExplanationBatch, users: Tensor | None, items: Tensor | None
    ) -> Memory:
        """Attend over all inputs: S = 1 + U + I + P + R positions."""
        always = torch.ones_like(batch.users, dtype=torch.bool).unsqueeze(1)  # (B, 1)
        inputs: dict[str, tuple[Tensor | None, Tensor]] = {
            "user": (None if users is None else users.unsqueeze(1), always),
            "item": (None if items is None else items.unsqueeze(1), always),
            "photo": (batch.photo_features, batch.photo_mask),
            "review": (batch.review_features, batch.review_mask),
        }
        states = [self.nothing.expand(len(batch), 1, -1)]
        masks = [always]
        places = {"nothing": slice(0, 1)}
        end = 1
        for kind, (features, mask) in inputs.items():
            if kind in self.projections and features is not None:
                states.append(self.projections[kind](features) + self.kinds[kind])
                masks.append(mask)
                places[kind] = slice(end, end := end + mask.shape[1])
        mask = torch.cat(masks, dim=1)  # (B, S)
        hidden = self.layers(torch.cat(states, dim=1), src_key_padding_mask=~mask)  # (B, S, H)
        return Memory(self.output(hidden), mask, places)
