"""MRecall, MNDCG and MAUC: by hand, and equal to scikit-learn's on the same cases."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from sklearn.metrics import ndcg_score, roc_auc_score

from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.metrics import (
    authorship_auc,
    authorship_auc_values,
    authorship_ndcg,
    authorship_ndcg_values,
    authorship_recall,
    authorship_recall_values,
    case_places,
    case_statistics,
)


def test_by_hand() -> None:
    """Four cases: first of three, level with two others at the top, last of four, alone."""
    nan = math.nan
    places = case_places(
        [0.9, 0.5, 0.1, 0.3],
        [[0.2, 0.1, nan], [0.5, 0.5, 0.2], [0.4, 0.3, 0.2], [nan, nan, nan]],
    )
    assert places.tolist() == [[0, 0, 2], [0, 2, 3], [3, 0, 3], [0, 0, 0]]
    assert authorship_recall_values(places, 2).tolist() == pytest.approx([1, 2 / 3, 0, 1])
    first, second = 1.0, 1 / math.log2(3)
    assert authorship_ndcg_values(places, 2).tolist() == pytest.approx(
        [first, (first + second) / 3, 0, first]
    )
    np.testing.assert_allclose(authorship_auc_values(places), [1, 2 / 3, 0, nan])
    assert authorship_auc(places) == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert authorship_recall(places, 2) == pytest.approx((1 + 2 / 3 + 0 + 1) / 4)
    assert math.isnan(authorship_ndcg(np.empty((0, 3), int), 10))


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores of 30 cases of 1 to 14 other photos, many of them level."""
    random = np.random.default_rng(seed)
    others = random.integers(0, 6, (30, 14)) / 2
    others[np.arange(14) >= random.integers(1, 15, (30, 1))] = np.nan
    return random.integers(0, 6, 30) / 2, others


@pytest.mark.parametrize("seed", range(3))
def test_auc_and_ndcg_are_scikit_learns_level_photos_too(seed: int) -> None:
    posted, others = drawn(seed)
    places = case_places(posted, others)
    for case, (own, rest) in enumerate(zip(posted, others, strict=True)):
        scores = np.append(own, rest[~np.isnan(rest)])
        truth = np.append(1, np.zeros(len(scores) - 1, int))
        assert authorship_auc_values(places)[case] == pytest.approx(roc_auc_score(truth, scores))
        for k in (1, 3, 10):
            assert authorship_ndcg_values(places, k)[case] == pytest.approx(
                ndcg_score([truth], [scores], k=k)
            )


def test_recall_is_the_mean_over_all_orders_of_level_photos() -> None:
    posted, others = np.array([1.0]), np.array([[2.0, 1.0, 1.0, 1.0, 0.0]])
    scores = [1.0, *others[0]]
    for k in range(1, 7):
        hits = [
            0 in sorted(order, key=lambda photo: -scores[photo])[:k]  # stable
            for order in permutations(range(6))
        ]
        assert authorship_recall(case_places(posted, others), k) == pytest.approx(np.mean(hits))


def test_what_pairs_add_gives_the_mean_over_cases() -> None:
    """A pair of two photos counts twice, and one without a case not at all."""
    statistics = case_statistics([0.2, 0.4, math.nan, 0.9], [2, 2, 1, 0], n_pairs=4)
    assert statistics.rows.tolist() == [[0.9, 1], [0, 0], [pytest.approx(0.6), 2], [0, 0]]
    assert statistics.value() == pytest.approx(1.5 / 3)


def test_arguments_that_do_not_fit() -> None:
    with pytest.raises(DataError, match="posted has 1, others has 2"):
        case_places([1.0], [[1.0], [2.0]])
    with pytest.raises(DataError, match="case 1: the score is NaN"):
        case_places([1.0, math.nan], [[1.0], [2.0]])
    with pytest.raises(DataError, match=r"\(T, C\)"):
        case_places([1.0], [1.0])
    with pytest.raises(SettingsError, match="k"):
        authorship_recall([[0, 0, 1]], 0)
    with pytest.raises(DataError, match=r"\(T, 3\)"):
        authorship_auc([[0, 0]])
