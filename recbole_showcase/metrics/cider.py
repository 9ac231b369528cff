"""CIDEr-D: shared n-grams, those weighing most that few true texts have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recbole_showcase.metrics._checks import check_texts, mean, share
from recbole_showcase.metrics._ngrams import sums, word_ngrams

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_ORDERS = 4
_SIGMA = 6.0


def cider(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """CIDEr-D with one reference a text, averaged over pairs.

    Vedantam, Zitnick, Parikh, "CIDEr: Consensus-based Image Description Evaluation", CVPR 2015.
    For each order n = 1 to 4 the cosine of the tf-idf vectors of both texts' n-grams, a weight of
    the generated text clipped at that of the true one, times ``exp(-d^2 / 72)`` for a difference
    of d words; the mean over the orders times 10. Document frequencies are those of
    ``references``. Words are those of :func:`corpus_bleu`, not of the PTB tokenizer.

    Args:
        hypotheses: Generated texts.
        references: True texts, in the same order.

    Returns:
        Between 0 and 10; a pair without a shared n-gram counts 0; NaN if there is no pair. An
        n-gram that all references have weighs nothing, so a single pair counts 0.

    Raises:
        DataError: The lengths differ, or a single text was given instead of a list.

    >>> texts = ["the soup was really good", "a pizza from the oven"]
    >>> cider(texts, texts)
    10.0
    >>> round(cider(["the soup was good", "a cold pizza"], texts), 4)
    2.9653
    """
    return mean(cider_values(hypotheses, references))


def cider_values(hypotheses: Sequence[str], references: Sequence[str]) -> NDArray[np.float64]:
    """:func:`cider` of each pair, shape (N,)."""
    check_texts(hypotheses=hypotheses, references=references)
    counted = word_ngrams((*hypotheses, *references))
    size = len(hypotheses)
    lengths = counted.lengths()
    penalty = np.exp(-np.square(lengths[:size] - lengths[size:]) / (2 * _SIGMA**2))
    similarities = [_similarity(counts[:size], counts[size:]) for counts in counted.up_to(_ORDERS)]
    return 10.0 * penalty * np.mean(similarities, axis=0)


def _similarity(said: csr_matrix, true: csr_matrix) -> NDArray[np.float64]:
    """Clipped tf-idf cosine (N,) of n-gram counts (N, G); 0 where a vector is empty."""
    documents = np.bincount(true.indices, minlength=true.shape[1])
    weights = np.log(max(true.shape[0], 1)) - np.log(np.maximum(documents, 1))  # (G,)
    first, second = said.multiply(weights).tocsr(), true.multiply(weights).tocsr()
    product = sums(first.minimum(second).multiply(second))
    lengths = np.sqrt(sums(first.multiply(first)) * sums(second.multiply(second)))
    return np.nan_to_num(share(product, lengths))
