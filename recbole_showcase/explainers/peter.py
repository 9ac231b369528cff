"""PETER: a small transformer over the user, the item and the text, with three tasks.

Li, Zhang, Chen: "Personalized Transformer for Explainable Recommendation", ACL 2021, arXiv
2105.11601. The user and the item are the first two positions of the sequence. The attention mask is
left to right, but the user sees the item. The item's last state predicts the words of the text in
any order, which ties the ids to words; the user's predicts the rating; the text's predict the next
word.

Differences: without the paper's optional feature words (PETER+). The text's end is not among the
words to predict in any order. Texts are tokens of the project's tokenizer, and training is the
project's rather than by SGD. Layers, heads, dropout, the tasks' weights and how parameters start
are from the authors' code (github.com/lileipisces/PETER), the width scaled down, the start to it.
Ids alone are read, so a cold user or item is written for as nobody in particular (``ids.py``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.errors import SettingsError
from recbole_showcase.explainers.base import (
    Explainer,
    ExplainerInputs,
    greedy_texts,
    next_token_loss,
    sinusoids,
)
from recbole_showcase.explainers.ids import (
    IdEmbedding,
    context_loss,
    init_uniform,
    rating_loss,
    rating_regression,
    scaled_range,
)
from recbole_showcase.text.tokenizer import TextTokenizer


@dataclass(frozen=True)
class PeterSettings:
    """Settings; ``properties/explainer/peter.yaml`` explains them."""

    explainer_hidden_size: int = 128
    explainer_decoder_layers: int = 2
    explainer_heads: int = 2
    explainer_dropout: float = 0.2
    explainer_rating_weight: float = 0.1
    explainer_context_weight: float = 1.0
    explainer_unknown_rate: float = 0.05


class PeterExplainer(Explainer):
    """A transformer over user, item and text."""

    Settings = PeterSettings
    loss_names = ("cross_entropy", "rating", "context")

    def __init__(
        self, settings: PeterSettings, inputs: ExplainerInputs, tokenizer: TextTokenizer
    ) -> None:
        super().__init__(settings, inputs, tokenizer)
        width, heads = settings.explainer_hidden_size, settings.explainer_heads
        if width % heads:
            raise SettingsError(
                f"setting 'explainer_hidden_size' is {width}; allowed: multiples of "
                f"explainer_heads = {heads}"
            )
        rate = settings.explainer_unknown_rate
        init_range = scaled_range(0.1, at_width=512, width=width)  # the authors'
        self.users = IdEmbedding(inputs.known_users, width, rate, init_range)
        self.items = IdEmbedding(inputs.known_items, width, rate, init_range)
        self.words = nn.Embedding(len(tokenizer), width)
        self.layers = nn.ModuleList(
            PeterLayer(width, heads, settings.explainer_dropout)
            for _ in range(settings.explainer_decoder_layers)
        )
        self.output = nn.Linear(width, len(tokenizer))
        self.rating = rating_regression(width, width, 1, init_range)
        self.dropout = nn.Dropout(settings.explainer_dropout)
        for module in (self.words, self.output):
            init_uniform(module, init_range)

    def forward(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> tuple[Tensor, ...]:
        """Losses of the text, of the rating and of the words; see :meth:`Explainer.forward`."""
        text = self.words(batch.tokens[:, :-1])  # (B, T - 1, H)
        states = self._place(torch.cat([self._pair(batch), text], dim=1), 0)  # (B, S, H)
        # Padding is at the end of a text, where no position looks that counts.
        mask = peter_mask(states.shape[1]).to(states.device)
        for layer in self.layers:
            states = layer(states, states, mask)
        rating = self.rating(states[:, 0]).squeeze(1)  # (B,)
        ends = (self.tokenizer.bos_id, self.tokenizer.eos_id)
        words = context_loss(self.output(states[:, 1]), batch, ends)
        error = batch.weighed(rating_loss(rating, batch.ratings), "ratings")
        return (
            next_token_loss(self.output(states[:, 2:]), batch),
            self.settings.explainer_rating_weight * error,
            self.settings.explainer_context_weight * words,
        )

    @torch.no_grad()
    def generate(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> list[str]:
        """Texts of the pairs; see :meth:`Explainer.generate`."""
        states = self._place(self._pair(batch), 0)  # (B, 2, H)
        memory = []  # what each layer reads at the positions so far, (B, S, H) each
        for layer in self.layers:
            memory.append(states)
            states = layer(states, states)

        def step(tokens: Tensor, memory: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
            states = self._place(self.words(tokens).unsqueeze(1), memory[0].shape[1])  # (B, 1, H)
            longer = []
            for layer, past in zip(self.layers, memory, strict=True):
                longer.append(torch.cat([past, states], dim=1))
                states = layer(states, longer[-1])
            return self.output(states.squeeze(1)), longer

        return greedy_texts(step, memory, batch, self.tokenizer, self.inputs.max_tokens)

    @torch.no_grad()
    def rate(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> Tensor:
        """Predicted ratings; see :meth:`Explainer.rate`."""
        states = self._place(self._pair(batch), 0)  # (B, 2, H); the user sees no text
        for layer in self.layers:
            states = layer(states, states, peter_mask(2).to(states.device))
        return self.rating(states[:, 0]).squeeze(1)

    def _pair(self, batch: ExplanationBatch) -> Tensor:
        """Vectors of the user and the item (B, 2, H)."""
        return torch.stack([self.users(batch.users), self.items(batch.items)], dim=1)

    def _place(self, vectors: Tensor, start: int) -> Tensor:
        """Vectors (B, S, H) at the positions from ``start`` on, as the first layer reads them."""
        positions = torch.arange(start, start + vectors.shape[1], device=vectors.device)
        width = vectors.shape[2]
        periods = 10_000.0 ** (torch.arange(0, width, 2, device=vectors.device) / width)
        places = sinusoids(positions[:, None] / periods, width)  # (S, H)
        return self.dropout(vectors * math.sqrt(width) + places)


class PeterLayer(nn.Module):
    """A layer of the original transformer, in which some positions read others."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads, dropout, batch_first=True)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, 4 * width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(4 * width, width)
        )
        self.attention_norm = nn.LayerNorm(width)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, states: Tensor, read: Tensor, mask: Tensor | None = None) -> Tensor:
        """States (B, S, H) after reading (B, R, H), except where a mask (S, R) is True."""
        found, _ = self.attention(states, read, read, attn_mask=mask, need_weights=False)
        states = self.attention_norm(states + self.dropout(found))
        return self.feed_forward_norm(states + self.dropout(self.feed_forward(states)))


def peter_mask(length: int) -> Tensor:
    """Which positions (row) must not see which (column) (length, length): user, item, text.

    Everything sees itself and what stands before it, and the user sees the item.
    """
    mask = torch.ones(length, length, dtype=torch.bool).triu(diagonal=1)
    mask[0, 1] = False
    return mask
