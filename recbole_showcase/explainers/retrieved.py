"""Sentences that an explainer reads before it writes: those that `quote` would show.

What others wrote of the item before is looked up for the pair and its photos, and read as vectors,
as words, or as both. Nothing is learned in looking up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.data.inputs import Standardise
from recbole_showcase.explainers.base import Embedded, ExplainerInputs, sinusoids
from recbole_showcase.explainers.quote import QuoteSettings, fit
from recbole_showcase.explainers.quoting import quoted_sentences
from recbole_showcase.selectors.dpp import DPPSelector, DPPSettings
from recbole_showcase.text.tokenizer import TextTokenizer

_AS = QuoteSettings()


@dataclass(frozen=True)
class ReadingSettings:
    """Settings of explainers that read sentences.

    Attributes:
        explainer_use_sentences: As what sentences of others are read.
        explainer_sentences: How many at most.
    """

    explainer_use_sentences: Literal["none", "vectors", "words", "both"] = "none"
    explainer_sentences: PositiveInt = 4

    @property
    def reads_vectors(self) -> bool:
        """Whether sentences are read as vectors."""
        return self.explainer_use_sentences in ("vectors", "both")

    @property
    def reads_words(self) -> bool:
        """Whether sentences are read as words."""
        return self.explainer_use_sentences in ("words", "both")


@dataclass(frozen=True)
class Retrieved:
    """Sentences for B pairs, best first; N may be 0.

    Attributes:
        features: CLIP features (B, N, D).
        mask: Which of them are there (B, N).
        tokens: Ids of their words without start and end (B, N, L); L is 0 unless words are read.
        token_mask: Which of them are there (B, N, L).
        rows: Rows of the interactions that they are of (B, N), -1 if absent, on the host.
    """

    features: Tensor
    mask: Tensor
    tokens: Tensor
    token_mask: Tensor
    rows: np.ndarray


class Retriever:
    """Looks up sentences as `quote` chooses them, with its default weights."""

    def __init__(
        self, settings: ReadingSettings, tokenizer: TextTokenizer, max_tokens: int
    ) -> None:
        """Keep what to look up.

        Args:
            settings: How many, and whether their words are wanted.
            tokenizer: Of the words.
            max_tokens: The most tokens of a sentence; a longer one is cut.
        """
        self._settings, self._tokenizer, self._max_tokens = settings, tokenizer, max_tokens
        self._selector = DPPSelector(DPPSettings(_AS.explainer_trade_off))

    @torch.no_grad()
    def __call__(self, batch: ExplanationBatch) -> Retrieved:
        """Sentences for the pairs of a batch, on its device."""
        size, device = len(batch), batch.users.device
        if not batch.sentence_mask.numel():
            none = torch.zeros(size, 0, 0, dtype=torch.long, device=device)
            width = batch.photo_features.shape[2]
            features = batch.photo_features.new_zeros(size, 0, width)
            rows = np.empty((size, 0), dtype=np.int64)
            return Retrieved(features, none.flatten(1) > 0, none, none > 0, rows)
        chosen = self._selector(
            fit(batch, _AS.explainer_photo_weight),
            batch.sentence_features,
            batch.sentence_mask,
            self._settings.explainer_sentences,
        )  # (B, N)
        mask = chosen >= 0
        features = batch.sentence_features.take_along_dim(chosen.clamp(min=0).unsqueeze(2), dim=1)
        features = features.masked_fill(~mask.unsqueeze(2), 0.0)
        texts, rows = quoted_sentences(batch, chosen.cpu().numpy())
        tokens, token_mask = (part.to(device) for part in self._words(texts))
        return Retrieved(features, mask, tokens, token_mask, rows)

    def _words(self, texts: np.ndarray) -> tuple[Tensor, Tensor]:
        """Token ids and mask (B, N, L) of sentences (B, N)."""
        if not self._settings.reads_words:
            none = torch.zeros(*texts.shape, 0, dtype=torch.long)
            return none, none > 0
        ids = self._tokenizer.encode(texts.ravel().tolist(), self._max_tokens, ends=False)
        tokens = torch.from_numpy(ids.reshape(*texts.shape, -1))
        return tokens, tokens != self._tokenizer.pad_id


class SentenceEmbedding(nn.Module):
    """Retrieved sentences as embeddings to attend to: one each as vectors, one a token as words."""

    def __init__(
        self, settings: ReadingSettings, inputs: ExplainerInputs, width: int, token_width: int
    ) -> None:
        """Make the projections that the settings ask for.

        Args:
            settings: As what sentences are read.
            inputs: Statistics of what the text tower makes of reviews, which sentences pass too.
            width: Of the embeddings, H.
            token_width: Of the embeddings of tokens, E; 0 where somebody else reads the words.
        """
        super().__init__()
        self.width = width
        self.projections = nn.ModuleDict()
        if settings.reads_vectors:
            statistics = inputs.review_statistics
            layer = nn.Linear(statistics.shape[1], width)
            self.projections["sentence"] = nn.Sequential(
                Standardise(statistics), layer, nn.LayerNorm(width)
            )
        if settings.reads_words and token_width:
            self.projections["word"] = nn.Sequential(
                nn.Linear(token_width, width), nn.LayerNorm(width)
            )
        self.kinds = nn.ParameterDict(
            {kind: nn.Parameter(torch.randn(width) * 0.02) for kind in self.projections}
        )

    def forward(self, retrieved: Retrieved, tokens: nn.Module | None = None) -> Iterator[Embedded]:
        """Kinds, embeddings (B, ., H) and masks of what is read of sentences.

        Args:
            retrieved: The sentences.
            tokens: The embedding of tokens, where words are read.
        """
        if "sentence" in self.projections:
            embedded = self.projections["sentence"](retrieved.features) + self.kinds["sentence"]
            yield "sentence", embedded, retrieved.mask
        if "word" in self.projections and tokens is not None:
            words = self.projections["word"](tokens(retrieved.tokens)) + self.kinds["word"]
            words = words + _positions(retrieved.tokens.shape[2], self.width).to(words)
            yield "word", words.flatten(1, 2), retrieved.token_mask.flatten(1)


def _positions(count: int, width: int) -> Tensor:
    """Sines and cosines (count, width) that tell the places of words in a sentence."""
    rates = 10_000.0 ** (-torch.arange(0, width, 2) / width)
    return sinusoids(torch.arange(count).unsqueeze(1) * rates, width)
