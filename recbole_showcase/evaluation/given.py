"""Features that come with the data, one a row, as the field counts FMR, FCR and DIV over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from recbole_showcase.data.corpus import ReviewCorpus
from recbole_showcase.metrics import feature_mentions
from recbole_showcase.metrics.words import feature_words


@dataclass(frozen=True)
class GivenFeatures:
    """Of N rows, among all F that a data set gives.

    Attributes:
        lexicon: All different ones of all rows, held-out ones too, as their words in lower case;
            only figures read them, and nothing that trains.
        own: The place of each row's feature among them, -1 for a row without one (N,).
    """

    lexicon: list[str]
    own: np.ndarray

    def mentions(self, texts: Sequence[str]) -> csr_matrix:
        """Which of them texts name, sparse (N, F)."""
        if not self.lexicon:
            return csr_matrix((len(texts), 0), dtype=bool)
        return feature_mentions(texts, self.lexicon)

    @property
    def true(self) -> csr_matrix:
        """The one that each row speaks of, sparse (N, F)."""
        rows = np.flatnonzero(self.own >= 0)
        shape = (len(self.own), len(self.lexicon))
        return csr_matrix((np.ones(len(rows), bool), (rows, self.own[rows])), shape=shape)


def given_features(corpus: ReviewCorpus, rows: np.ndarray) -> GivenFeatures:
    """The features that the column ``feature`` of ``.review`` gives.

    Args:
        corpus: The reviews.
        rows: Rows of the interactions (N,).
    """
    if corpus.given is None:
        return GivenFeatures([], np.full(len(rows), -1))
    # Those that come again, as nearly all do, are parted into words once.
    given = corpus.given[np.arange(len(corpus))]
    different, place = np.unique(given.astype(str), return_inverse=True)
    words = [" ".join(feature_words(feature)) for feature in different]
    lexicon = sorted(set(words) - {""})
    number = {feature: n for n, feature in enumerate(lexicon)}
    own = np.array([number.get(feature, -1) for feature in words], dtype=np.int64)
    return GivenFeatures(lexicon, own[place[rows]])
