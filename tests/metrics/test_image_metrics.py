from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.metrics import (
    image_diversity,
    image_f1,
    image_ndcg,
    image_precision,
    image_recall,
)

ALL = (image_precision, image_recall, image_f1)


def literal(selected: np.ndarray, relevant: np.ndarray, k: int) -> tuple[float, float, float]:
    """Precision, recall and F1 with Python sets, pair by pair."""
    rows = []
    for chosen, wanted in zip(selected.tolist(), relevant.tolist(), strict=True):
        truth = {photo for photo in wanted if photo >= 0}
        if truth:
            hits = len(truth & {photo for photo in chosen[:k] if photo >= 0})
            precision, recall = hits / k, hits / len(truth)
            both = precision + recall
            rows.append((precision, recall, 2 * precision * recall / both if both else 0.0))
    first, second, third = (sum(column) / len(rows) for column in zip(*rows, strict=True))
    return first, second, third


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("k", [1, 2, 5, 8])
def test_equal_to_a_literal_version(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    selected = np.array([rng.permutation(9)[:6] for _ in range(40)])
    selected[np.arange(6) >= rng.integers(0, 7, size=(40, 1))] = -1
    relevant = rng.integers(-1, 9, size=(40, 4))  # with repetitions and pairs without any
    relevant[:5] = -1
    found = [metric(selected, relevant, k) for metric in ALL]
    assert found == pytest.approx(literal(selected, relevant, k), abs=1e-12)


def test_hand_computed_values() -> None:
    # Pair 0: 2 of 3 are relevant, of 4 in all. Pair 1: 1 of 3 places, of 1. Pair 2 does not count.
    selected, relevant = (
        [[7, 3, 5], [2, -1, -1], [1, 2, 3]],
        [[5, 7, 8, 9], [2, -1, -1, -1], [-1] * 4],
    )
    assert image_precision(selected, relevant, 3) == pytest.approx((2 / 3 + 1 / 3) / 2)
    assert image_recall(selected, relevant, 3) == pytest.approx((2 / 4 + 1) / 2)
    assert image_f1(selected, relevant, 3) == pytest.approx((4 / 7 + 2 / 4) / 2)


def test_only_the_first_k_count() -> None:
    assert image_recall([[4, 1]], [[1]], 1) == 0.0
    assert image_recall([[4, 1]], [[1]], 2) == 1.0


def test_selecting_fewer_than_k_does_not_raise_precision() -> None:
    assert image_precision([[1, -1]], [[1]], 2) == image_precision([[1, 0]], [[1]], 2) == 0.5


@pytest.mark.parametrize("metric", ALL)
def test_nothing_to_average_over_is_nan(metric) -> None:
    assert math.isnan(metric([[0, 1]], [[-1]], 2))
    assert math.isnan(metric(np.zeros((0, 2), int), np.zeros((0, 3), int), 2))


@pytest.mark.parametrize("metric", ALL)
def test_nothing_selected_is_zero(metric) -> None:
    assert metric([[-1, -1]], [[3]], 2) == 0.0
    assert metric(np.zeros((1, 0), int), [[3]], 2) == 0.0


@pytest.mark.parametrize("metric", ALL)
def test_what_does_not_fit_is_refused(metric) -> None:
    with pytest.raises(DataError, match="selected has 2, relevant has 1 entries"):
        metric([[1], [2]], [[1]], 1)
    with pytest.raises(DataError, match="row 1: photo 4 is there more than once"):
        metric([[4, 2], [4, 4]], [[1], [2]], 2)
    with pytest.raises(DataError, match=r"relevant has shape \(1,\)"):
        metric([[1]], [1], 1)
    with pytest.raises(DataError, match="type float64"):
        metric([[0.5]], [[1]], 1)
    with pytest.raises(SettingsError, match="k is 0"):
        metric([[1]], [[1]], 0)


def test_large_numbers_are_kept_apart() -> None:
    big = 2**31 + 5
    assert image_recall([[big], [5]], [[big], [big]], 1) == 0.5


def literal_ndcg(selected: np.ndarray, relevant: np.ndarray, k: int) -> float:
    values = []
    for chosen, wanted in zip(selected.tolist(), relevant.tolist(), strict=True):
        truth = {photo for photo in wanted if photo >= 0}
        if truth:
            gains = [1 / math.log2(n + 2) for n, photo in enumerate(chosen[:k]) if photo in truth]
            best = sum(1 / math.log2(n + 2) for n in range(min(k, len(truth))))
            values.append(sum(gains) / best)
    return sum(values) / len(values)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("k", [1, 2, 5, 8])
def test_ndcg_equals_a_literal_version(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    selected = np.array([rng.permutation(9)[:6] for _ in range(40)])
    selected[np.arange(6) >= rng.integers(0, 7, size=(40, 1))] = -1
    relevant = rng.integers(-1, 9, size=(40, 4))
    expected = literal_ndcg(selected, relevant, k)
    assert image_ndcg(selected, relevant, k) == pytest.approx(expected, abs=1e-12)


def test_ndcg_equals_scikit_learns() -> None:
    from sklearn.metrics import ndcg_score

    rng = np.random.default_rng(0)
    selected = rng.permuted(np.tile(np.arange(8), (50, 1)), axis=1)
    relevant = rng.permuted(np.tile(np.arange(8), (50, 1)), axis=1)[:, :3]
    truth = np.zeros((50, 8))
    np.put_along_axis(truth, relevant, 1.0, axis=1)
    scores = np.zeros((50, 8))
    np.put_along_axis(scores, selected, np.arange(8.0, 0.0, -1.0)[None], axis=1)
    for k in (1, 3, 8):
        expected = ndcg_score(truth, scores, k=k)
        assert image_ndcg(selected, relevant, k) == pytest.approx(expected, abs=1e-12)


def test_ndcg_by_hand() -> None:
    assert image_ndcg([[5, 4, 3]], [[3, 4]], 3) == pytest.approx(
        (1 / math.log2(3) + 1 / 2) / (1 + 1 / math.log2(3))
    )
    assert image_ndcg([[5, 4, 3]], [[4, 3]], 1) == 0
    assert image_ndcg([[5, -1]], [[5, -1]], 4) == 1
    assert math.isnan(image_ndcg([[5]], [[-1]], 1))
    assert math.isnan(image_ndcg(np.zeros((0, 2), int), np.zeros((0, 1), int), 1))


def test_diversity_of_the_first_k() -> None:
    features, mask = [[[1, 0], [0, 1], [1, 0]]], [[True] * 3]
    assert image_diversity(features, mask, 2) == pytest.approx(1)
    assert image_diversity(features, mask, 3) == pytest.approx(2 / 3)
    assert image_diversity(features, mask, 9) == image_diversity(features, mask)
    assert math.isnan(image_diversity(features, mask, 1))
    with pytest.raises(SettingsError, match="k is 0"):
        image_diversity(features, mask, 0)


def literal_diversity(features: np.ndarray, mask: np.ndarray) -> float:
    sets = []
    for photos, real in zip(features.astype(np.float64), mask, strict=True):
        pairs = [
            1 - a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
            for a, b in combinations(photos[real], 2)
        ]
        if pairs:
            sets.append(sum(pairs) / len(pairs))
    return sum(sets) / len(sets)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-6), (np.float16, 1e-6)]
)
@pytest.mark.parametrize("size", [2, 3, 7])
def test_diversity_equals_a_literal_version(dtype: type, tolerance: float, size: int) -> None:
    rng = np.random.default_rng(size)
    features = (rng.normal(size=(30, size, 16)) + 0.5).astype(dtype)
    mask = rng.random((30, size)) < 0.7
    mask[0] = True
    expected = literal_diversity(features, mask)
    features[~mask] = np.nan
    assert image_diversity(features, mask) == pytest.approx(expected, abs=tolerance)


