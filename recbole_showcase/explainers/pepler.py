"""PEPLER: a GPT-2 that is prompted by the vectors of the user and the item.

Li, Zhang, Chen: "Personalized Prompt Learning for Explainable Recommendation", ACM TOIS 2023, arXiv
2202.07371. The two vectors stand before the text's word vectors as a continuous prompt. The paper
trains in one of two ways. Sequential tuning: the prompt first, with the language model frozen, then
both. Recommendation as regularisation: both at once, while the prompt also predicts the rating, by
the inner product of its vectors (MF) or by a perceptron (MLP). The defaults are the second way with
MF, which fared better in the authors' logs and asks for no pretrained language model.

Differences: the first stage has a number of epochs rather than a validation of its own. The start
of the text is given rather than predicted. The paper's prompts of item features in words (PEPLER-D)
are left out. Where there is no pretrained GPT-2 at hand, one may be made from sizes; it knows
nothing that a first stage could keep. The rating's weight, the perceptron's depth and how prompts
start (scaled to the width) are from the authors' code (github.com/lileipisces/PEPLER).
Ids alone are read, so a cold user or item is written for as nobody in particular (``ids.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.explainers.base import Explainer, ExplainerInputs, next_token_loss
from recbole_showcase.explainers.ids import (
    IdEmbedding,
    rating_loss,
    rating_regression,
    scaled_range,
)
from recbole_showcase.explainers.language_models import GPT2Settings, gpt2_decoder
from recbole_showcase.explainers.masks import causal_mask
from recbole_showcase.text.tokenizer import TextTokenizer

_MLP_LAYERS = 3  # hidden ones


@dataclass(frozen=True)
class PeplerSettings(GPT2Settings):
    """Settings; ``properties/explainer/pepler.yaml`` explains them."""

    explainer_decoder: str | None = None
    explainer_prompt_epochs: int = 0
    explainer_recommendation: Literal["none", "mf", "mlp"] = "mf"
    explainer_rating_weight: float = 0.01
    explainer_unknown_rate: float = 0.05


class PeplerExplainer(Explainer):
    """A GPT-2 after a prompt of two vectors."""

    Settings = PeplerSettings
    loss_names = ("cross_entropy", "rating")

    def __init__(
        self, settings: PeplerSettings, inputs: ExplainerInputs, tokenizer: TextTokenizer
    ) -> None:
        super().__init__(settings, inputs, tokenizer)
        # Positions of the prompt and both ends beside the text's.
        self.decoder = gpt2_decoder(settings, inputs.max_tokens + 4, tokenizer)
        width, rate = self.decoder.config.n_embd, settings.explainer_unknown_rate
        init_range = scaled_range(0.1, at_width=768, width=width)  # the authors'
        self.users = IdEmbedding(inputs.known_users, width, rate, init_range)
        self.items = IdEmbedding(inputs.known_items, width, rate, init_range)
        if settings.explainer_recommendation == "mlp":
            hidden = settings.explainer_hidden_size
            hidden_range = scaled_range(0.1, at_width=400, width=hidden)
            self.rating = rating_regression(2 * width, hidden, _MLP_LAYERS, hidden_range)

    def begin_epoch(self, epoch: int) -> None:
        """Freeze the language model in the first stage, and free it in the second."""
        self.decoder.requires_grad_(epoch >= self.settings.explainer_prompt_epochs)

    def forward(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> tuple[Tensor, ...]:
        """Losses of the text and of the rating; see :meth:`Explainer.forward`."""
        prompt = self._prompt(batch)
        text = batch.tokens[:, :-1]
        logits = self.decoder(
            inputs_embeds=self._prompted(prompt, text),
            attention_mask=causal_mask(F.pad(batch.token_mask[:, :-1], (2, 0), value=True)),
        ).logits[:, 2:]  # (B, T - 1, V)
        return next_token_loss(logits, batch), self._rating_loss(prompt, batch)

    @torch.no_grad()
    def generate(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> list[str]:
        """Texts of the pairs; see :meth:`Explainer.generate`."""
        start = torch.full_like(batch.users, self.tokenizer.bos_id).unsqueeze(1)  # (B, 1)
        embeddings = self._prompted(self._prompt(batch), start)  # (B, 3, H)
        ids: Tensor = self.decoder.generate(  # type: ignore[misc, assignment]
            inputs_embeds=embeddings,
            attention_mask=torch.ones(embeddings.shape[:2], device=start.device).long(),
            max_new_tokens=self.inputs.max_tokens,
            do_sample=False,
        )  # (B, T)
        return self.tokenizer.decode(ids.tolist())

    @torch.no_grad()
    def rate(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> Tensor | None:
        """Predicted ratings; see :meth:`Explainer.rate`."""
        return self._rating(self._prompt(batch))

    def _prompt(self, batch: ExplanationBatch) -> Tensor:
        """Vectors of the user and the item (B, 2, H)."""
        return torch.stack([self.users(batch.users), self.items(batch.items)], dim=1)

    def _prompted(self, prompt: Tensor, tokens: Tensor) -> Tensor:
        """Vectors (B, 2 + T, H) of the prompt (B, 2, H) and of tokens (B, T)."""
        return torch.cat([prompt, self.decoder.transformer.wte(tokens)], dim=1)

    def _rating(self, prompt: Tensor) -> Tensor | None:
        """Ratings (B,) that the prompt predicts, None without a predictor."""
        kind = self.settings.explainer_recommendation
        if kind == "none":
            return None
        if kind == "mf":
            return prompt.prod(dim=1).sum(dim=1)
        return self.rating(prompt.flatten(1)).squeeze(1)

    def _rating_loss(self, prompt: Tensor, batch: ExplanationBatch) -> Tensor:
        """Weighted squared error of the ratings that the prompt predicts, 0 without a predictor."""
        predicted = self._rating(prompt)
        if predicted is None:
            return prompt.new_zeros(())
        error = batch.weighed(rating_loss(predicted, batch.ratings), "ratings")
        return self.settings.explainer_rating_weight * error
