"""Who took the photo: where a ranking of an item's photos has the one that the user posted.

The metrics by which models that explain by photos are compared: MRecall@k, MNDCG@k and MAUC of
Paz-Ruza et al. (BRIE, Information Fusion 2024, arXiv 2308.01196), M for mean. A test case is one
photo that a user posted of an item, among photos of the item by others. Which cases there are is
the caller's matter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recbole_showcase.errors import DataError
from recbole_showcase.metrics._checks import check_at_least_one, check_same_length, mean, share
from recbole_showcase.metrics.statistics import Statistics


def case_places(posted: ArrayLike, others: ArrayLike) -> NDArray[np.int64]:
    """Where the posted photo of each test case stands among the others.

    Args:
        posted: Scores of the posted photos, larger is better (T,).
        others: Scores of the other photos of the case (T, C), NaN where there is none.

    Returns:
        How many others are above it, level with it, and how many there are (T, 3).

    Raises:
        DataError: The shapes do not fit, or a posted photo has no score.

    >>> case_places([0.5, 0.9], [[0.7, 0.5, 0.1], [0.2, 0.3, float("nan")]]).tolist()
    [[1, 1, 3], [0, 0, 2]]
    """
    own, rest = np.asarray(posted, dtype=np.float64), np.asarray(others, dtype=np.float64)
    if own.ndim != 1 or rest.ndim != 2:
        raise DataError(
            f"posted has shape {own.shape} and others {rest.shape}; allowed are (T,) and (T, C)"
        )
    check_same_length(posted=own, others=rest)
    if np.isnan(own).any():
        raise DataError(f"posted, case {int(np.argmax(np.isnan(own)))}: the score is NaN")
    above, level = rest > own[:, None], rest == own[:, None]
    return np.stack([part.sum(axis=1) for part in (above, level, ~np.isnan(rest))], axis=1)


def authorship_recall(places: ArrayLike, k: int) -> float:
    """MRecall@k: share of the test cases whose posted photo is among the first k.

    Of photos that are level any order is as good: the value is the mean over all their orders, here
    and in the other two.

    Args:
        places: Of the test cases, as :func:`case_places` gives them (T, 3).
        k: Number of places looked at.

    Returns:
        Between 0 and 1; NaN if there is no case.

    Raises:
        DataError: The places have another shape.
        SettingsError: k is below 1.

    >>> authorship_recall([[0, 0, 4], [2, 1, 4], [3, 0, 4]], k=3)
    0.5
    """
    return mean(authorship_recall_values(places, k))


def authorship_recall_values(places: ArrayLike, k: int) -> NDArray[np.float64]:
    """:func:`authorship_recall` of each case (T,)."""
    check_at_least_one(k=k)
    return _over_orders(places, np.ones(k))


def authorship_ndcg(places: ArrayLike, k: int) -> float:
    """MNDCG@k: 1 / log2(1 + place) of the posted photo, 0 beyond place k, a mean over test cases.

    There is one photo to find, so the best value is 1. Arguments, result and errors are those of
    :func:`authorship_recall`.

    >>> round(authorship_ndcg([[0, 0, 4], [1, 0, 4], [3, 0, 4]], k=3), 4)
    0.5436
    """
    return mean(authorship_ndcg_values(places, k))


def authorship_ndcg_values(places: ArrayLike, k: int) -> NDArray[np.float64]:
    """:func:`authorship_ndcg` of each case (T,)."""
    check_at_least_one(k=k)
    return _over_orders(places, 1 / np.log2(np.arange(2, k + 2)))


def authorship_auc(places: ArrayLike) -> float:
    """MAUC: share of the other photos that the posted one is above, a mean over test cases.

    A photo that is level counts half, so it is the area under the ROC curve of the case.

    Args:
        places: Of the test cases, as :func:`case_places` gives them (T, 3).

    Returns:
        Between 0 and 1, over cases with another photo; NaN if there are none.

    Raises:
        DataError: The places have another shape.

    >>> authorship_auc([[0, 0, 4], [1, 1, 3]])
    0.75
    """
    return mean(authorship_auc_values(places))


def authorship_auc_values(places: ArrayLike) -> NDArray[np.float64]:
    """:func:`authorship_auc` of each case (T,), NaN without another photo."""
    above, level, count = _columns(places)
    return share(count - above - level / 2, count)


def case_statistics(values: ArrayLike, pairs: ArrayLike, n_pairs: int) -> Statistics:
    """A mean over test cases, as what each pair adds.

    Args:
        values: Of the cases (T,); those that are NaN are left out.
        pairs: The pair of each case, from 0 (T,).
        n_pairs: The number of pairs, N; one without a case adds nothing.
    """
    return Statistics.of_values(values).summed(np.asarray(pairs, dtype=np.int64), n_pairs)


def _over_orders(places: ArrayLike, gains: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over the places that each posted photo may have of what the first k gain (k,)."""
    above, level, _ = _columns(places)
    k = len(gains)
    total = np.concatenate([[0.0], np.cumsum(gains)])  # of the first n places
    first, last = np.minimum(above, k), np.minimum(above + level + 1, k)
    return (total[last] - total[first]) / (level + 1)


def _columns(places: ArrayLike) -> NDArray[np.int64]:
    array = np.asarray(places)
    if array.ndim != 2 or array.shape[1] != 3:
        raise DataError(f"places have shape {array.shape}; allowed is (T, 3)")
    return array.astype(np.int64).T
