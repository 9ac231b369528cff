"""How varied the generated texts are, whatever the true ones say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recbole_showcase.errors import SettingsError
from recbole_showcase.metrics._checks import (
    check_at_least_one,
    check_same_length,
    check_texts,
    mean,
)
from recbole_showcase.metrics._ngrams import sums, word_ngrams
from recbole_showcase.metrics.words import words

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

# What an order without a match counts in a sentence's BLEU: method 1 of Chen and Cherry, 2014.
_EPSILON = 0.1


def distinct_n(hypotheses: Sequence[str], n: int) -> float:
    """Number of different n-grams of all texts together over the number of all their n-grams.

    Li et al., "A Diversity-Promoting Objective Function for Neural Conversation Models", NAACL
    2016. Words are those of :func:`corpus_bleu`. The value falls with the amount of text, so
    compare it only between texts for the same pairs.

    Args:
        hypotheses: Generated texts.
        n: Order of the n-grams.

    Returns:
        Between 0 and 1; NaN if no text has n words.

    Raises:
        DataError: A single text was given instead of a list.
        SettingsError: n is below 1.

    >>> distinct_n(["good soup good soup", "good soup"], 2)
    0.5
    """
    check_at_least_one(n=n)
    check_texts(hypotheses=hypotheses)
    different: set[tuple[str, ...]] = set()
    total = 0
    for text in hypotheses:
        said = words(text)
        different.update(zip(*(said[start:] for start in range(n)), strict=False))
        total += max(len(said) - n + 1, 0)
    return len(different) / total if total else float("nan")


def entropy_n(hypotheses: Sequence[str], n: int) -> float:
    """Entropy of the n-grams of all texts together, in nats.

    Ent-n of Zhang et al., "Generating Informative and Diverse Conversational Responses via
    Adversarial Information Maximization", NeurIPS 2018. Unlike :func:`distinct_n` it sees how
    evenly n-grams are used, and it grows with the amount of text.

    Args:
        hypotheses: Generated texts.
        n: Order of the n-grams.

    Returns:
        From 0, all n-grams the same, to the logarithm of their number; NaN if no text has n words.

    Raises:
        DataError: A single text was given instead of a list.
        SettingsError: n is below 1.

    >>> round(entropy_n(["soup soup", "pizza", "salad"], 1), 4)  # 1/2 ln 2 + 2 x 1/4 ln 4
    1.0397
    """
    check_at_least_one(n=n)
    check_texts(hypotheses=hypotheses)
    counts = word_ngrams(hypotheses).up_to(n)[-1]
    times = np.asarray(counts.sum(axis=0), dtype=np.float64).reshape(-1)  # (G,)
    if not times.size:
        return float("nan")
    part = times / times.sum()
    return max(0.0, float(-(part * np.log(part)).sum()))


def empty_texts(hypotheses: Sequence[str]) -> float:
    """Share of pairs that have no text: an explainer that quotes may have nothing to say.

    Args:
        hypotheses: Texts, of each pair one.

    Returns:
        Between 0 and 1; NaN if there is no pair.

    Raises:
        DataError: A single text was given instead of a list.

    >>> empty_texts(["good soup", "", " ", "nice"])
    0.5
    """
    return mean(empty_text_values(hypotheses))


def empty_text_values(hypotheses: Sequence[str]) -> NDArray[np.float64]:
    """:func:`empty_texts` of each pair: 1 without a text, else 0, shape (N,)."""
    check_texts(hypotheses=hypotheses)
    return np.array([not text.strip() for text in hypotheses], dtype=np.float64)


def unique_sentence_ratio(hypotheses: Sequence[str]) -> float:
    """USR: number of different texts over the number of texts.

    Li, Zhang, Chen, "Generate Neural Template Explanations for Recommendation", CIKM 2020. Texts
    are the same if their lower-cased words are.

    Args:
        hypotheses: Generated texts.

    Returns:
        Above 0 and up to 1; NaN if there is no text.

    Raises:
        DataError: A single text was given instead of a list.

    >>> unique_sentence_ratio(["Good soup", "good  soup", "good pizza", ""])
    0.75
    """
    if not check_texts(hypotheses=hypotheses):
        return float("nan")
    return len({tuple(words(text)) for text in hypotheses}) / len(hypotheses)


def self_bleu(hypotheses: Sequence[str], *, max_order: int = 4) -> float:
    """BLEU of each text against all the other ones, averaged over texts.

    Zhu et al., "Texygen: A Benchmarking Platform for Text Generation Models", SIGIR 2018: sentence
    BLEU with all other texts as references, an order without a match counting 0.1 matches.

    Exact over all texts, and linear in them: a clipped count needs of all other texts only the
    largest count of the n-gram, which is the largest of all, or the second where the text itself
    has the largest.

    Args:
        hypotheses: Generated texts.
        max_order: Largest n-gram order.

    Returns:
        From 0 to 100, all texts the same; NaN with fewer than two texts.

    Raises:
        DataError: A single text was given instead of a list.
        SettingsError: max_order is not 1, 2, 3 or 4.

    >>> round(self_bleu(["good hot soup", "good soup"], max_order=1), 2)
    63.66
    """
    if max_order not in (1, 2, 3, 4):
        raise SettingsError(f"max_order is {max_order}; allowed are 1, 2, 3 and 4")
    check_texts(hypotheses=hypotheses)
    if len(hypotheses) < 2:
        return float("nan")
    counted = word_ngrams(hypotheses)
    lengths = counted.lengths().astype(np.float64)
    matches, totals = [], []
    for counts in counted.up_to(max_order):
        matches.append(_matches_elsewhere(counts))
        totals.append(np.maximum(sums(counts), 1.0))
    match = np.stack(matches)  # (max_order, N)
    logs = np.log(np.where(match > 0, match, _EPSILON) / np.stack(totals))
    brevity = np.minimum(0.0, 1.0 - _closest_other(lengths) / np.maximum(lengths, 1.0))
    return mean(np.where(match[0] > 0, 100.0 * np.exp(logs.mean(axis=0) + brevity), 0.0))


def mean_over_groups(
    metric: Callable[[list[str]], float], hypotheses: Sequence[str], groups: ArrayLike
) -> float:
    """A metric of the texts of each user, or of each item, averaged over them.

    Whether a system has one sentence for each user, or one for each item, does not show in a
    metric of all texts together.

    Args:
        metric: Of a list of texts, such as :func:`unique_sentence_ratio`.
        hypotheses: Generated texts, N of them.
        groups: The user, or the item, of each text, shape (N,).

    Returns:
        The mean over groups of two texts or more whose value is not NaN; NaN if there is none.

    Raises:
        DataError: The lengths differ, or a single text was given instead of a list.

    >>> texts = ["good soup", "good soup", "good pizza", "nice place", "a soup"]
    >>> mean_over_groups(unique_sentence_ratio, texts, ["ann", "ann", "bob", "bob", "eve"])
    0.75
    """
    check_texts(hypotheses=hypotheses)
    keys = np.asarray(groups)
    check_same_length(hypotheses=hypotheses, groups=keys)
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.append(True, keys[order][1:] != keys[order][:-1]))
    members = np.split(order, starts[1:])
    values = [metric([hypotheses[n] for n in own]) for own in members if len(own) > 1]
    return mean(values)


def _matches_elsewhere(counts: csr_matrix) -> NDArray[np.float64]:
    """For each text, its n-grams clipped at the largest count in any other text, shape (N,)."""
    entries = counts.tocoo()
    order = np.lexsort((-entries.data, entries.col))  # by n-gram, largest count first
    text, gram, count = entries.row[order], entries.col[order], entries.data[order]
    first = np.append(True, gram[1:] != gram[:-1])[: len(gram)]
    starts = np.flatnonzero(first)
    second = np.zeros(len(starts))
    several = np.flatnonzero(np.diff(np.append(starts, len(gram))) > 1)
    second[several] = count[starts[several] + 1]
    elsewhere = np.where(first, second[gram], count[starts[gram]])
    matches = np.bincount(text, np.minimum(count, elsewhere), minlength=counts.shape[0])
    return matches.astype(np.float64)


def _closest_other(lengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Length of the other text whose length is nearest, the shorter of two as near, shape (N,)."""
    known, place, times = np.unique(lengths, return_inverse=True, return_counts=True)
    padded = np.concatenate([[-np.inf], known, [np.inf]])
    shorter, longer = padded[:-2], padded[2:]
    other = np.where(known - shorter <= longer - known, shorter, longer)
    return np.where(times > 1, known, other)[place]
