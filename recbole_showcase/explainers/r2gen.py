"""A transformer whose decoder is steered by a relational memory of what it has written.

Chen, Song, Chang, Wan: "Generating Radiology Reports via Memory-driven Transformer", EMNLP 2020,
arXiv 2010.16056. A transformer encodes image features; while its decoder writes, a memory of a few
slots takes in each written token (relational memory), and the memory changes scale and shift of
the decoder's layer normalizations (memory-driven conditional layer normalization, MCLN). Sizes are
those of the authors' code (github.com/cuhksz-nlp/R2Gen), width scaled down. Differences: one CLIP
feature a photo, standardised, in place of a convolutional network's 49 regions an image; a learned
vector stands beside the photos, so that a pair without one has something to attend to; writing is
greedy, the authors' has a beam of 3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.data.inputs import Standardise
from recbole_showcase.explainers.base import (
    Explainer,
    ExplainerInputs,
    greedy_texts,
    next_token_loss,
    sinusoids,
)
from recbole_showcase.text.tokenizer import TextTokenizer


@dataclass(frozen=True)
class R2GenSettings:
    """Settings; ``properties/explainer/r2gen.yaml`` explains them."""

    explainer_hidden_size: int = 128
    explainer_layers: int = 3
    explainer_heads: int = 8
    explainer_memory_slots: int = 3
    explainer_photo_dropout: float = 0.5
    explainer_dropout: float = 0.1


@dataclass(frozen=True)
class Written:
    """How far a text has come.

    Attributes:
        embedded: Embedded tokens so far (B, T, H).
        memories: The memory after each of them (B, T, S * H).
    """

    embedded: Tensor
    memories: Tensor


class R2GenExplainer(Explainer):
    """An encoder of photos, a relational memory of the text, a decoder that both steer."""

    Settings = R2GenSettings
    loss_names = ("cross_entropy",)
    positions: Tensor

    def __init__(
        self, settings: R2GenSettings, inputs: ExplainerInputs, tokenizer: TextTokenizer
    ) -> None:
        super().__init__(settings, inputs, tokenizer)
        width = settings.explainer_hidden_size
        self.encoder = PhotoEncoder(settings, inputs.photo_statistics)
        self.embedding = nn.Embedding(len(tokenizer), width)
        rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
        angles = torch.arange(inputs.max_tokens + 2)[:, None] * rates
        self.register_buffer("positions", sinusoids(angles, width), persistent=False)
        self.dropout = nn.Dropout(settings.explainer_dropout)
        self.memory = RelationalMemory(settings)
        self.layers = nn.ModuleList(
            MemoryDrivenLayer(settings) for _ in range(settings.explainer_layers)
        )
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, len(tokenizer))
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)

    def forward(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> tuple[Tensor, ...]:
        """Mean cross-entropy of a target token; see :meth:`Explainer.forward`."""
        embedded = self._embed(batch.tokens[:, :-1])  # (B, T - 1, H)
        memories = self.memory(embedded)
        hidden = self._decode(Written(embedded, memories), *self.encoder(batch))
        return (next_token_loss(self.output(hidden), batch),)

    @torch.no_grad()
    def generate(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> list[str]:
        """Texts of the pairs; see :meth:`Explainer.generate`."""
        photos, photo_mask = self.encoder(batch)

        def step(token: Tensor, written: Written | None) -> tuple[Tensor, Written | None]:
            written = self._write(token, written)
            hidden = self._decode(written, photos, photo_mask)[:, -1]  # (B, H)
            return self.output(hidden), written

        return greedy_texts(step, None, batch, self.tokenizer, self.inputs.max_tokens)

    def _write(self, token: Tensor, written: Written | None) -> Written:
        """What was written with one more token (B,)."""
        place = 0 if written is None else written.embedded.shape[1]
        embedded = self._embed(token.unsqueeze(1), place)  # (B, 1, H)
        last = None if written is None else written.memories[:, -1]
        memory = self.memory.step(embedded[:, 0], last).unsqueeze(1)  # (B, 1, S * H)
        if written is None:
            return Written(embedded, memory)
        return Written(
            torch.cat([written.embedded, embedded], dim=1),
            torch.cat([written.memories, memory], dim=1),
        )

    def _embed(self, tokens: Tensor, place: int = 0) -> Tensor:
        """Embeddings (B, T, H) of tokens (B, T) that stand from a place on."""
        embedded = self.embedding(tokens) * math.sqrt(self.embedding.embedding_dim)
        return self.dropout(embedded + self.positions[place : place + tokens.shape[1]])

    def _decode(self, written: Written, photos: Tensor, photo_mask: Tensor) -> Tensor:
        """Hidden states (B, T, H) after each of the written tokens."""
        hidden, length = written.embedded, written.embedded.shape[1]
        ahead = torch.ones(length, length, dtype=torch.bool, device=hidden.device).triu(1)
        for layer in self.layers:
            hidden = layer(hidden, written.memories, ahead, photos, ~photo_mask)
        return self.norm(hidden)


class PhotoEncoder(nn.Module):
    """Self-attention over photos and a learned vector."""

    def __init__(self, settings: R2GenSettings, statistics: Tensor) -> None:
        super().__init__()
        width = settings.explainer_hidden_size
        self.project = nn.Sequential(
            Standardise(statistics),
            nn.Linear(statistics.shape[1], width),
            nn.ReLU(),
            nn.Dropout(settings.explainer_photo_dropout),
        )
        self.nothing = nn.Parameter(torch.randn(1, width) * 0.02)
        layer = nn.TransformerEncoderLayer(
            width,
            settings.explainer_heads,
            dim_feedforward=width,
            dropout=settings.explainer_dropout,
            batch_first=True,
            norm_first=True,
        )
        self.layers = nn.TransformerEncoder(
            layer, settings.explainer_layers, nn.LayerNorm(width), enable_nested_tensor=False
        )

    def forward(self, batch: ExplanationBatch) -> tuple[Tensor, Tensor]:
        """Hidden states (B, 1 + P, H) and their mask (B, 1 + P)."""
        nothing = self.nothing.expand(len(batch), 1, -1)
        photos = torch.cat([nothing, self.project(batch.photo_features)], dim=1)
        mask = F.pad(batch.photo_mask, (1, 0), value=True)
        return self.layers(photos, src_key_padding_mask=~mask), mask


class RelationalMemory(nn.Module):
    """A memory M of S slots that attends to itself and to each token y as it is written.

    Z = attention(M W_q, [M; y] W_k, [M; y] W_v); M~ = f(Z + M) + Z + M; then, gated as in an LSTM,
    M' = sigmoid(y W_f + tanh(M) U_f) * M + sigmoid(y W_i + tanh(M) U_i) * tanh(M~).
    """

    start: Tensor

    def __init__(self, settings: R2GenSettings) -> None:
        super().__init__()
        width, heads = settings.explainer_hidden_size, settings.explainer_heads
        self.slots = settings.explainer_memory_slots
        self.attention = nn.MultiheadAttention(
            width, heads, settings.explainer_dropout, batch_first=True
        )
        self.mlp = nn.Sequential(
            nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()
        )
        self.token_gates = nn.Linear(width, 2 * width)
        self.memory_gates = nn.Linear(width, 2 * width)
        self.register_buffer("start", torch.eye(self.slots, width).flatten(), persistent=False)

    def forward(self, embedded: Tensor) -> Tensor:
        """Memories (B, T, S * H) after each of the embedded tokens (B, T, H)."""
        memories: list[Tensor] = []
        for token in embedded.unbind(dim=1):
            memories.append(self.step(token, memories[-1] if memories else None))
        return torch.stack(memories, dim=1)

    def step(self, token: Tensor, memory: Tensor | None) -> Tensor:
        """The memory (B, S * H) after an embedded token (B, H); None is the memory of nothing."""
        if memory is None:
            memory = self.start.expand(len(token), -1)
        memory = memory.unflatten(1, (self.slots, -1))  # (B, S, H)
        token = token.unsqueeze(1)  # (B, 1, H)
        seen = torch.cat([memory, token], dim=1)  # (B, S + 1, H)
        attended = memory + self.attention(memory, seen, seen, need_weights=False)[0]
        candidate = attended + self.mlp(attended)
        gates = self.token_gates(token) + self.memory_gates(torch.tanh(memory))  # (B, S, 2 H)
        take, keep = torch.sigmoid(gates).chunk(2, dim=-1)
        return (take * torch.tanh(candidate) + keep * memory).flatten(1)


class MemoryDrivenNorm(nn.Module):
    """Layer normalization whose scale and shift the memory changes (MCLN)."""

    def __init__(self, width: int, slots: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))
        self.beta = nn.Parameter(torch.zeros(width))
        self.change_gamma = _mlp(slots * width, width)
        self.change_beta = _mlp(slots * width, width)

    def forward(self, hidden: Tensor, memories: Tensor) -> Tensor:
        """Hidden states (B, T, H) under the memories (B, T, S * H) of their places."""
        normal = F.layer_norm(hidden, hidden.shape[-1:])
        gamma = self.gamma + self.change_gamma(memories)
        return gamma * normal + self.beta + self.change_beta(memories)


class MemoryDrivenLayer(nn.Module):
    """A decoder layer: words, photos, feed-forward, each behind a memory-driven norm."""

    def __init__(self, settings: R2GenSettings) -> None:
        super().__init__()
        width, heads = settings.explainer_hidden_size, settings.explainer_heads
        dropout = settings.explainer_dropout
        self.norms = nn.ModuleList(
            MemoryDrivenNorm(width, settings.explainer_memory_slots) for _ in range(3)
        )
        self.words = nn.MultiheadAttention(width, heads, dropout, batch_first=True)
        self.photos = nn.MultiheadAttention(width, heads, dropout, batch_first=True)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, hidden: Tensor, memories: Tensor, ahead: Tensor, photos: Tensor, absent: Tensor
    ) -> Tensor:
        """Hidden states (B, T, H).

        Args:
            hidden: Hidden states (B, T, H).
            memories: The memory at each place (B, T, S * H).
            ahead: Where the second place lies ahead of the first (T, T).
            photos: Encoded photos (B, P, H).
            absent: Which of them are not there (B, P).
        """
        x = self.norms[0](hidden, memories)
        x, _ = self.words(x, x, x, attn_mask=ahead, need_weights=False)
        hidden = hidden + self.dropout(x)
        x = self.norms[1](hidden, memories)
        x, _ = self.photos(x, photos, photos, key_padding_mask=absent, need_weights=False)
        hidden = hidden + self.dropout(x)
        return hidden + self.dropout(self.feed_forward(self.norms[2](hidden, memories)))


def _mlp(inputs: int, outputs: int) -> nn.Sequential:
    """The two layers from the memory to a change of scale or shift; biases start at 0.1."""
    layers = nn.Linear(inputs, outputs), nn.Linear(outputs, outputs)
    for layer in layers:
        nn.init.constant_(layer.bias, 0.1)
    return nn.Sequential(layers[0], nn.ReLU(), layers[1])
