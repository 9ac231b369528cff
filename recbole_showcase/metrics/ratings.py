"""Ratings that an explainer predicts: how far from the true ones, and whether its texts agree."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recbole_showcase.errors import DataError
from recbole_showcase.metrics._checks import check_same_length, mean, share
from recbole_showcase.metrics.statistics import Statistics, ratio

_OPINION = 0.05  # VADER's authors call compound scores beyond plus or minus this an opinion


def rating_rmse(
    predicted: ArrayLike, true: ArrayLike, low: float = -math.inf, high: float = math.inf
) -> float:
    """Root of the mean squared error of ratings.

    Args:
        predicted: Predicted ratings (N,), NaN where there is none.
        true: True ratings (N,), NaN where they are not known.
        low: The lowest rating there is, which lower predictions are moved to, as Li, Zhang and
            Chen do (PETER, ACL 2021).
        high: The highest rating there is, likewise.

    Returns:
        0 or more, over pairs with both; NaN if there are none.

    Raises:
        DataError: The lengths differ.

    >>> rating_rmse([4.0, 7.0, 2.0], [1.0, 5.0, float("nan")], low=1, high=5)
    2.1213203435596424
    """
    return rating_rmse_statistics(predicted, true, low, high).value()


def rating_rmse_statistics(
    predicted: ArrayLike, true: ArrayLike, low: float = -math.inf, high: float = math.inf
) -> Statistics:
    """What each pair contributes to :func:`rating_rmse`, for resampling."""
    squares = rating_error_values(predicted, true, low, high) ** 2
    return Statistics(Statistics.of_values(squares).rows, root_of_mean)


def root_of_mean(sums: NDArray[np.float64]) -> float:
    """The root of a sum over a number, NaN of none."""
    return math.sqrt(ratio(sums))


def rating_mae(
    predicted: ArrayLike, true: ArrayLike, low: float = -math.inf, high: float = math.inf
) -> float:
    """Mean absolute error of ratings; arguments, range and errors are those of RMSE.

    >>> rating_mae([4.0, 7.0, 2.0], [1.0, 5.0, float("nan")], low=1, high=5)
    1.5
    """
    return mean(rating_error_values(predicted, true, low, high))


def rating_error_values(
    predicted: ArrayLike, true: ArrayLike, low: float = -math.inf, high: float = math.inf
) -> NDArray[np.float64]:
    """Absolute error of each pair (N,), NaN where one of the two ratings is not known."""
    given, wanted = _ratings(predicted=predicted, true=true)
    return np.abs(np.clip(given, low, high) - wanted)


def rated_pairs(predicted: ArrayLike, true: ArrayLike) -> int:
    """The number of pairs with a predicted and a true rating, which the errors rest on.

    >>> rated_pairs([4.0, 7.0, 2.0], [1.0, 5.0, float("nan")])
    2
    """
    return int((~np.isnan(rating_error_values(predicted, true))).sum())


def rating_coherence(
    sentiments: ArrayLike, ratings: ArrayLike, low: float = 1.0, high: float = 5.0
) -> float:
    """Share of the texts whose sentiment is that of the predicted rating.

    Whether a text says what its rating says, asked by Raczyński, Lango and Stefanowski (CER, ECAI
    2023). A rating is rounded, and positive above the middle of the scale, negative below, neutral
    at it; a text is positive from 0.05 on, negative from -0.05 on, neutral between.

    Args:
        sentiments: Of the texts, from -1 to 1, such as :func:`sentiment` gives it (N,).
        ratings: Predicted ratings (N,), NaN where there is none.
        low: The lowest rating there is.
        high: The highest rating there is.

    Returns:
        Between 0 and 1, over texts with a rating; NaN if there are none.

    Raises:
        DataError: The lengths differ, or the scale has no two ends.

    >>> rating_coherence([0.6, 0.6, 0.0, -0.4], [4.6, 2.2, 3.4, 3.6])
    0.5
    """
    return mean(rating_coherence_values(sentiments, ratings, low, high))


def rating_coherence_values(
    sentiments: ArrayLike, ratings: ArrayLike, low: float = 1.0, high: float = 5.0
) -> NDArray[np.float64]:
    """:func:`rating_coherence` of each text (N,), NaN where there is no rating."""
    moods, given = _ratings(sentiments=sentiments, ratings=ratings)
    if not low < high:
        raise DataError(f"ratings are from {low} to {high}; allowed: a scale of two values or more")
    # Halves up, as people round, where NumPy rounds 2.5 and 3.5 to even numbers.
    rated = np.sign(np.floor(np.clip(given, low, high) + 0.5) - (low + high) / 2)
    said = np.where(np.abs(moods) < _OPINION, 0.0, np.sign(moods))
    return share(said == rated, ~np.isnan(given) & ~np.isnan(moods))


def _ratings(**named: ArrayLike) -> list[NDArray[np.float64]]:
    """Values of pairs, all (N,).

    Raises:
        DataError: They are not 1-dimensional, or their lengths differ.
    """
    found = {name: np.asarray(values, dtype=np.float64) for name, values in named.items()}
    for name, values in found.items():
        if values.ndim != 1:
            raise DataError(f"{name} have shape {values.shape}; allowed is one value a pair, (N,)")
    check_same_length(**found)
    return list(found.values())
