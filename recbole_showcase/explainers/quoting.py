"""What explainers share that quote: sentences of other users' reviews in place of a text.

Nothing is learned and nothing is made up: each sentence stands word for word in a training review
of the item. An item that no one else has reviewed before has nothing to quote, and an empty text.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from pydantic import PositiveInt
from torch import Tensor

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.explainers.base import Explainer, ExplainerInputs
from recbole_showcase.selectors.base import ImageSelector
from recbole_showcase.selectors.dpp import DPPSelector, DPPSettings
from recbole_showcase.text.sentences import join_sentences
from recbole_showcase.text.tokenizer import TextTokenizer

# Of a determinantal point process: variety matters between sentences that fit equally well alone.
_BY_RELEVANCE = 1000.0


@dataclass(frozen=True)
class QuotingSettings:
    """Settings of all explainers that quote."""

    explainer_sentences: PositiveInt = 2


class Quoting(Explainer):
    """Quotes sentences of the item; a subclass says how well each fits.

    Attributes:
        selector: What chooses a set of sentences by that; the best ones, of equal sentences one,
            unless a subclass says otherwise.
    """

    Settings = QuotingSettings
    selector: ImageSelector

    def __init__(
        self, settings: QuotingSettings, inputs: ExplainerInputs, tokenizer: TextTokenizer
    ) -> None:
        super().__init__(settings, inputs, tokenizer)
        self.selector = DPPSelector(DPPSettings(_BY_RELEVANCE))

    @property
    def reads(self) -> frozenset[str]:
        """Sentences; see :attr:`Explainer.reads`."""
        return frozenset({"sentences"})

    def relevance(self, batch: ExplanationBatch) -> Tensor:
        """How well each sentence fits (B, S); what is masked may have any finite value."""
        raise NotImplementedError

    def forward(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> tuple[Tensor, ...]:
        """No loss: there is nothing to learn."""
        return ()

    def generate(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> list[str]:
        """Quoted texts of the pairs; see :meth:`Explainer.generate`."""
        return self.write(batch, user_vectors, item_vectors)[0]

    @torch.no_grad()
    def write(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> tuple[list[str], np.ndarray]:
        """Quoted texts, and the rows of the reviews (B, k) that each sentence in turn is of."""
        if not batch.sentence_mask.numel():
            return [""] * len(batch), np.empty((len(batch), 0), dtype=np.int64)
        chosen = self.selector(
            self.relevance(batch),
            batch.sentence_features,
            batch.sentence_mask,
            self.settings.explainer_sentences,
        )  # (B, k)
        quoted, rows = quoted_sentences(batch, chosen.cpu().numpy())
        return [join_sentences([s for s in own if s]) for own in quoted], rows


def quoted_sentences(batch: ExplanationBatch, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Chosen sentences, word for word.

    Args:
        batch: Pairs of which one at least has a sentence.
        chosen: Places among the sentences of each pair (B, k), -1 if absent.

    Returns:
        The sentences (B, k), objects, "" if absent, and the rows (B, k) of the reviews that they
        are of, -1 if absent.
    """
    words = batch.sentences.words
    assert words is not None  # some sentence is there
    there = chosen >= 0
    positions = np.take_along_axis(batch.sentences.positions, np.maximum(chosen, 0), axis=1)
    quoted = np.full(chosen.shape, "", dtype=object)
    quoted[there] = words.texts(positions[there])
    return quoted, np.where(there, words.rows[positions], -1).astype(np.int64)
