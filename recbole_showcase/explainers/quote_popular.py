"""Quotes sentences that name the feature which the item's reviews name most.

Features are those of the lexicon that the feature metrics read. Of several sentences the most
typical ones are quoted; where no sentence names a feature, the item's most typical ones.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.explainers.quoting import Quoting
from recbole_showcase.metrics import feature_mentions
from recbole_showcase.relevance.clip import typicality


class QuotePopularExplainer(Quoting):
    """The same for every user and all photos; a baseline."""

    @property
    def reads(self) -> frozenset[str]:
        """Sentences and the lexicon; see :attr:`Explainer.reads`."""
        return frozenset({"sentences", "lexicon"})

    def relevance(self, batch: ExplanationBatch) -> Tensor:
        """Typicality, above all others where the item's most named feature is named (B, S)."""
        typical = typicality(batch.sentence_features, batch.sentence_mask)
        named = torch.from_numpy(_names_the_most_named(batch)).to(typical.device)
        most = typical.abs().amax(dim=1, keepdim=True)
        return typical + named * (1.0 + 2.0 * most)


def _names_the_most_named(batch: ExplanationBatch) -> np.ndarray:
    """Which sentences (B, S) name the feature that most sentences of their pair name, bool.

    Of features that are named as often it is the first one of the lexicon.
    """
    sentences, lexicon = batch.sentences, batch.sentences.lexicon
    named = np.zeros(sentences.positions.shape, dtype=bool)
    pair, place = np.nonzero(batch.sentence_mask.cpu().numpy())
    if not len(pair) or not lexicon:
        return named
    assert sentences.words is not None  # some sentence is there
    known, which = np.unique(sentences.positions[pair, place], return_inverse=True)
    mentions = feature_mentions(sentences.words.texts(known), lexicon)  # (U, F)
    of_pair = csr_matrix((np.ones(len(pair)), (pair, which)), shape=(len(named), len(known)))
    counts = np.asarray((of_pair @ mentions.astype(np.float64)).todense())  # (B, F)
    named[pair, place] = np.asarray(mentions[which, counts.argmax(axis=1)[pair]]).ravel()
    return named
