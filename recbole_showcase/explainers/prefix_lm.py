"""Any causal language model, told what to write by a learned prefix.

After ClipCap (Mokady, Hertz, Bermano: "ClipCap: CLIP Prefix for Image Captioning", 2021,
arXiv 2111.09734): a small transformer, the mapping network, turns what is known of a pair into a
prefix of embeddings, and a language model, frozen or tuned, continues from it. Here the mapping
network reads the recommender's user and item vectors, the photos and the past reviews, and learned
constants that become the prefix. The language model is tuned in full, left as it is, or tuned by
low-rank adapters (Hu et al.: "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022).
It may also read words before the prefix: past reviews of the user, those of the item, sentences.
Differences: an input is one embedding, not ten; inputs are standardised and a learned vector tells
their kinds apart; widths and depths are scaled down.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import torch
from pydantic import NonNegativeInt, PositiveInt
from torch import Tensor, nn
from transformers import AutoTokenizer, PreTrainedModel

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.errors import SettingsError
from recbole_showcase.explainers.base import ExplainerInputs, PairSequence
from recbole_showcase.explainers.language_models import (
    PromptedExplainer,
    PromptedSettings,
    language_model,
    lora_config,
    past_words,
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
class PrefixLMSettings(ReadingSettings, PromptedSettings):
    """Settings; ``properties/explainer/prefix_lm.yaml`` explains them."""

    explainer_language_model: str | None = None
    explainer_tune: Literal["full", "frozen", "lora"] = "full"
    explainer_lora_rank: int = 4
    explainer_lora_alpha: float = 32.0
    explainer_lora_layers: NonNegativeInt = 0
    explainer_prefix_length: NonNegativeInt = 10
    explainer_mapping_layers: int = 2
    explainer_use_photos: bool = True
    explainer_use_reviews: bool = True
    explainer_use_words: tuple[Literal["user", "item"], ...] = ()
    explainer_prompt_size: PositiveInt = 64


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
        self.mapping = None
        if settings.explainer_prefix_length:
            self.mapping = MappingNetwork(settings, inputs, self.embedding_size)

    @property
    def reads(self) -> frozenset[str]:
        """Sentences and the words of past reviews, where settings ask for them."""
        none = self.settings.explainer_use_sentences == "none"
        words = {f"{whose}_reviews" for whose in self.settings.explainer_use_words}
        return frozenset(words) if none else frozenset(words | {"sentences"})

    @property
    def past_reviews(self) -> int:
        """All of the profile, or none where settings leave them out."""
        settings = self.settings
        features = settings.explainer_use_reviews and settings.explainer_prefix_length > 0
        return sys.maxsize if features or "user" in settings.explainer_use_words else 0

    def _language_model(self) -> PreTrainedModel:
        """The language model, with those parameters trainable that are to be tuned."""
        settings, name = self.settings, self.settings.explainer_language_model
        whole = settings.explainer_tune == "full"
        _check_prompt(settings)
        if not whole:
            _check_pretrained(name, settings.explainer_tune, self.tokenizer)
        model = language_model(
            settings,
            _SETTING,
            self._prompt_size,
            self.inputs,
            self.tokenizer,
            dtype=torch.float32 if whole else "auto",
        )
        model.requires_grad_(whole)
        return _with_lora(model, settings) if settings.explainer_tune == "lora" else model

    @property
    def _most_sentence_words(self) -> int:
        """The most tokens of sentences in a prompt."""
        settings = self.settings
        return settings.reads_words * settings.explainer_sentences * self.inputs.max_tokens

    @property
    def _prompt_size(self) -> int:
        """The most positions of a prompt."""
        settings = self.settings
        past = len(settings.explainer_use_words) * settings.explainer_prompt_size
        return past + self._most_sentence_words + settings.explainer_prefix_length

    def train(self, mode: bool = True) -> Self:
        """Set the mode of training; a frozen language model has none."""
        super().train(mode)
        if self.settings.explainer_tune == "frozen":
            self.language_model.eval()
        return self

    def prompt(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Words of past reviews and of sentences, then the prefix.

        See :meth:`PromptedExplainer.prompt`.
        """
        return self._prompt(self._retrieved(batch), batch, user_vectors, item_vectors)

    def _retrieved(self, batch: ExplanationBatch) -> Retrieved | None:
        return self._retriever(batch) if "sentences" in self.reads else None

    def _prompt(
        self,
        retrieved: Retrieved | None,
        batch: ExplanationBatch,
        user_vectors: Tensor | None,
        item_vectors: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        parts = list(self._words(batch, retrieved))
        if self.mapping is not None:
            prefix = self.mapping(batch, user_vectors, item_vectors, retrieved)  # (B, P, E)
            there = torch.ones(prefix.shape[:2], dtype=torch.bool, device=prefix.device)
            parts.append((prefix, there))
        embedded, masks = zip(*parts, strict=True)
        # Words and the prefix may be of two widths of floats.
        prompt = torch.cat([part.to(embedded[-1].dtype) for part in embedded], dim=1)
        return to_the_right(prompt, mask := torch.cat(masks, dim=1), mask.shape[1])

    def _words(
        self, batch: ExplanationBatch, retrieved: Retrieved | None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Embedded words (B, P, E) and their masks (B, P), in the order of the prompt."""
        start, most = self.tokenizer.bos_id, self.settings.explainer_prompt_size
        past = {
            "user": (batch.user_review_tokens, batch.user_review_mask),
            "item": (batch.item_review_tokens, batch.item_review_mask),
        }
        for whose in dict.fromkeys(self.settings.explainer_use_words):
            words, there = past_words(*past[whose], start, most)
            yield self.embed(words), there
        if retrieved is not None and self.settings.reads_words:
            words, there = to_the_right(
                retrieved.tokens.flatten(1),
                retrieved.token_mask.flatten(1),
                self._most_sentence_words,
            )
            yield self.embed(words), there

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


def _check_prompt(settings: PrefixLMSettings) -> None:
    """Refuse settings under which there is nothing to read or nothing to train."""
    if settings.explainer_prefix_length:
        return
    if not settings.explainer_use_words and not settings.reads_words:
        raise SettingsError(
            "explainer_prefix_length is 0, so the language model reads nothing: set "
            "explainer_use_words or explainer_use_sentences, or give it a prefix"
        )
    if settings.explainer_tune == "frozen":
        raise SettingsError(
            "explainer_prefix_length is 0 and explainer_tune 'frozen', which leaves nothing to "
            "train; allowed: a prefix, or explainer_tune 'full' or 'lora'"
        )


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
    layers = model.config.num_hidden_layers
    last = settings.explainer_lora_layers or layers
    config = lora_config(
        model,
        settings,
        "explainer_tune",
        task_type="CAUSAL_LM",
        # Nothing is propagated back below the first layer with something to train.
        layers_to_transform=list(range(layers - last, layers)) if last < layers else None,
    )
    from peft import get_peft_model

    return get_peft_model(model, config)
