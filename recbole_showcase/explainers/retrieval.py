"""The method's decoder, which also reads what others wrote of the item.

The multi-modal explainer of "Personalized Showcases" (see :mod:`.showcase`), whose attention goes
over retrieved sentences beside photos, past reviews and the recommender's vectors: a sentence as
one embedding of its CLIP features, as embeddings of its words, or as both. That writing gains from
retrieved reviews is the idea of Cheng et al., "Explainable Recommendation with Personalized Review
Retrieval and Aspect Learning" (ERRA), ACL 2023; here a sentence is chosen for the user and the
photos of the showcase, as `quote` chooses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.explainers.base import ExplainerInputs
from recbole_showcase.explainers.retrieved import (
    ReadingSettings,
    Retrieved,
    Retriever,
    SentenceEmbedding,
)
from recbole_showcase.explainers.showcase import (
    Memory,
    ShowcaseExplainer,
    ShowcaseExplainerSettings,
)
from recbole_showcase.text.tokenizer import TextTokenizer


@dataclass(frozen=True)
class RetrievalSettings(ReadingSettings, ShowcaseExplainerSettings):
    """Settings; ``properties/explainer/retrieval.yaml`` explains them."""

    explainer_use_sentences: Literal["none", "vectors", "words", "both"] = "both"


class RetrievalExplainer(ShowcaseExplainer):
    """Self-attention over photos, past reviews and sentences of others, and a GPT-2."""

    Settings = RetrievalSettings

    def __init__(
        self, settings: RetrievalSettings, inputs: ExplainerInputs, tokenizer: TextTokenizer
    ) -> None:
        super().__init__(settings, inputs, tokenizer)
        self._retriever = Retriever(settings, tokenizer, inputs.max_tokens)
        self.reading = SentenceEmbedding(
            settings, inputs, settings.explainer_hidden_size, self.decoder.config.n_embd
        )
        if "encoder" in settings.explainer_freeze:
            self.reading.requires_grad_(False)

    @property
    def reads(self) -> frozenset[str]:
        """Sentences, and what the losses read; see :attr:`Explainer.reads`."""
        none = self.settings.explainer_use_sentences == "none"
        return super().reads | (frozenset() if none else frozenset({"sentences"}))

    def memory(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> Memory:
        """What the decoder attends to, sentences among it."""
        return self._memory(self._retriever(batch), batch, user_vectors, item_vectors)

    def _memory(
        self,
        retrieved: Retrieved,
        batch: ExplanationBatch,
        user_vectors: Tensor | None,
        item_vectors: Tensor | None,
    ) -> Memory:
        read = self.reading(retrieved, self.decoder.transformer.wte)
        return self.encoder(batch, user_vectors, item_vectors, read)

    @torch.no_grad()
    def write(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> tuple[list[str], np.ndarray | None]:
        """Texts, and the rows of the reviews that each sentence in turn is of (B, N)."""
        if "sentences" not in self.reads:
            return super().write(batch, user_vectors, item_vectors)
        retrieved = self._retriever(batch)
        memory = self._memory(retrieved, batch, user_vectors, item_vectors)
        return self.decoded(memory, batch), retrieved.rows
