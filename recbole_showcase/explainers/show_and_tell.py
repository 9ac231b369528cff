"""An image captioner that sees the photos once, before the first word.

Vinyals, Toshev, Bengio, Erhan: "Show and Tell: A Neural Image Caption Generator", CVPR 2015,
arXiv 1411.4555. An embedding of the image is the input of an LSTM at t = -1; from then on the LSTM
reads words only. Differences: the image is the mean of the photos' CLIP features, standardised, in
place of a convolutional network's (a pair without a photo gets the mean photo of the training
split); the LSTM is torch's, with biases and the usual tanh, as in the authors' later code
(``im2txt`` in github.com/tensorflow/models); writing is greedy, the paper's has a beam.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.data.inputs import Standardise
from recbole_showcase.explainers.base import (
    Explainer,
    ExplainerInputs,
    greedy_texts,
    masked_mean,
    next_token_loss,
)
from recbole_showcase.text.tokenizer import TextTokenizer

LSTMState = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class ShowAndTellSettings:
    """Settings; ``properties/explainer/show_and_tell.yaml`` explains them."""

    explainer_hidden_size: int = 128
    explainer_dropout: float = 0.3


class ShowAndTellExplainer(Explainer):
    """An LSTM whose first input is the photos and whose other inputs are words."""

    Settings = ShowAndTellSettings
    loss_names = ("cross_entropy",)

    def __init__(
        self, settings: ShowAndTellSettings, inputs: ExplainerInputs, tokenizer: TextTokenizer
    ) -> None:
        super().__init__(settings, inputs, tokenizer)
        width = settings.explainer_hidden_size
        self.standardise = Standardise(inputs.photo_statistics)
        self.image_embedding = nn.Linear(inputs.photo_statistics.shape[1], width)
        self.word_embedding = nn.Embedding(len(tokenizer), width)
        self.lstm = nn.LSTM(width, width, batch_first=True)
        self.output = nn.Linear(width, len(tokenizer))
        self.dropout = nn.Dropout(settings.explainer_dropout)

    def forward(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> tuple[Tensor, ...]:
        """Mean cross-entropy of a target token; see :meth:`Explainer.forward`."""
        logits, _ = self._read(batch.tokens[:, :-1], self._look(batch))
        return (next_token_loss(logits, batch),)

    @torch.no_grad()
    def generate(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> list[str]:
        """Texts of the pairs; see :meth:`Explainer.generate`."""

        def step(token: Tensor, state: LSTMState) -> tuple[Tensor, LSTMState]:
            logits, state = self._read(token.unsqueeze(1), state)
            return logits.squeeze(1), state

        seen = self._look(batch)
        return greedy_texts(step, seen, batch, self.tokenizer, self.inputs.max_tokens)

    def _look(self, batch: ExplanationBatch) -> LSTMState:
        """The state after t = -1, two of (1, B, H)."""
        photo = masked_mean(self.standardise(batch.photo_features), batch.photo_mask)  # (B, D)
        image = self.image_embedding(photo)  # (B, H)
        return self.lstm(self.dropout(image).unsqueeze(1))[1]

    def _read(self, tokens: Tensor, state: LSTMState) -> tuple[Tensor, LSTMState]:
        """Logits (B, T, V) after each of the tokens (B, T), and the state after them."""
        hidden, state = self.lstm(self.dropout(self.word_embedding(tokens)), state)  # (B, T, H)
        return self.output(self.dropout(hidden)), state
