"""Krippendorff's alpha and correlations: published and hand-computed values, and slow readings."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from recbole_showcase.errors import DataError
from recbole_showcase.metrics import krippendorff_alpha, mean_correlation
from recbole_showcase.metrics.agreement import Level

NAN = float("nan")
# Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011, section D: four observers.
PUBLISHED = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
    [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
]
LEVELS: tuple[Level, ...] = ("nominal", "ordinal", "interval")


@pytest.mark.parametrize(
    ("level", "value"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_published_values(level: Level, value: float) -> None:
    assert krippendorff_alpha(PUBLISHED, level) == pytest.approx(value, abs=5e-4)


def slow_alpha(table: np.ndarray, level: Level) -> float:
    """From the coincidence matrix of the definition, value by value."""
    units = [[v for v in column if not np.isnan(v)] for column in table.T]
    units = [unit for unit in units if len(unit) > 1]
    values = sorted({v for unit in units for v in unit})
    o = {(c, k): 0.0 for c in values for k in values}
    for unit in units:
        for c, k in permutations(unit, 2):
            o[c, k] += 1 / (len(unit) - 1)
    n = {c: sum(o[c, k] for k in values) for c in values}
    whole = sum(n.values())

    def delta(c: float, k: float) -> float:
        if level == "nominal":
            return float(c != k)
        if level == "interval":
            return (c - k) ** 2
        low, high = min(c, k), max(c, k)
        return (sum(n[g] for g in values if low <= g <= high) - (n[c] + n[k]) / 2) ** 2

    observed = sum(o[c, k] * delta(c, k) for c in values for k in values)
    expected = sum(n[c] * n[k] * delta(c, k) for c in values for k in values) / (whole - 1)
    return 1 - observed / expected


@pytest.mark.parametrize("level", LEVELS)
def test_alpha_is_that_of_the_definition(level: Level) -> None:
    random = np.random.default_rng(0)
    for raters, units in ((2, 9), (3, 14), (5, 30)):
        table = random.integers(1, 6, (raters, units)).astype(float)
        table[random.random(table.shape) < 0.3] = NAN
        assert krippendorff_alpha(table, level) == pytest.approx(slow_alpha(table, level))


@pytest.mark.parametrize("level", LEVELS)
def test_the_ends_of_alpha(level: Level) -> None:
    same = [1, 5, 3, 3, 2]
    assert krippendorff_alpha([same, same, same], level) == 1.0
    assert krippendorff_alpha([[1, 5] * 10, [5, 1] * 10], level) < -0.9
    for nothing in ([[2, 2], [2, 2]], [[1, NAN], [NAN, 2]], [[1, 2, 3]], np.empty((0, 3))):
        assert np.isnan(krippendorff_alpha(nothing, level))
    # Units of one rating change nothing; the order of raters and units neither.
    table = np.array([[1, 2, 4, 4, 1, NAN], [1, 3, 4, 5, NAN, 2]])
    value = krippendorff_alpha(table, level)
    assert krippendorff_alpha(table[:, :4], level) == value
    assert krippendorff_alpha(table[::-1, ::-1], level) == pytest.approx(value)
    with pytest.raises(DataError, match=r"allowed is \(raters, units\)"):
        krippendorff_alpha([1, 2], level)


def test_correlations_by_hand() -> None:
    """Ranks 1 2 3 4 and 2 1 4 3: rho = 1 - 6 (1 + 1 + 1 + 1) / (4 (16 - 1)); tau = (4 - 2) / 6."""
    a, b = [1, 20, 30, 40, NAN], [2, 1, 400, 3, 7]
    assert mean_correlation(a, b) == (pytest.approx(1 - 24 / 60), 1)
    assert mean_correlation(a, b, "kendall") == (pytest.approx(1 / 3), 1)
    # Group x: -1 of two; y: 1 of two; z has one, w does not differ on one side.
    a, b = [1, 2, 30, 40, 5, 6, 7], [2, 1, 3, 4, 5, 9, 9]
    groups = ["x", "x", "y", "y", "z", "w", "w"]
    for kind in ("spearman", "kendall"):
        assert mean_correlation(a, b, kind, groups) == (pytest.approx(0.0), 2)  # type: ignore[arg-type]
    assert mean_correlation([], [])[1] == 0 and np.isnan(mean_correlation([1], [2])[0])
    with pytest.raises(DataError, match="lengths differ"):
        mean_correlation([1, 2], [1])
