"""Is a difference between two systems more than chance, and how large is it?

The paired bootstrap over users, Cohen's d of their differences, and Holm's correction of several.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.metrics._checks import check_at_least_one, check_same_length
from recbole_showcase.metrics.statistics import Statistics

_ROUNDS = 1000
_ROUNDS_OF_FUNCTION = 200
# Draws of fewer users are nearly all alike, and of one all the same: their p would say "surely".
MIN_USERS = 5
_ROUNDING = 1e-12  # a spread this small beside the mean is none
# Draws held at a time: 64 rounds of 100,000 users are 51 MB.
_CHUNK = 64

Resampled: TypeAlias = ArrayLike | Statistics | Callable[[NDArray[np.int64]], float]
Metric = Callable[[NDArray[np.int64]], NDArray[np.float64]]


@dataclass(frozen=True)
class Comparison:
    """How two systems differ on one metric.

    Attributes:
        difference: The metric of the first minus that of the second.
        low, high: The confidence interval of the difference; NaN of too few users.
        p: Two-sided p value of no difference, between 2 / (rounds + 1) and 1; NaN of too few users.
        rounds: How often users were drawn.
        effect: Cohen's d of paired values, :func:`paired_effect`, over the values of each user by
            itself; NaN of a function of row numbers, and where p is NaN.
    """

    difference: float
    low: float
    high: float
    p: float
    rounds: int
    effect: float = float("nan")


def paired_bootstrap(
    a: Resampled,
    b: Resampled,
    users: ArrayLike,
    *,
    rounds: int | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Comparison:
    """Compare two systems on one metric over the same pairs.

    Koehn, "Statistical Significance Tests for Machine Translation Evaluation", EMNLP 2004, with
    users instead of sentences: a round draws as many users as there are, with replacement, and all
    pairs of a user come along, since the pairs of one user are alike. Both systems are measured
    on the same draw. The interval is between percentiles of the rounds' differences.

    A system is given as whichever fits the metric:

    * values, one a pair (N,), for a metric that is their mean, such as ``rouge_values(...)``; NaN
      for pairs that it leaves out. All rounds are one matrix product.
    * :class:`Statistics`, such as ``bleu_statistics(...)``: a corpus metric from sums over pairs.
    * a function of row numbers, for any metric: ``lambda rows: distinct_n([texts[n] for n in
      rows], 2)``. It is called once a round.

    Args:
        a: The first system.
        b: The second system.
        users: The user of each pair (N,).
        rounds: How often to draw; by default 1000, and 200 for functions.
        confidence: Probability of the interval.
        seed: Of the draws; the same seed draws the same users whatever the metric.

    Returns:
        The comparison; NaN where the metric is. Rounds where it is NaN are left out. Where fewer
        than ``MIN_USERS`` add to both systems, interval and p are NaN. Of a function it is not
        known who adds to it, so all users count.

    Raises:
        DataError: The systems do not have one row a pair, or there is no pair.
        SettingsError: rounds is below 1, or confidence is not between 0 and 1.

    >>> better, worse = [1.0, 0.5, 0.8, 0.9, 0.8], [0.2, 0.4, 0.1, 0.3, 0.25]
    >>> found = paired_bootstrap(better, worse, [*"abcde"], rounds=99)
    >>> round(found.difference, 4), found.low > 0, found.p
    (0.55, True, 0.02)
    """
    if not 0 < confidence < 1:
        raise SettingsError(f"confidence is {confidence}; allowed is between 0 and 1")
    if rounds is None:
        rounds = _ROUNDS_OF_FUNCTION if callable(a) or callable(b) else _ROUNDS
    check_at_least_one(rounds=rounds)
    owners = np.unique(np.asarray(users), return_inverse=True)[1]  # (N,)
    if not len(owners):
        raise DataError("there is no pair to draw from; allowed is one or more")
    first, adds_to_first, of_first = _metric("a", a, owners)
    second, adds_to_second, of_second = _metric("b", b, owners)
    once = np.ones((1, len(adds_to_first)), dtype=np.int64)
    differences, effect = np.empty(0), float("nan")
    both = adds_to_first & adds_to_second
    if both.sum() >= MIN_USERS:
        drawn = [first(draws) - second(draws) for draws in _draws(once.shape[1], rounds, seed)]
        differences = np.concatenate(drawn)
        differences = differences[~np.isnan(differences)]
        effect = paired_effect(of_first[both], of_second[both])
    found = _comparison(float((first(once) - second(once))[0]), differences, rounds, confidence)
    return replace(found, effect=effect)


def paired_effect(a: ArrayLike, b: ArrayLike) -> float:
    """Cohen's d of paired values: the mean of their differences over its standard deviation.

    Cohen, "Statistical Power Analysis for the Behavioral Sciences", 1988, where it is d_z: 0.2 is
    called small, 0.5 medium and 0.8 large. Unlike p it does not grow with the number of values.

    Args:
        a: Values of the first system, such as one a user (U,).
        b: Those of the second, in the same order.

    Returns:
        Over pairs without NaN; NaN of fewer than two or where all differ alike, 0 if none differs.

    Raises:
        DataError: The lengths differ.

    >>> round(paired_effect([3.0, 5.0, 4.0], [2.0, 2.0, 2.0]), 4)
    2.0
    """
    first, second = (np.asarray(values, dtype=np.float64) for values in (a, b))
    check_same_length(a=first, b=second)
    differences = first - second
    differences = differences[~np.isnan(differences)]
    if differences.size and not differences.any():
        return 0.0
    mean = float(differences.mean()) if differences.size else float("nan")
    spread = float(differences.std(ddof=1)) if differences.size > 1 else 0.0
    return mean / spread if spread > _ROUNDING * abs(mean) else float("nan")


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's correction: p values of several comparisons made at once.

    Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of
    Statistics 1979. Below 0.05 are those of which it is at most 5 % likely that any is by chance.

    Args:
        p_values: Of M comparisons; NaN of those that were not made, which count for nothing.

    Returns:
        In the same order the k-th smallest times the number that are not smaller, at least that
        of a smaller one and at most 1; NaN stays.

    >>> holm([0.01, 0.04, float("nan"), 0.03])
    [0.03, 0.06, nan, 0.06]
    """
    given = np.asarray(p_values, dtype=np.float64)
    known = np.flatnonzero(~np.isnan(given))
    order = known[np.argsort(given[known], kind="stable")]
    corrected = given.copy()
    corrected[order] = np.maximum.accumulate(given[order] * np.arange(len(order), 0, -1))
    return np.minimum(corrected, 1.0).tolist()


