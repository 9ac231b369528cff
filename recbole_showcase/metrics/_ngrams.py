"""N-gram counts of many texts at once, as sparse matrices: what the counting metrics share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


def ngram_counts(tokens: Sequence[Sequence[str]], max_order: int) -> Iterator[csr_matrix]:
    """Count the n-grams of each text, for n from 1 to ``max_order``.

    An n-gram is known by the number of its first n - 1 words and its last word, so that each order
    takes one pass over all positions and no n-gram is ever built as a Python object.

    Args:
        tokens: The words of N texts.
        max_order: The largest n.

    Yields:
        Counts (N, G) of the G different n-grams of all texts together, for each n.
    """
    import pandas as pd
    from scipy.sparse import csr_matrix

    words = _word_numbers(tokens)  # (W,)
    lengths = np.fromiter(map(len, tokens), np.int64, len(tokens))
    owners = np.repeat(np.arange(len(tokens)), lengths)  # (W,)
    left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(words))  # words to the text's end
    grams = words
    for n in range(1, max_order + 1):
        starts = np.flatnonzero(left >= n)
        if n > 1:
            following = words[starts + n - 1]
            keys = grams[starts] * (words.max(initial=0) + 1) + following
            grams = np.zeros(len(words), dtype=np.int64)
            grams[starts] = pd.factorize(keys)[0]
        chosen = grams[starts]
        shape = (len(tokens), int(chosen.max(initial=-1)) + 1)
        yield csr_matrix((np.ones(len(starts)), (owners[starts], chosen)), shape=shape)


def sums(counts: csr_matrix) -> NDArray[np.float64]:
    """Sum of each row, shape (N,)."""
    return np.asarray(counts.sum(axis=1), dtype=np.float64).reshape(-1)


def shared(first: csr_matrix, second: csr_matrix) -> NDArray[np.float64]:
    """How many n-grams two texts share, repetitions counted as often as in both, shape (N,)."""
    return sums(first.minimum(second))


def _word_numbers(tokens: Sequence[Sequence[str]]) -> NDArray[np.int64]:
    """The words of all texts one after the other, each by its number, shape (W,)."""
    different = dict.fromkeys(chain.from_iterable(tokens))
    numbers = dict(zip(different, range(len(different)), strict=True))
    return np.fromiter(map(numbers.__getitem__, chain.from_iterable(tokens)), np.int64)
