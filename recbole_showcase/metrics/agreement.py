"""Do several raters say the same, and does one measure rank as another does?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.metrics._checks import check_same_length

Level = Literal["nominal", "ordinal", "interval"]
Correlation = Literal["spearman", "kendall"]
Distance = Callable[[float, float], float]


def krippendorff_alpha(ratings: ArrayLike, level: Level = "nominal") -> float:
    """Krippendorff's alpha: how far raters agree beyond what chance would have them.

    Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011: 1 - observed disagreement over
    expected disagreement, where two ratings of one unit disagree by a distance that depends on the
    level of measurement. Computed by NLTK.

    Args:
        ratings: Of R raters for N units (R, N), NaN where there is none. Units with fewer than two
            ratings say nothing and are left out.
        level: ``nominal``: same or not; ``ordinal``: how many ratings lie between two;
            ``interval``: the square of their difference.

    Returns:
        1 for raters who agree always, about 0 for such as draw lots, below for such as contradict
        each other. NaN where no unit has two ratings, or all ratings are the same, so that there is
        nothing to agree on.

    Raises:
        DataError: The ratings are not (R, N).
        SettingsError: There is no such level.

    >>> round(krippendorff_alpha([[1, 2, 3, 3], [1, 2, 3, 2]], "nominal"), 4)
    0.6667
    """
    from nltk.metrics.agreement import AnnotationTask

    if level not in get_args(Level):
        raise SettingsError(f"level is '{level}'; allowed are {list(get_args(Level))}")
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim != 2:
        raise DataError(f"ratings have shape {table.shape}; allowed is (raters, units)")
    table = table[:, (~np.isnan(table)).sum(axis=0) >= 2]
    rated = table[~np.isnan(table)]
    if not rated.size or np.ptp(rated) == 0:
        return float("nan")
    raters, units = np.nonzero(~np.isnan(table))
    data = zip(raters.tolist(), units.tolist(), table[raters, units].tolist(), strict=True)
    return float(AnnotationTask(list(data), distance=_distance(level, rated)).alpha())


def _distance(level: Level, rated: NDArray[np.float64]) -> Distance:
    """How far two ratings are apart."""
    if level == "nominal":
        return lambda a, b: float(a != b)
    if level == "interval":
        return lambda a, b: (a - b) ** 2
    values, counts = np.unique(rated, return_counts=True)
    place = {float(value): n for n, value in enumerate(values)}

    def ordinal(a: float, b: float) -> float:
        """All ratings from one to the other, of the two themselves one half."""
        low, high = sorted((place[a], place[b]))
        between = counts[low : high + 1].sum() - (counts[low] + counts[high]) / 2
        return float(between) ** 2

    return ordinal


def mean_correlation(
    a: ArrayLike, b: ArrayLike, kind: Correlation = "spearman", groups: ArrayLike | None = None
) -> tuple[float, int]:
    """Spearman's rho or Kendall's tau-b of two measures, over all values or within groups.

    The levels of Zhang et al., "Large Language Models as Evaluators for Recommendation
    Explanations", RecSys 2024: over a whole data set; within each user, and within each pair of
    which there are texts of several systems, a mean over these. Computed by SciPy.

    Args:
        a: The first measure (N,).
        b: The second (N,); values where either is NaN are left out.
        kind: Which.
        groups: Of each value (N,); without it all are one group.

    Returns:
        The mean over the groups in which there are two values or more and both measures differ, and
        how many these groups are; NaN and 0 without one.

    Raises:
        DataError: The lengths differ.
        SettingsError: There is no such kind.

    >>> mean_correlation([1, 2, 3, 1, 2], [2, 4, 6, 4, 5], groups=[0, 0, 0, 1, 1])
    (1.0, 2)
    """
    from scipy import stats

    if kind not in get_args(Correlation):
        raise SettingsError(f"kind is '{kind}'; allowed are {list(get_args(Correlation))}")
    first, second = (np.asarray(values, dtype=np.float64) for values in (a, b))
    owners = np.zeros(len(first)) if groups is None else np.asarray(groups)
    check_same_length(a=first, b=second, groups=owners)
    known = ~np.isnan(first) & ~np.isnan(second)
    first, second, owners = first[known], second[known], owners[known]
    function = stats.spearmanr if kind == "spearman" else stats.kendalltau
    found = []
    order = np.argsort(owners, kind="stable")
    cuts = np.flatnonzero(owners[order][1:] != owners[order][:-1]) + 1
    for own in np.split(order, cuts):
        if len(own) > 1 and np.ptp(first[own]) > 0 and np.ptp(second[own]) > 0:
            found.append(float(function(first[own], second[own]).statistic))
    return (float(np.mean(found)) if found else float("nan")), len(found)