def _comparison(
    difference: float, drawn: NDArray[np.float64], rounds: int, confidence: float
) -> Comparison:
    """Interval and p value from the differences of the rounds."""
    if not drawn.size:
        return Comparison(difference, float("nan"), float("nan"), float("nan"), rounds)
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(drawn, [tail, 1.0 - tail])
    beyond = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    p = min(1.0, 2.0 * (beyond + 1) / (drawn.size + 1))
    return Comparison(difference, float(low), float(high), p, rounds)


def _draws(n_users: int, rounds: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """How often each user is drawn in each round, some rounds (R, U) at a time."""
    random = np.random.default_rng(seed)
    for start in range(0, rounds, _CHUNK):
        yield random.multinomial(
            n_users, np.full(n_users, 1.0 / n_users), size=min(_CHUNK, rounds - start)
        )


def _metric(
    name: str, system: Resampled, owners: NDArray[np.int64]
) -> tuple[Metric, NDArray[np.bool_], NDArray[np.float64]]:
    """A metric of draws of users.

    Returns:
        A function from draws (R, U) to the metric of each round (R,), who adds to it (U,), and the
        metric of each user by itself (U,), NaN where nobody asked.
    """
    n_users = int(owners.max()) + 1
    if callable(system):
        everyone = np.ones(n_users, dtype=np.bool_)
        return _by_rows(system, owners), everyone, np.full(n_users, np.nan)
    given = system if isinstance(system, Statistics) else Statistics.of_values(system)
    check_same_length(**{name: given.rows, "users": owners})
    sums = given.summed(owners, n_users).rows  # (U, S)

    def metric(draws: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.array([given.finish(total) for total in draws @ sums], dtype=np.float64)

    each = np.array([given.finish(own) for own in sums], dtype=np.float64)
    return metric, np.any(sums != 0, axis=1), each


def _by_rows(function: Callable[[NDArray[np.int64]], float], owners: NDArray[np.int64]) -> Metric:
    """A metric of row numbers, a row as often as its user is drawn."""
    rows = np.arange(len(owners))

    def metric(draws: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.array([function(np.repeat(rows, times[owners])) for times in draws], np.float64)

    return metric
