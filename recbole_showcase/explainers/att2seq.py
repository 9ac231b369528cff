"""Att2Seq: from attributes to a review by an LSTM that attends to the attributes.

Dong, Huang, Wei, Lapata, Zhou, Xu: "Learning to Generate Product Reviews from Attributes", EACL
2017. The vectors of the attributes start the hidden states of a stacked LSTM, and each word is
chosen from the LSTM's state and an attention over the attributes.

Differences: the attributes are the user and the item; the paper's third, the rating, is what a
recommender does not know of a new pair, and the re-implementation by Li, Zhang and Chen
(github.com/lileipisces/Att2Seq), from which others report this model, leaves it out too. That one
has no attention; ours has the paper's. Texts are tokens of the project's tokenizer, and training is
the project's rather than by RMSProp. Sizes, dropout and how parameters start are from the paper,
the width scaled down and the start to it.
Ids alone are read, so a cold user or item is written for as nobody in particular (``ids.py``).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.explainers.base import (
    Explainer,
    ExplainerInputs,
    greedy_texts,
    next_token_loss,
)
from recbole_showcase.explainers.ids import IdEmbedding, scaled_range
from recbole_showcase.text.tokenizer import TextTokenizer


@dataclass(frozen=True)
class Att2SeqSettings:
    """Settings; ``properties/explainer/att2seq.yaml`` explains them."""

    explainer_hidden_size: int = 128
    explainer_id_size: int = 64
    explainer_decoder_layers: int = 2
    explainer_dropout: float = 0.2
    explainer_unknown_rate: float = 0.05


class Att2SeqExplainer(Explainer):
    """An LSTM that starts from the user's and the item's vectors and attends to them."""

    Settings = Att2SeqSettings
    loss_names = ("cross_entropy",)

    def __init__(
        self, settings: Att2SeqSettings, inputs: ExplainerInputs, tokenizer: TextTokenizer
    ) -> None:
        super().__init__(settings, inputs, tokenizer)
        width, layers = settings.explainer_hidden_size, settings.explainer_decoder_layers
        size, rate = settings.explainer_id_size, settings.explainer_unknown_rate
        self.start = nn.Linear(2 * size, layers * width)
        self.words = nn.Embedding(len(tokenizer), width)
        # Dropout is between the layers, so one layer has none.
        dropout = settings.explainer_dropout if layers > 1 else 0.0
        self.lstm = nn.LSTM(width, width, layers, dropout=dropout, batch_first=True)
        self.attention = AttributeAttention(width, size)
        self.output = nn.Linear(width, len(tokenizer))
        init_range = scaled_range(0.08, at_width=512, width=width)  # the paper's
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -init_range, init_range)
        self.users = IdEmbedding(inputs.known_users, size, rate, init_range)
        self.items = IdEmbedding(inputs.known_items, size, rate, init_range)

    def forward(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> tuple[Tensor, ...]:
        """Mean cross-entropy of a target token; see :meth:`Explainer.forward`."""
        attributes = self._attributes(batch)
        hidden, _ = self.lstm(self.words(batch.tokens[:, :-1]), self._start(attributes))
        logits = self.output(self.attention(hidden, attributes))  # (B, T - 1, V)
        return (next_token_loss(logits, batch),)

    @torch.no_grad()
    def generate(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> list[str]:
        """Texts of the pairs; see :meth:`Explainer.generate`."""
        attributes = self._attributes(batch)

        def step(
            tokens: Tensor, state: tuple[Tensor, Tensor]
        ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
            hidden, state = self.lstm(self.words(tokens).unsqueeze(1), state)  # (B, 1, H)
            return self.output(self.attention(hidden, attributes)).squeeze(1), state

        start = self._start(attributes)
        return greedy_texts(step, start, batch, self.tokenizer, self.inputs.max_tokens)

    def _attributes(self, batch: ExplanationBatch) -> Tensor:
        """Vectors of the user and the item (B, 2, D)."""
        return torch.stack([self.users(batch.users), self.items(batch.items)], dim=1)

    def _start(self, attributes: Tensor) -> tuple[Tensor, Tensor]:
        """The LSTM's first hidden states and cells, (layers, B, H) each."""
        layers = self.settings.explainer_decoder_layers
        states = torch.tanh(self.start(attributes.flatten(1))).chunk(layers, dim=1)
        hidden = torch.stack(states)  # (layers, B, H)
        return hidden, torch.zeros_like(hidden)


class AttributeAttention(nn.Module):
    """Mixes into a decoder's states what it attends to among the attributes.

    With states h_t and attribute vectors a_i: s_ti = exp(tanh(w [h_t; a_i])), normalised over i;
    c_t = sum_i s_ti a_i; the result is tanh(W_1 c_t + W_2 h_t).
    """

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        # The score of a concatenation, as the sum of the scores of its parts.
        self.state_score = nn.Linear(width, 1, bias=False)
        self.attribute_score = nn.Linear(size, 1, bias=False)
        self.of_context = nn.Linear(size, width, bias=False)
        self.of_state = nn.Linear(width, width, bias=False)

    def forward(self, states: Tensor, attributes: Tensor) -> Tensor:
        """States (B, T, H) after attending to attributes (B, A, D)."""
        scores = self.state_score(states) + self.attribute_score(attributes).mT  # (B, T, A)
        context = torch.tanh(scores).softmax(dim=-1) @ attributes  # (B, T, D)
        return torch.tanh(self.of_context(context) + self.of_state(states))
