"""How accurate and how varied the selected photos are.

Photos are given by number. Any numbering will do (place in the item's set, row of a feature
matrix) as long as both arguments use the same; negative numbers are padding.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recbole_showcase.errors import DataError
from recbole_showcase.metrics._checks import (
    check_at_least_one,
    check_same_length,
    mean,
    share,
)


def image_precision(selected: ArrayLike, relevant: ArrayLike, k: int) -> float:
    """Share of the k places of a set that hold a relevant photo, averaged over pairs.

    As usual in retrieval, the denominator is k also where fewer photos were selected, so
    selecting less cannot raise the value.

    Args:
        selected: Numbers of the selected photos, best first, shape (N, K), padded with -1.
        relevant: Numbers of the relevant photos, e.g. those the user posted for the item, shape
            (N, R), padded with -1; order and repetitions do not matter.
        k: Number of places looked at; may exceed K.

    Returns:
        Between 0 and 1, over pairs with at least one relevant photo; NaN if there are none.

    Raises:
        DataError: The number of rows differs, an array is not 2-dimensional or not of integers,
            or a photo is selected twice.
        SettingsError: k is below 1.

    >>> image_precision([[4, 2, 0], [1, 0, -1]], [[0, 2], [5, -1]], k=3)
    0.3333333333333333
    """
    return mean(image_precision_values(selected, relevant, k))


def image_recall(selected: ArrayLike, relevant: ArrayLike, k: int) -> float:
    """Share of the relevant photos that are among the first k selected, averaged over pairs.

    Arguments, result and errors are those of :func:`image_precision`.

    >>> image_recall([[4, 2, 0], [1, 0, -1]], [[0, 2], [1, 5]], k=3)
    0.75
    """
    return mean(image_recall_values(selected, relevant, k))


def image_f1(selected: ArrayLike, relevant: ArrayLike, k: int) -> float:
    """Harmonic mean of a pair's precision and recall at k, averaged over pairs.

    The harmonic mean is taken for each pair, not of the two averages.
    Arguments, result and errors are those of :func:`image_precision`.

    >>> image_f1([[4, 2, 0], [1, 0, -1]], [[0, 2], [3, -1]], k=3)
    0.4
    """
    return mean(image_f1_values(selected, relevant, k))


def image_ndcg(selected: ArrayLike, relevant: ArrayLike, k: int) -> float:
    """NDCG at k: relevant photos count less the later they come, averaged over pairs.

    Järvelin and Kekäläinen, "Cumulated Gain-based Evaluation of IR Techniques", TOIS 2002, with a
    gain of 1 for a relevant photo and a discount of log2(1 + place). The best possible order has
    relevant photos in all of the first min(k, R) places.

    Arguments, result and errors are those of :func:`image_precision`.

    >>> round(image_ndcg([[4, 2, 0], [1, 0, -1]], [[2, -1], [1, 5]], k=3), 4)  # 0.6309, 0.6131
    0.622
    """
    return mean(image_ndcg_values(selected, relevant, k))


def image_diversity(features: ArrayLike, mask: ArrayLike, k: int | None = None) -> float:
    """Mean of 1 - cosine over the pairs of a set, averaged over sets.

    Args:
        features: Features of the selected photos of any length, shape (N, K, D), best first.
        mask: True for real photos, shape (N, K).
        k: Number of places looked at; all by default.

    Returns:
        Between 0 (copies) and 2, about 1 for unrelated photos. Sets of fewer than two photos are
        left out; NaN if no set remains.

    Raises:
        DataError: The shapes do not fit.
        SettingsError: k is below 1.

    >>> image_diversity([[[1, 0], [0, 2], [3, 0]], [[1, 0], [0, 1], [0, 1]]],
    ...                 [[True, True, False], [True, False, False]])
    1.0
    """
    return mean(image_diversity_values(features, mask, k))


def image_precision_values(selected: ArrayLike, relevant: ArrayLike, k: int) -> NDArray[np.float64]:
    """:func:`image_precision` of each pair (N,), NaN where no photo is relevant."""
    hits, count = _hits_and_relevant(selected, relevant, k)
    return np.where(count > 0, hits / k, np.nan)


def image_recall_values(selected: ArrayLike, relevant: ArrayLike, k: int) -> NDArray[np.float64]:
    """:func:`image_recall` of each pair (N,), NaN where no photo is relevant."""
    return share(*_hits_and_relevant(selected, relevant, k))


def image_f1_values(selected: ArrayLike, relevant: ArrayLike, k: int) -> NDArray[np.float64]:
    """:func:`image_f1` of each pair (N,), NaN where no photo is relevant."""
    hits, count = _hits_and_relevant(selected, relevant, k)
    # 2PR / (P + R) with P = hits / k, R = hits / count
    return np.where(count > 0, 2.0 * hits / (k + count), np.nan)


def image_ndcg_values(selected: ArrayLike, relevant: ArrayLike, k: int) -> NDArray[np.float64]:
    """:func:`image_ndcg` of each pair (N,), NaN where no photo is relevant."""
    hits, count = _hits_at_places(selected, relevant, k)
    discounts = 1.0 / np.log2(np.arange(2, 2 + k))  # (k,)
    ideal = np.append(0.0, np.cumsum(discounts))[np.minimum(count, k)]
    return share(hits @ discounts[: hits.shape[1]], ideal)


def image_diversity_values(
    features: ArrayLike, mask: ArrayLike, k: int | None = None
) -> NDArray[np.float64]:
    """:func:`image_diversity` of each set (N,), NaN where there are fewer than two photos."""
    if k is not None:
        check_at_least_one(k=k)
    unit = unit_rows(features, mask)[:, :k]
    count = np.asarray(mask, dtype=bool)[:, :k].sum(axis=1)
    # |sum of x|^2 holds every ordered pair, and each photo with itself.
    together = np.square(unit.sum(axis=1, dtype=np.float64)).sum(axis=1)  # (N,)
    alone = np.einsum("nkd,nkd->n", unit, unit, dtype=np.float64)  # (N,)
    return np.clip(1.0 - share(together - alone, count * (count - 1)), 0.0, 2.0)


def unit_rows(features: ArrayLike, mask: ArrayLike) -> NDArray[np.floating]:
    """Scale the real photos of (N, K, D) to length one; masked ones and zeros become zeros."""
    array, real = np.asarray(features), np.asarray(mask)
    if array.ndim != 3 or real.shape != array.shape[:2]:
        raise DataError(
            f"photo features {array.shape} and mask {real.shape} do not fit; "
            "allowed are (N, K, D) and (N, K)"
        )
    array = array.astype(np.result_type(array, np.float32))
    array[~real.astype(bool)] = 0.0
    length = np.linalg.norm(array, axis=-1, keepdims=True)
    return np.divide(array, length, out=array, where=length > 0)


def _hits_and_relevant(
    selected: ArrayLike, relevant: ArrayLike, k: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number of hits among the first k, and of different relevant photos, of each pair."""
    hits, count = _hits_at_places(selected, relevant, k)
    return hits.sum(axis=1), count


