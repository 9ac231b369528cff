"""What recommendation and explanation achieve together."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.metrics._checks import check_at_least_one, check_same_length, mean
from recbole_showcase.metrics.features import Mentions, feature_matching_values
from recbole_showcase.metrics.images import image_recall_values

Truth = Literal["text", "photos", "both", "either"]
_TRUTHS = ("text", "photos", "both", "either")
# Users of this many pairs or fewer are compared by all pairs of these, which grow with the square.
_FEW_PAIRS = 32


def rightly_explained(
    mentions: Mentions,
    reference_mentions: Mentions,
    selected: ArrayLike,
    relevant: ArrayLike,
    k: int,
    *,
    truth: Truth = "both",
) -> NDArray[np.float64]:
    """Whether each pair is explained by what moved the user.

    A text is right if it names a feature that the user's own review of the item names. Photos are
    right if one of the first k is one that the user posted of the item.

    Args:
        mentions: Features of the generated texts (N, F), see :func:`feature_mentions`.
        reference_mentions: Features of the users' reviews (N, F).
        selected: Numbers of the selected photos, best first (N, K), padded with -1.
        relevant: Numbers of the photos that the users posted (N, R), padded with -1.
        k: Number of photos looked at.
        truth: Which must be right: the text, the photos, both, or at least one of them.

    Returns:
        1 for a pair that is rightly explained, 0 for one that is not (N,). NaN where that cannot
        be told: the review names no feature, or has no photo, and ``truth`` asks for it; "both"
        and "either" ask for both.

    Raises:
        DataError: The arguments do not fit.
        SettingsError: k is below 1, or ``truth`` is none of the four.

    >>> rightly_explained([[1, 0], [0, 1]], [[1, 1], [1, 0]], [[3, 4], [6, 7]], [[4], [6]], k=2)
    array([1., 0.])
    """
    if truth not in _TRUTHS:
        raise SettingsError(f"truth is '{truth}'; allowed are {list(_TRUTHS)}")
    text = _positive(feature_matching_values(mentions, reference_mentions))
    photos = _positive(image_recall_values(selected, relevant, k))
    check_same_length(texts=text, photos=photos)
    if truth == "text":
        return text
    if truth == "photos":
        return photos
    return text * photos if truth == "both" else np.maximum(text, photos)


def joint_hit(ranks: ArrayLike, explained: ArrayLike, k: int) -> float:
    """Share of the pairs whose item is recommended and rightly explained.

    Args:
        ranks: Place of each held-out item in its user's recommendations, from 1; 0 for an item
            that is not recommended (N,).
        explained: 1 for a pair that is rightly explained, 0 for another, NaN where that cannot be
            told, as :func:`rightly_explained` gives it (N,).
        k: How many recommendations count.

    Returns:
        From 0 to the hit rate at k, over pairs of which it can be told; NaN if there are none.

    Raises:
        DataError: The arguments do not fit.
        SettingsError: k is below 1.

    >>> joint_hit([1, 2, 9, 0], [1, 0, 1, 0], k=5)
    0.25
    """
    return mean(joint_hit_values(ranks, explained, k))


def joint_hit_values(ranks: ArrayLike, explained: ArrayLike, k: int) -> NDArray[np.float64]:
    """:func:`joint_hit` of each pair (N,), NaN where it cannot be told."""
    right = np.asarray(explained, dtype=np.float64)
    return right * _hits(ranks, right, k)


def explained_hit_share(ranks: ArrayLike, explained: ArrayLike, k: int) -> float:
    """Share of the hits, the held-out items that are recommended, that is rightly explained.

    Arguments and errors are those of :func:`joint_hit`.

    Returns:
        Between 0 and 1, over hits of which it can be told; NaN if there are none.

    >>> explained_hit_share([1, 2, 9, 0], [1, 0, 1, 0], k=5)
    0.5
    """
    return mean(explained_hit_values(ranks, explained, k))


def explained_hit_values(ranks: ArrayLike, explained: ArrayLike, k: int) -> NDArray[np.float64]:
    """:func:`explained_hit_share` of each pair (N,), NaN for no hit or where it cannot be told."""
    right = np.asarray(explained, dtype=np.float64)
    return np.where(_hits(ranks, right, k), right, np.nan)


def score_sentiment_agreement(
    scores: ArrayLike, sentiments: ArrayLike, users: ArrayLike | None = None
) -> float:
    """Kendall's tau-b of the recommender's scores and the sentiment of the texts.

    Does the text praise what is recommended most? Computed by SciPy; of users with few pairs by the
    definition, for all of them at once.

    Args:
        scores: The recommender's score of each pair (N,); pairs with NaN are left out.
        sentiments: Of each generated text, such as :func:`sentiment` gives it (N,).
        users: The user of each pair (N,); where given, the mean over users of the tau of their
            pairs, since scores of different users need not compare.

    Returns:
        From -1, opposite order, over 0, none, to 1, the same order. NaN where there are no two
        pairs that differ in both; such users are left out of the mean.

    Raises:
        DataError: The lengths differ.

    >>> round(score_sentiment_agreement([0.1, 0.2, 0.3], [-0.5, 0.8, 0.4]), 4)
    0.3333
    """
    first, second = (np.asarray(values, dtype=np.float64) for values in (scores, sentiments))
    check_same_length(scores=first, sentiments=second)
    known = ~np.isnan(first) & ~np.isnan(second)
    if users is None:
        return _tau(first[known], second[known])
    owners = np.asarray(users)
    check_same_length(scores=first, users=owners)
    order = np.flatnonzero(known)[np.argsort(owners[known], kind="stable")]
    starts = np.flatnonzero(np.append(True, owners[order][1:] != owners[order][:-1])[: len(order)])
    sizes = np.diff(np.append(starts, len(order)))
    values = np.full(len(starts), np.nan)  # of users of one pair there is none
    for size in np.unique(sizes[sizes > 1]):
        own = sizes == size
        rows = order[starts[own, None] + np.arange(size)]  # (users of that many pairs, size)
        tau = _tau_of_rows if size <= _FEW_PAIRS else _tau_one_by_one
        values[own] = tau(first[rows], second[rows])
    return mean(values)


def _tau_one_by_one(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """:func:`_tau` of each row of (U, n)."""
    return np.array([_tau(*pair) for pair in zip(first, second, strict=True)])


def _tau_of_rows(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """:func:`_tau` of each row of (U, n), over all pairs of its entries: U n^2 of them."""
    here, there = np.triu_indices(first.shape[1], k=1)
    one = np.sign(first[:, here] - first[:, there])
    other = np.sign(second[:, here] - second[:, there])
    agreement = (one * other).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        tau = agreement / np.sqrt(np.abs(one).sum(axis=1)) / np.sqrt(np.abs(other).sum(axis=1))
    return np.clip(tau, -1.0, 1.0)  # NaN where a side is all equal


def _tau(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    if len(first) < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    from scipy.stats import kendalltau

    return float(kendalltau(first, second).statistic)


def _positive(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 for what is above 0, 0 for 0, NaN for NaN."""
    return np.where(np.isnan(values), np.nan, values > 0)


def _hits(ranks: ArrayLike, explained: NDArray[np.float64], k: int) -> NDArray[np.bool_]:
    """Whether each pair's item is among the first k recommendations (N,)."""
    check_at_least_one(k=k)
    places = np.asarray(ranks)
    if places.ndim != 1 or (places.size and (places.dtype.kind not in "iu" or places.min() < 0)):
        raise DataError(
            f"ranks have shape {places.shape} and type {places.dtype}; allowed are integers from "
            "1, and 0 for what is not recommended, (N,)"
        )
    check_same_length(ranks=places, explained=explained)
    return (places > 0) & (places <= k)