def test_diversity_by_hand() -> None:
    # 60 and 90 degrees apart, and 30 between the others: 1 - (1/2 + 0 + sqrt(3)/2) / 3.
    features = [[[1, 0], [0.5, math.sqrt(3) / 2], [0, 1]]]
    assert image_diversity(features, [[True] * 3]) == pytest.approx(1 - (0.5 + math.sqrt(0.75)) / 3)
    assert image_diversity([[[2, 0], [-1, 0]]], [[True, True]]) == pytest.approx(2)


def test_diversity_of_copies_is_zero_and_of_single_photos_nan() -> None:
    copies = np.tile(np.random.default_rng(0).normal(size=8).astype(np.float16), (1, 4, 1))
    assert image_diversity(copies, [[True] * 4]) == pytest.approx(0.0, abs=1e-6)
    assert math.isnan(image_diversity(copies, [[True, False, False, False]]))
    assert math.isnan(image_diversity(np.zeros((0, 3, 4)), np.zeros((0, 3), bool)))


def test_diversity_leaves_its_input_alone_and_refuses_what_does_not_fit() -> None:
    features = np.full((1, 2, 3), 7.0)
    image_diversity(features, [[True, False]])
    assert (features == 7.0).all()
    with pytest.raises(DataError, match=r"\(1, 2, 3\) and mask \(1, 3\)"):
        image_diversity(features, [[True] * 3])
