"""ROUGE: how much a text and the true one share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from recbole_showcase.errors import SettingsError
from recbole_showcase.metrics._checks import check_texts, mean
from recbole_showcase.metrics._ngrams import ngram_counts, shared, sums
from recbole_showcase.metrics.words import rouge_words

RougeKind = Literal["rouge1", "rouge2", "rougeL"]
_KINDS = ("rouge1", "rouge2", "rougeL")


def rouge(
    hypotheses: Sequence[str], references: Sequence[str], *, kind: RougeKind = "rougeL"
) -> float:
    """F-measure of ROUGE-1, ROUGE-2 or ROUGE-L, averaged over pairs, times 100.

    Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004, as Google's rouge-score
    package computes it without stemming, with its tokenizer, which keeps runs of a-z and 0-9 of
    the lower-cased text; a text that is mostly in another script than Latin is split at Unicode's
    word boundaries instead, without punctuation. The counting is ours, see ``docs/metrics.md``.

    Args:
        hypotheses: Generated texts.
        references: True texts, in the same order.
        kind: "rouge1", "rouge2" or "rougeL".

    Returns:
        Between 0 and 100; a pair with an empty text counts 0; NaN if there is no pair.

    Raises:
        DataError: The lengths differ, or a single text was given instead of a list.
        SettingsError: kind is not one of the three.

    >>> round(rouge(["good soup here"], ["good hot soup"], kind="rougeL"), 2)
    66.67
    """
    return mean(rouge_values(hypotheses, references, kind=kind))


def rouge_values(
    hypotheses: Sequence[str], references: Sequence[str], *, kind: RougeKind = "rougeL"
) -> NDArray[np.float64]:
    """:func:`rouge` of each pair, shape (N,)."""
    if kind not in _KINDS:
        raise SettingsError(f"kind of ROUGE is '{kind}'; allowed are {list(_KINDS)}")
    check_texts(hypotheses=hypotheses, references=references)
    tokens = [rouge_words(text) for text in (*hypotheses, *references)]
    size = len(hypotheses)
    if kind == "rougeL":
        lengths = np.fromiter(map(len, tokens), np.float64, len(tokens))
        match = _longest_common(tokens[:size], tokens[size:])
        total = lengths[:size] + lengths[size:]
    else:
        *_, counts = ngram_counts(tokens, int(kind[-1]))
        match = shared(counts[:size], counts[size:])
        total = sums(counts[:size]) + sums(counts[size:])
    return np.where(match > 0, 200.0 * match / np.maximum(total, 1.0), 0.0)


def _longest_common(
    first: Sequence[Sequence[str]], second: Sequence[Sequence[str]]
) -> NDArray[np.float64]:
    """Lengths of the longest common subsequences, shape (N,)."""
    from rapidfuzz.distance.LCSseq import similarity

    return np.fromiter(map(similarity, first, second), np.float64, len(first))
