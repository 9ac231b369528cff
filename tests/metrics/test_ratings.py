from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, root_mean_squared_error

from recbole_showcase.errors import DataError
from recbole_showcase.metrics import (
    rated_pairs,
    rating_coherence,
    rating_coherence_values,
    rating_error_values,
    rating_mae,
    rating_rmse,
    rating_rmse_statistics,
)


def test_errors_by_hand() -> None:
    predicted, true = [4.0, 7.0, 2.0, np.nan], [1.0, 5.0, np.nan, 3.0]
    np.testing.assert_array_equal(
        rating_error_values(predicted, true, 1, 5), [3.0, 0.0, np.nan, np.nan]
    )
    assert rating_mae(predicted, true, 1, 5) == 1.5
    assert rating_rmse(predicted, true, 1, 5) == pytest.approx(math.sqrt(4.5))
    assert rating_rmse(predicted, true) == pytest.approx(math.sqrt((9 + 4) / 2)), "unbounded"
    assert rated_pairs(predicted, true) == 2
    assert math.isnan(rating_rmse([np.nan], [1.0])) and math.isnan(rating_mae([], []))
    assert rated_pairs([], []) == 0
    with pytest.raises(DataError, match="predicted has 1, true has 2"):
        rating_mae([1.0], [1.0, 2.0])
    with pytest.raises(DataError, match="shape"):
        rating_mae([[1.0]], [[1.0]])


@pytest.mark.parametrize("seed", range(3))
def test_errors_are_scikit_learns(seed: int) -> None:
    random = np.random.default_rng(seed)
    predicted, true = random.normal(3, 2, 50), random.integers(1, 6, 50).astype(float)
    moved = np.clip(predicted, 1, 5)
    assert rating_rmse(predicted, true, 1, 5) == pytest.approx(root_mean_squared_error(true, moved))
    assert rating_mae(predicted, true, 1, 5) == pytest.approx(mean_absolute_error(true, moved))
    statistics = rating_rmse_statistics(predicted, true, 1, 5)
    some = statistics.finish(statistics.rows[:20].sum(axis=0))
    assert some == pytest.approx(root_mean_squared_error(true[:20], moved[:20]))


def test_coherence_by_hand() -> None:
    #             4 or 5 is positive      2.5 is 3        1.4 is 1       no rating
    ratings = [3.5, 4.4, 9.0, 4.0, 2.5, 2.49, 3.4, 1.4, -3.0, np.nan]
    sentiments = [0.05, 0.6, 0.3, -0.2, 0.049, 0.0, -0.04, -0.05, 0.0, 0.9]
    expected = [1, 1, 1, 0, 1, 0, 1, 1, 0, np.nan]
    np.testing.assert_array_equal(rating_coherence_values(sentiments, ratings), expected)
    assert rating_coherence(sentiments, ratings) == pytest.approx(6 / 9)
    # Of thumbs, and of ten points, which have no middle to be neutral at.
    assert rating_coherence([0.5, -0.5, 0.0], [0.8, 0.2, 0.9], 0, 1) == pytest.approx(2 / 3)
    np.testing.assert_array_equal(
        rating_coherence_values([0.5, -0.5, 0.0], [5.5, 5.4, 5.0], 1, 10), [1, 1, 0]
    )
    with pytest.raises(DataError, match=r"from 3 to 3; allowed: a scale"):
        rating_coherence([0.1], [3], 3, 3)


def test_coherence_is_that_of_a_literal_version() -> None:
    random = np.random.default_rng(0)
    ratings, sentiments = random.uniform(0, 6, 200), random.uniform(-0.2, 0.2, 200)
    hits = 0
    for rating, said in zip(ratings, sentiments, strict=True):
        stars = min(max(int(rating + 0.5), 1), 5)
        of_stars = {1: "bad", 2: "bad", 3: "so so", 4: "good", 5: "good"}[stars]
        of_text = "good" if said >= 0.05 else "bad" if said <= -0.05 else "so so"
        hits += of_stars == of_text
    assert rating_coherence(sentiments, ratings) == hits / 200
