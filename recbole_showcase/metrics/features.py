"""Which features of an item a text names, and whether they are the right ones.

A feature is a word or a phrase of a lexicon, such as "noodle soup" or "staff". What each of N texts
names of F features is a matrix (N, F) of :func:`feature_mentions`, sparse or dense; the metrics
read such matrices, so features that come with the data serve as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recbole_showcase.errors import DataError
from recbole_showcase.metrics._checks import check_same_length, check_texts, mean, share
from recbole_showcase.metrics.words import feature_words

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    Mentions: TypeAlias = csr_matrix | ArrayLike
else:
    Mentions: TypeAlias = Any


def feature_mentions(texts: Sequence[str], lexicon: Sequence[str]) -> csr_matrix:
    """Find the features of a lexicon in texts, by scikit-learn's ``CountVectorizer``.

    A feature is named where its words stand one after the other, whatever is around them: a text
    with "noodle soup" names "noodle soup" and "soup". Words are not inflected: "soups" is not
    "soup". In a language without spaces words are characters, so a feature is named where
    its characters stand.

    Args:
        texts: N texts.
        lexicon: F different features.

    Returns:
        True where a text names a feature, sparse (N, F).

    Raises:
        DataError: A single text was given instead of a list, or the lexicon is empty, or has a
            feature without a word or twice.

    >>> feature_mentions(["Noodle-soup!", "soups"], ["soup", "noodle soup"]).toarray().tolist()
    [[True, True], [False, False]]
    """
    check_texts(texts=texts)
    place = _places(lexicon)
    from sklearn.feature_extraction.text import CountVectorizer

    longest = max(words.count(" ") + 1 for words in place)
    vectorizer = CountVectorizer(
        vocabulary=place,
        ngram_range=(1, longest),
        tokenizer=feature_words,
        token_pattern=None,
        lowercase=False,
        dtype=np.int64,
    )
    if not texts:
        from scipy.sparse import csr_matrix

        return csr_matrix((0, len(place)), dtype=bool)
    return vectorizer.transform(texts).astype(bool)


def feature_matching_ratio(mentions: Mentions, reference_mentions: Mentions) -> float:
    """FMR: share of the true features of a pair that its text names, averaged over pairs.

    Li, Zhang, Chen, "Generate Neural Template Explanations for Recommendation", CIKM 2020, where
    each pair has one true feature. With several, as when they are those the true review names,
    each counts the same.

    Args:
        mentions: Features of the generated texts (N, F).
        reference_mentions: Features of the true texts (N, F).

    Returns:
        Between 0 and 1, over pairs with a true feature; NaN if there are none.

    Raises:
        DataError: The shapes differ.

    >>> feature_matching_ratio([[1, 0, 1], [0, 1, 0]], [[1, 1, 0], [0, 1, 0]])
    0.75
    """
    return mean(feature_matching_values(mentions, reference_mentions))


def feature_matching_values(
    mentions: Mentions, reference_mentions: Mentions
) -> NDArray[np.float64]:
    """:func:`feature_matching_ratio` of each pair (N,), NaN where there is no true feature."""
    first, second = same_shape(mentions=mentions, reference_mentions=reference_mentions)
    return share(row_sums(first.multiply(second)), row_sums(second))


def feature_coverage_ratio(mentions: Mentions) -> float:
    """FCR: share of the lexicon that the texts name, all together.

    Li, Zhang, Chen, CIKM 2020.

    Args:
        mentions: Features of the generated texts (N, F).

    Returns:
        Between 0 and 1; NaN if there is no text or no feature.

    >>> feature_coverage_ratio([[1, 0, 1, 0], [1, 0, 0, 0]])
    0.5
    """
    named = as_mentions(mentions)
    if not min(named.shape):
        return float("nan")
    return np.unique(named.nonzero()[1]).size / named.shape[1]


def feature_diversity(mentions: Mentions) -> float:
    """DIV: number of features that two texts both name, averaged over all pairs of texts.

    Li, Zhang, Chen, CIKM 2020. Counted feature by feature, c texts being c (c - 1) / 2 pairs, so
    in time linear in the number of mentions.

    Args:
        mentions: Features of the generated texts (N, F).

    Returns:
        0 or more, lower being more diverse; NaN with fewer than two texts.

    >>> feature_diversity([[1, 1], [1, 1], [0, 0]])  # 2 of 3 pairs share nothing
    0.6666666666666666
    """
    named = as_mentions(mentions)
    if named.shape[0] < 2:
        return float("nan")
    times = np.bincount(named.nonzero()[1]).astype(np.float64)
    pairs = named.shape[0] * (named.shape[0] - 1)
    return float((times * (times - 1)).sum() / pairs)


def known_feature_ratio(mentions: Mentions, known: Mentions) -> float:
    """Share of the texts that name a feature known of their item, or of their user.

    With features of items: iFMR of Yang et al., "MAPLE: Enhancing Review Generation with
    Multi-Aspect Prompt Learning in Explainable Recommendation", ACL 2025.

    Args:
        mentions: Features of the generated texts (N, F).
        known: Features that training reviews of the pair's item, or user, name (N, F).

    Returns:
        Between 0 and 1, over pairs of whose item, or user, a feature is known; NaN if there are
        none.

    Raises:
        DataError: The shapes differ.

    >>> known_feature_ratio([[1, 0, 1], [0, 1, 0], [1, 0, 0]], [[1, 1, 0], [1, 0, 0], [0, 0, 0]])
    0.5
    """
    return mean(known_feature_values(mentions, known))


def known_feature_values(mentions: Mentions, known: Mentions) -> NDArray[np.float64]:
    """:func:`known_feature_ratio` of each pair (N,), NaN where no feature is known."""
    named, menu = same_shape(mentions=mentions, known=known)
    both = row_sums(named.multiply(menu))
    return share(both > 0, row_sums(menu) > 0)


def known_feature_coverage(mentions: Mentions, known: Mentions, groups: ArrayLike) -> float:
    """Share of what is known of an item, or a user, that its texts together name, averaged.

    With items as groups: iFCR of Yang et al. (MAPLE), ACL 2025.

    Args:
        mentions: Features of the generated texts (N, F).
        known: Features that training reviews of the pair's item, or user, name (N, F), the same
            for all pairs of a group.
        groups: The item, or the user, of each pair (N,).

    Returns:
        Between 0 and 1, over groups of which a feature is known; NaN if there are none.

    Raises:
        DataError: The shapes or the lengths differ.

    >>> known = [[1, 1, 1, 0], [1, 1, 1, 0], [0, 0, 1, 1]]
    >>> known_feature_coverage([[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 0]], known, [7, 7, 8])
    0.3333333333333333
    """
    return mean(known_feature_coverage_values(mentions, known, groups))


def known_feature_coverage_values(
    mentions: Mentions, known: Mentions, groups: ArrayLike
) -> NDArray[np.float64]:
    """:func:`known_feature_coverage` of each group, at its first pair (N,), NaN at its others."""
    named, menu = same_shape(mentions=mentions, known=known)
    owners = np.asarray(groups)
    check_same_length(mentions=range(named.shape[0]), groups=owners)
    _, first, place = np.unique(owners, return_index=True, return_inverse=True)
    from scipy.sparse import csr_matrix

    ones = np.ones(len(place), dtype=np.int64)
    of_group = csr_matrix((ones, (place, np.arange(len(place)))), (len(first), len(place)))
    found = row_sums((of_group @ named.multiply(menu)).astype(bool).astype(np.int64))
    values = np.full(len(place), np.nan)
    values[first] = share(found, row_sums(menu[first]))
    return values


def as_mentions(values: Mentions) -> csr_matrix:
    """A matrix of mentions, given in any form, as sparse 0 and 1.

    Raises:
        DataError: It is not 2-dimensional.
    """
    from scipy.sparse import csr_matrix, issparse

    if not issparse(values) and np.ndim(values) != 2:
        raise DataError(f"mentions have shape {np.shape(values)}; allowed is (texts, features)")
    return csr_matrix(values).astype(bool).astype(np.int64)


def same_shape(**named: Mentions) -> list[csr_matrix]:
    """Several matrices of mentions.

    Raises:
        DataError: Their shapes differ.
    """
    found = {name: as_mentions(values) for name, values in named.items()}
    shapes = {name: matrix.shape for name, matrix in found.items()}
    if len(set(shapes.values())) > 1:
        given = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise DataError(f"mentions have different shapes: {given}; allowed is one shape")
    return list(found.values())


def row_sums(mentions: csr_matrix) -> NDArray[np.int64]:
    """Number of features of each text, shape (N,)."""
    return np.asarray(mentions.sum(axis=1), dtype=np.int64).reshape(-1)


def _places(lexicon: Sequence[str]) -> dict[str, int]:
    """The place of each feature of a lexicon, by its words."""
    check_texts(lexicon=lexicon)
    place: dict[str, int] = {}
    for number, feature in enumerate(lexicon):
        words = " ".join(feature_words(feature))
        if not words or words in place:
            problem = "is there twice" if words else "has no word"
            raise DataError(f"lexicon, entry {number}: feature '{feature}' {problem}")
        place[words] = number
    if not place:
        raise DataError("the lexicon is empty; allowed is one feature or more")
    return place
