"""How accurate and how varied the selected photos are.

Photos are given by number. Any numbering will do (place in the item's set, row of a feature
matrix) as long as both arguments use the same; negative numbers are padding.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recbole_showcase.errors import DataError
from recbole_showcase.metrics._checks import check_at_least_one, check_same_length


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
    hits, _ = _hits_and_relevant(selected, relevant, k)
    return _mean(hits / k)


def image_recall(selected: ArrayLike, relevant: ArrayLike, k: int) -> float:
    """Share of the relevant photos that are among the first k selected, averaged over pairs.

    Arguments, result and errors are those of :func:`image_precision`.

    >>> image_recall([[4, 2, 0], [1, 0, -1]], [[0, 2], [1, 5]], k=3)
    0.75
    """
    hits, count = _hits_and_relevant(selected, relevant, k)
    return _mean(hits / count)


def image_f1(selected: ArrayLike, relevant: ArrayLike, k: int) -> float:
    """Harmonic mean of a pair's precision and recall at k, averaged over pairs.

    The harmonic mean is taken for each pair, not of the two averages.
    Arguments, result and errors are those of :func:`image_precision`.

    >>> image_f1([[4, 2, 0], [1, 0, -1]], [[0, 2], [3, -1]], k=3)
    0.4
    """
    hits, count = _hits_and_relevant(selected, relevant, k)
    return _mean(2.0 * hits / (k + count))  # 2PR / (P + R) with P = hits / k, R = hits / count


def image_diversity(features: ArrayLike, mask: ArrayLike) -> float:
    """Mean of 1 - cosine over the pairs of a set, averaged over sets.

    Args:
        features: Features of the selected photos of any length, shape (N, K, D).
        mask: True for real photos, shape (N, K).

    Returns:
        Between 0 (copies) and 2, about 1 for unrelated photos. Sets of fewer than two photos are
        left out; NaN if no set remains.

    Raises:
        DataError: The shapes do not fit.

    >>> image_diversity([[[1, 0], [0, 2], [3, 0]], [[1, 0], [0, 1], [0, 1]]],
    ...                 [[True, True, False], [True, False, False]])
    1.0
    """
    unit = unit_rows(features, mask)
    real = np.asarray(mask, dtype=bool)
    # |sum of x|^2 holds every ordered pair, and each photo with itself.
    together = np.square(unit.sum(axis=1, dtype=np.float64)).sum(axis=1)  # (N,)
    alone = np.einsum("nkd,nkd->n", unit, unit, dtype=np.float64)  # (N,)
    count = real.sum(axis=1)
    sets = count >= 2
    pairs = (count * (count - 1))[sets]
    return _mean(np.clip(1.0 - (together - alone)[sets] / pairs, 0.0, 2.0))


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
    """Hits among the first k, and relevant photos, of each pair that has a relevant photo."""
    check_at_least_one(k=k)
    chosen, wanted = _numbers("selected", selected)[:, :k], _numbers("relevant", relevant)
    check_same_length(selected=chosen, relevant=wanted)
    span = max(chosen.max(initial=-1), wanted.max(initial=-1)) + 1
    shown, times = np.unique(_keys(chosen, span), return_counts=True)
    if (times > 1).any():
        pair, photo = divmod(int(shown[times > 1][0]), int(span))
        raise DataError(f"selected, row {pair}: photo {photo} is there more than once")
    wanted_keys = np.unique(_keys(wanted, span))
    found = np.intersect1d(shown, wanted_keys, assume_unique=True)
    hits = np.bincount(found // max(span, 1), minlength=len(chosen))
    count = np.bincount(wanted_keys // max(span, 1), minlength=len(chosen))
    return hits[count > 0], count[count > 0]


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


def _mean(values: NDArray[np.floating]) -> float:
    return float(values.mean()) if values.size else float("nan")
