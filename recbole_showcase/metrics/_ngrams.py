"""N-gram counts of many texts at once, as sparse matrices: what the counting metrics share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain, count, islice
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recbole_showcase.metrics.words import words

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

# Texts beyond this are counted anew by each metric: what is remembered is held in memory.
_REMEMBERED_TEXTS = 2**16


class WordNgrams:
    """The words of some texts, and their n-gram counts, each order made when it is asked for.

    Attributes:
        tokens: The words of each text, by :func:`words`.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.tokens = [words(text) for text in texts]
        self._orders: list[csr_matrix] = []
        self._more = _counts(_word_numbers(self.tokens), self.lengths())
        self._lock = Lock()

    def lengths(self) -> NDArray[np.int64]:
        """Number of words of each text, shape (N,)."""
        return np.fromiter(map(len, self.tokens), np.int64, len(self.tokens))

    def up_to(self, max_order: int) -> list[csr_matrix]:
        """Counts (N, G) of the n-grams of all texts, for n from 1 to ``max_order``."""
        with self._lock:
            while len(self._orders) < max_order:
                self._orders.append(next(self._more))
            return self._orders[:max_order]


def word_ngrams(texts: Sequence[str]) -> WordNgrams:
    """The n-grams of texts; those of the last texts are remembered, for the next metric of them."""
    if len(texts) > _REMEMBERED_TEXTS:
        return WordNgrams(texts)
    return _remembered(tuple(texts))


@lru_cache(maxsize=2)
def _remembered(texts: tuple[str, ...]) -> WordNgrams:
    return WordNgrams(texts)


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
    lengths = np.fromiter(map(len, tokens), np.int64, len(tokens))
    yield from islice(_counts(_word_numbers(tokens), lengths), max_order)


def _counts(words: NDArray[np.int64], lengths: NDArray[np.int64]) -> Iterator[csr_matrix]:
    """Counts (N, G) for n = 1, 2 and so on without end.

    Args:
        words: The words of all texts one after the other, each by its number (W,).
        lengths: Number of words of each text (N,).
    """
    import pandas as pd
    from scipy.sparse import csr_matrix

    owners = np.repeat(np.arange(len(lengths)), lengths)  # (W,)
    left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(words))  # words to the text's end
    grams = words
    for n in count(1):
        starts = np.flatnonzero(left >= n)
        if n > 1:
            following = words[starts + n - 1]
            keys = grams[starts] * (words.max(initial=0) + 1) + following
            grams = np.zeros(len(words), dtype=np.int64)
            grams[starts] = pd.factorize(keys)[0]
        chosen = grams[starts]
        shape = (len(lengths), int(chosen.max(initial=-1)) + 1)
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
