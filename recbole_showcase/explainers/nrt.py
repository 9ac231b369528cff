"""NRT: a rating, the words of the review and a tip, from one pair of vectors.

Li, Wang, Ren, Bing, Lam: "Neural Rating Regression with Abstractive Tips Generation for
Recommendation", SIGIR 2017, arXiv 1708.00154. A perceptron predicts the rating; another predicts
which words the review has, in any order; a GRU that starts from both and from the user's and the
item's vectors writes the tip.

Differences: tip and review are one text here, the sample's target. The rating that starts the GRU
is the predicted one in training too, as in the re-implementation by Li, Zhang and Chen
(github.com/lileipisces/NRT): the true one of a new pair is not known. As in the authors' code
(github.com/lipiji/NRT-theano) the rating's loss is the mean squared error; what that code has
beyond the paper is left out. Losses of words are means over words rather than sums over texts.
Texts are tokens of the project's tokenizer; training and the penalty on weights are the project's;
decoding is greedy rather than by beam search. Sizes are from the paper, scaled down; how parameters
start is from the re-implementation, scaled to the width.
Ids alone are read, so a cold user or item is written for as nobody in particular (``ids.py``).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.explainers.base import (
    Explainer,
    ExplainerInputs,
    greedy_texts,
    next_token_loss,
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
class NrtSettings:
    """Settings; ``properties/explainer/nrt.yaml`` explains them."""

    explainer_hidden_size: int = 128
    explainer_id_size: int = 96
    explainer_rating_layers: int = 4
    explainer_dropout: float = 0.0
    explainer_stars: int = 5
    explainer_rating_weight: float = 1.0
    explainer_context_weight: float = 1.0
    explainer_unknown_rate: float = 0.05


class NrtExplainer(Explainer):
    """A GRU that starts from the pair, its predicted rating and its predicted words."""

    Settings = NrtSettings
    loss_names = ("cross_entropy", "rating", "context")

    def __init__(
        self, settings: NrtSettings, inputs: ExplainerInputs, tokenizer: TextTokenizer
    ) -> None:
        super().__init__(settings, inputs, tokenizer)
        width, size = settings.explainer_hidden_size, settings.explainer_id_size
        vocabulary, rate = len(tokenizer), settings.explainer_unknown_rate
        init_range = scaled_range(0.1, at_width=400, width=width)  # the re-implementation's
        self.users = IdEmbedding(inputs.known_users, size, rate, init_range)
        self.items = IdEmbedding(inputs.known_items, size, rate, init_range)
        layers = settings.explainer_rating_layers
        self.rating = rating_regression(2 * size, width, layers, init_range)
        self.context = nn.Linear(2 * size, width)
        self.context_words = nn.Linear(width, vocabulary)
        self.start = nn.Linear(2 * size + settings.explainer_stars + width, width)
        self.words = nn.Embedding(vocabulary, size)
        self.gru = nn.GRU(size, width, batch_first=True)
        self.output = nn.Linear(width, vocabulary)
        self.dropout = nn.Dropout(settings.explainer_dropout)
        for module in (self.context, self.context_words, self.start, self.words, self.output):
            init_uniform(module, init_range)

    def forward(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> tuple[Tensor, ...]:
        """Losses of the text, of the rating and of the words; see :meth:`Explainer.forward`."""
        rating, context, start = self._encode(batch)
        hidden, _ = self.gru(self.dropout(self.words(batch.tokens[:, :-1])), start)
        logits = self.output(self.dropout(hidden))  # (B, T - 1, V)
        ends = (self.tokenizer.bos_id, self.tokenizer.eos_id)
        words = context_loss(self.context_words(context), batch, ends)
        error = batch.weighed(rating_loss(rating, batch.ratings), "ratings")
        return (
            next_token_loss(logits, batch),
            self.settings.explainer_rating_weight * error,
            self.settings.explainer_context_weight * words,
        )

    @torch.no_grad()
    def generate(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> list[str]:
        """Texts of the pairs; see :meth:`Explainer.generate`."""

        def step(tokens: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
            hidden, state = self.gru(self.words(tokens).unsqueeze(1), state)  # (B, 1, H)
            return self.output(hidden).squeeze(1), state

        _, _, start = self._encode(batch)
        return greedy_texts(step, start, batch, self.tokenizer, self.inputs.max_tokens)

    @torch.no_grad()
    def rate(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> Tensor:
        """Predicted ratings; see :meth:`Explainer.rate`."""
        return self._encode(batch)[0]

    def _encode(self, batch: ExplanationBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Predicted ratings (B,), hidden states of the words (B, H), start of the GRU (1, B, H)."""
        pair = torch.cat([self.users(batch.users), self.items(batch.items)], dim=1)  # (B, 2 D)
        rating = self.rating(pair).squeeze(1)
        context = torch.sigmoid(self.context(pair))
        stars = self.settings.explainer_stars
        # A class from 1 to the most stars; the choice of a class has no gradient.
        one_hot = F.one_hot(rating.detach().clamp(1, stars).long() - 1, stars)
        start = torch.tanh(self.start(torch.cat([pair, one_hot, context], dim=1)))
        return rating, context, start.unsqueeze(0)
