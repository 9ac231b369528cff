"""BLEU: which n-grams of the texts are in the true ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recbole_showcase.errors import SettingsError
from recbole_showcase.metrics._checks import check_texts
from recbole_showcase.metrics._ngrams import ngram_counts, shared, sums, word_ngrams
from recbole_showcase.metrics.statistics import Statistics

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


def corpus_bleu(
    hypotheses: Sequence[str], references: Sequence[str], *, max_order: int = 4
) -> float:
    """BLEU-1 to BLEU-4 as explanation papers report it: lower-cased, split at white space.

    Corpus BLEU of Papineni et al., "BLEU: a Method for Automatic Evaluation of Machine
    Translation", ACL 2002, with one reference a text: the geometric mean of the clipped n-gram
    precisions of orders 1 to ``max_order`` times the brevity penalty, counts summed over the
    corpus, no smoothing. A text that is mostly in another script than Latin is split at Unicode's
    word boundaries instead, where each Chinese character is a word. Not what is called sacreBLEU,
    which has tokenizers and smoothing of its own: see :func:`sacre_bleu`.

    Args:
        hypotheses: Generated texts.
        references: True texts, in the same order.
        max_order: Largest n-gram order.

    Returns:
        Between 0 and 100; 0 if an order has no match, NaN if there is no pair.

    Raises:
        DataError: The lengths differ, or a single text was given instead of a list.
        SettingsError: max_order is not 1, 2, 3 or 4.

    >>> round(corpus_bleu(["The soup was good"], ["the soup is good today"], max_order=1), 2)
    58.41
    """
    return bleu_statistics(hypotheses, references, max_order=max_order).value()


def sacre_bleu(
    hypotheses: Sequence[str], references: Sequence[str], *, tokenize: str = "13a"
) -> float:
    """SacreBLEU with its default settings: case-sensitive, 13a tokenizer, exponential smoothing.

    Post, "A Call for Clarity in Reporting BLEU Scores", WMT 2018. Comparable between papers
    whatever their tokenizers, and not comparable with :func:`corpus_bleu`.

    Args:
        hypotheses: Generated texts.
        references: True texts, in the same order.
        tokenize: SacreBLEU's name of a tokenizer. 13a has whole sentences for words where a
            language has no spaces: "zh" is for Chinese, "char" for any of them, and "ja-mecab" and
            "ko-mecab" need packages that sacreBLEU names. Values of different ones do not compare.

    Returns:
        Between 0 and 100; NaN if there is no pair.

    Raises:
        DataError: The lengths differ, or a single text was given instead of a list.
        SettingsError: SacreBLEU has no such tokenizer, or the tokenizer lacks a package.

    >>> round(sacre_bleu(["the soup was very good."], ["the soup was good."]), 2)
    37.99
    """
    return sacre_bleu_statistics(hypotheses, references, tokenize=tokenize).value()


def bleu_statistics(
    hypotheses: Sequence[str], references: Sequence[str], *, max_order: int = 4
) -> Statistics:
    """What each pair contributes to :func:`corpus_bleu`, for resampling.

    Arguments and errors are those of :func:`corpus_bleu`.
    """
    if max_order not in (1, 2, 3, 4):
        raise SettingsError(f"max_order is {max_order}; allowed are 1, 2, 3 and 4")
    check_texts(hypotheses=hypotheses, references=references)
    counted = word_ngrams((*hypotheses, *references))
    return Statistics(_rows(counted.tokens, counted.up_to(max_order)), bleu_of_sums)


def sacre_bleu_statistics(
    hypotheses: Sequence[str], references: Sequence[str], *, tokenize: str = "13a"
) -> Statistics:
    """What each pair contributes to :func:`sacre_bleu`, for resampling.

    Arguments and errors are those of :func:`sacre_bleu`.
    """
    check_texts(hypotheses=hypotheses, references=references)
    split = _sacre_tokenizer(tokenize)
    tokens = [split(text.rstrip()) for text in (*hypotheses, *references)]
    return Statistics(_rows(tokens, list(ngram_counts(tokens, 4))), sacre_bleu_of_sums)


def bleu_of_sums(total: NDArray[np.float64]) -> float:
    """:func:`corpus_bleu` from the sums (S,) over pairs of :func:`bleu_statistics`."""
    return _value(total, "none")


def sacre_bleu_of_sums(total: NDArray[np.float64]) -> float:
    """:func:`sacre_bleu` from the sums (S,) over pairs of :func:`sacre_bleu_statistics`."""
    return _value(total, "exp")


def _sacre_tokenizer(name: str) -> Callable[[str], list[str]]:
    """SacreBLEU's tokenizer of that name, from a text to its words."""
    from sacrebleu.metrics.bleu import BLEU

    if name not in BLEU.TOKENIZERS:
        raise SettingsError(f"tokenize is '{name}'; allowed are {sorted(BLEU.TOKENIZERS)}")
    try:
        tokenizer = BLEU(tokenize=name).tokenizer
    except (ImportError, RuntimeError) as error:
        raise SettingsError(f"tokenize is '{name}', which lacks a package: {error}") from error
    if name != "13a":
        return lambda text: tokenizer(text).split()
    part_words = lru_cache(maxsize=2**16)(lambda part: tuple(tokenizer(part).split()))

    def words_of_parts(text: str) -> list[str]:
        # To 13a white space is a boundary like any other, but for hyphens at the end of a line,
        # which join lines, so that each different part of a text has to be looked at only once.
        if "-\n" in text:
            return list(tokenizer(text).split())
        return [word for part in text.split() for word in part_words(part)]

    return words_of_parts


def _rows(tokens: Sequence[Sequence[str]], counts: Sequence[csr_matrix]) -> NDArray[np.float64]:
    """Matches and n-grams of each order, both lengths, and 1, of each pair (N, 2 * orders + 3).

    Args:
        tokens: Words of the N generated texts, then of the N true ones.
        counts: Their n-grams, of one order each.
    """
    size = len(tokens) // 2
    lengths = np.fromiter(map(len, tokens), np.float64, len(tokens))
    columns = [shared(count[:size], count[size:]) for count in counts]
    columns += [sums(count[:size]) for count in counts]
    columns += [lengths[:size], lengths[size:], np.ones(size)]
    return np.stack(columns, axis=1)


def _value(total: NDArray[np.float64], smoothing: str) -> float:
    """BLEU from sums of rows, with sacrebleu's smoothing of that name; NaN of no pair."""
    from sacrebleu.metrics.bleu import BLEU

    *counts, said, true, pairs = np.rint(total).astype(int).tolist()
    if not pairs:
        return float("nan")
    max_order = len(counts) // 2
    return float(
        BLEU.compute_bleu(
            correct=counts[:max_order],
            total=counts[max_order:],
            sys_len=said,
            ref_len=true,
            smooth_method=smoothing,
            max_ngram_order=max_order,
        ).score
    )