def _hits_at_places(
    selected: ArrayLike, relevant: ArrayLike, k: int
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which of the first k places (N, K <= k) are hits, and the number of relevant photos (N,)."""
    check_at_least_one(k=k)
    chosen, wanted = _numbers("selected", selected)[:, :k], _numbers("relevant", relevant)
    check_same_length(selected=chosen, relevant=wanted)
    span = max(chosen.max(initial=-1), wanted.max(initial=-1)) + 1
    shown, times = np.unique(_keys(chosen, span), return_counts=True)
    if (times > 1).any():
        pair, photo = divmod(int(shown[times > 1][0]), int(span))
        raise DataError(f"selected, row {pair}: photo {photo} is there more than once")
    wanted_keys = np.unique(_keys(wanted, span))
    hits = np.zeros(chosen.shape, dtype=bool)
    hits[chosen >= 0] = np.isin(_keys(chosen, span), wanted_keys)
    count = np.bincount(wanted_keys // max(int(span), 1), minlength=len(chosen))
    return hits, count


def _numbers(name: str, values: ArrayLike) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.ndim != 2 or (array.size and array.dtype.kind not in "iu"):
        raise DataError(
            f"{name} has shape {array.shape} and type {array.dtype}; "
            "allowed are 2 dimensions of integers"
        )
    return array.astype(np.int64)


def _keys(numbers: NDArray[np.int64], span: np.int64) -> NDArray[np.int64]:
    """One number for each real (row, photo)."""
    rows = np.arange(len(numbers))[:, None]
    return (rows * span + numbers)[numbers >= 0]
