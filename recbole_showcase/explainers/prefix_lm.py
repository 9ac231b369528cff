"""Any causal language model, told what to write by a learned prefix.

After ClipCap (Mokady, Hertz, Bermano: "ClipCap: CLIP Prefix for Image Captioning", 2021,
arXiv 2111.09734): a small transformer, the mapping network, turns what is known of a pair into a
prefix of embeddings, and a language model, frozen or tuned, continues from it. Here the mapping
network reads the recommender's user and item vectors, the photos and the past reviews, and learned
constants that become the prefix. The language model is tuned in full, left as it is, or tuned by
low-rank adapters (Hu et al.: "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022).
Differences: an input is one embedding, not ten; inputs are standardised and a learned vector tells
their kinds apart; widths and depths are scaled down.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoTokenizer, PreTrainedModel

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.errors import SettingsError
from recbole_showcase.explainers.base import ExplainerInputs, PairSequence
from recbole_showcase.explainers.language_models import (
    GPT2Settings,
    PromptedExplainer,
    language_model,
    lora_config,
    to_the_right,
)
from recbole_showcase.explainers.retrieved import (
    ReadingSettings,
    Retrieved,
    Retriever,
    SentenceEmbedding,
)
from recbole_showcase.text.pretrained import load_pretrained
from recbole_showcase.text.tokenizer import TextTokenizer

_SETTING = "explainer_language_model"


@dataclass(frozen=True)
class PrefixLMSettings(ReadingSettings, GPT2Settings):
    """Settings; ``properties/explainer/prefix_lm.yaml`` explains them."""

    explainer_language_model: str | None = None
    explainer_tune: Literal["full", "frozen", "lora"] = "full"
    explainer_lora_rank: int = 4
    explainer_lora_alpha: float = 32.0
    explainer_prefix_length: int = 10
    explainer_mapping_layers: int = 2
    explainer_use_photos: bool = True
    explainer_use_reviews: bool = True
    explainer_num_beams: int = 1


class PrefixLMExplainer(PromptedExplainer):
    """A language model behind a prefix that a mapping network makes."""

    Settings = PrefixLMSettings

    def __init__(
        self, settings: PrefixLMSettings, inputs: ExplainerInputs, tokenizer: TextTokenizer
    ) -> None:
        """Build the mapping network and the language model.

        Raises:
            SettingsError: If the language model and ``explainer_tune`` or the tokenizer do not fit.
        """
        super().__init__(settings, inputs, tokenizer)
        self._retriever = Retriever(settings, tokenizer, inputs.max_tokens)
        self.language_model = self._language_model()
        self.mapping = MappingNetwork(settings, inputs, self.embedding_size)

    @property
    def reads(self) -> frozenset[str]:
        """Sentences, where settings ask for them."""
        none = self.settings.explainer_use_sentences == "none"
        return frozenset() if none else frozenset({"sentences"})

    @property
    def past_reviews(self) -> int:
        """All of the profile, or none where settings leave them out."""
        return sys.maxsize if self.settings.explainer_use_reviews else 0

    def _language_model(self) -> PreTrainedModel:
        """The language model, with those parameters trainable that are to be tuned."""
        settings, name = self.settings, self.settings.explainer_language_model
        whole = settings.explainer_tune == "full"
        if not whole:
            _check_pretrained(name, settings.explainer_tune, self.tokenizer)
        model = language_model(
            settings,
            _SETTING,
            self._most_words + settings.explainer_prefix_length,
            self.inputs,
            self.tokenizer,
            dtype=torch.float32 if whole else "auto",
        )
        model.requires_grad_(whole)
        return _with_lora(model, settings) if settings.explainer_tune == "lora" else model

    @property
    def _most_words(self) -> int:
        """The most tokens of sentences in a prompt."""
        settings = self.settings
        return settings.reads_words * settings.explainer_sentences * self.inputs.max_tokens

    def train(self, mode: bool = True) -> Self:
        """Set the mode of training; a frozen language model has none."""
        super().train(mode)
        if self.settings.explainer_tune == "frozen":
            self.language_model.eval()
        return self

    def prompt(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """The words of sentences, then the prefix; see :meth:`PromptedExplainer.prompt`."""
        return self._prompt(self._retrieved(batch), batch, user_vectors, item_vectors)

    def _retrieved(self, batch: ExplanationBatch) -> Retrieved | None:
        return self._retriever(batch) if self.reads else None

    def _prompt(
        self,
        retrieved: Retrieved | None,
        batch: ExplanationBatch,
        user_vectors: Tensor | None,
        item_vectors: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        prefix = self.mapping(batch, user_vectors, item_vectors, retrieved)  # (B, P, E)
        mask = torch.ones(prefix.shape[:2], dtype=torch.bool, device=prefix.device)
        if retrieved is None or not self.settings.reads_words:
            return prefix, mask
        words, there = to_the_right(
            retrieved.tokens.flatten(1), retrieved.token_mask.flatten(1), self._most_words
        )
        embedded = self.embed(words).to(prefix.dtype)
        return torch.cat([embedded, prefix], dim=1), torch.cat([there, mask], dim=1)

    @torch.no_grad()
    def write(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> tuple[list[str], np.ndarray | None]:
        """Texts, and the rows of the reviews that each sentence read in turn is of (B, N)."""
        retrieved = self._retrieved(batch)
        prompt = self._prompt(retrieved, batch, user_vectors, item_vectors)
        return self.continued(*prompt, batch), None if retrieved is None else retrieved.rows


class MappingNetwork(PairSequence):
    """Self-attention over what is known of a pair and learned constants, which become a prefix."""

    def __init__(
        self, settings: PrefixLMSettings, inputs: ExplainerInputs, output_size: int
    ) -> None:
        width = settings.explainer_hidden_size
        super().__init__(
            inputs,
            width,
            photos=settings.explainer_use_photos,
            reviews=settings.explainer_use_reviews,
            of_features=nn.Sequential,
            of_vectors=lambda size, layer: nn.Sequential(nn.LayerNorm(size), layer),
        )
        # Words stand in the prompt itself.
        self.reading = SentenceEmbedding(settings, inputs, width, token_width=0)
        self.constants = nn.Parameter(torch.randn(settings.explainer_prefix_length, width))
        layer = nn.TransformerEncoderLayer(
            width,
            settings.explainer_heads,
            dim_feedforward=2 * width,
            dropout=settings.explainer_dropout,
            batch_first=True,
            norm_first=True,
        )
        self.layers = nn.TransformerEncoder(
            layer, settings.explainer_mapping_layers, enable_nested_tensor=False
        )
        self.output = nn.Linear(width, output_size)

    def forward(
        self,
        batch: ExplanationBatch,
        user_vectors: Tensor | None,
        item_vectors: Tensor | None,
        retrieved: Retrieved | None = None,
    ) -> Tensor:
        """Prefixes (B, P, E), from retrieved sentences as well where they are read as vectors."""
        always = torch.ones_like(batch.users, dtype=torch.bool).unsqueeze(1)  # (B, 1)
        states = [self.constants.expand(len(batch), -1, -1)]
        masks = [always.expand(-1, len(self.constants))]
        more = () if retrieved is None else self.reading(retrieved)
        for _, embedded, mask in (*self.embed(batch, user_vectors, item_vectors), *more):
            states.append(embedded)
            masks.append(mask)
        absent = ~torch.cat(masks, dim=1)  # (B, P + S)
        hidden = self.layers(torch.cat(states, dim=1), src_key_padding_mask=absent)
        return self.output(hidden[:, : len(self.constants)])


def _check_pretrained(name: str | None, tune: str, tokenizer: TextTokenizer) -> None:
    """Refuse a language model that cannot stay as it is: an untrained one, or of other words."""
    if not name:
        raise SettingsError(
            f"explainer_tune is '{tune}', but a language model made here knows nothing yet: name a "
            "pretrained one in explainer_language_model, or set explainer_tune to 'full'"
        )
    theirs = load_pretrained(AutoTokenizer, _SETTING, name).get_vocab()
    ours = tokenizer.tokenizer.get_vocab()
    if any(ours.get(token) != number for token, number in theirs.items()):
        raise SettingsError(
            f"explainer_tune is '{tune}', but the tokenizer is not that of the language model "
            f"'{name}': set showcase_tokenizer to '{name}'"
        )


def _with_lora(model: PreTrainedModel, settings: PrefixLMSettings) -> Any:
    """The language model with low-rank adapters, the only parameters of it that are trained."""
    config = lora_config(model, settings, "explainer_tune", task_type="CAUSAL_LM")
    from peft import get_peft_model

    return get_peft_model(model, config)
