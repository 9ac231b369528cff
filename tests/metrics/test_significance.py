from __future__ import annotations

import math
from importlib.util import find_spec

import numpy as np
import pytest
from scipy.stats import bootstrap, ttest_rel

from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.metrics import (
    Statistics,
    bleu_statistics,
    corpus_bleu,
    holm,
    paired_bootstrap,
    paired_effect,
    rouge_values,
    sacre_bleu,
    sacre_bleu_statistics,
)
from tests.metrics.texts import draw


def literal(a: np.ndarray, b: np.ndarray, users: np.ndarray, rounds: int, seed: int) -> list[float]:
    """Differences of means, user by user and round by round."""
    names = sorted(set(users.tolist()))
    random = np.random.default_rng(seed)
    differences = []
    for _ in range(rounds):
        times = random.multinomial(len(names), [1 / len(names)] * len(names))
        drawn = [n for name, t in zip(names, times, strict=True)
                 for n in np.flatnonzero(users == name).tolist() * t]  # fmt: skip
        differences.append(np.nanmean(a[drawn]) - np.nanmean(b[drawn]))
    return differences


@pytest.mark.parametrize("seed", range(3))
def test_means_equal_a_literal_version(seed: int) -> None:
    rng = np.random.default_rng(seed)
    users = rng.choice(["ann", "bob", "eve", "dan", "kim"], 40)
    a, b = rng.normal(0.2, 1, 40), rng.normal(size=40)
    a[:3], b[2:5] = np.nan, np.nan
    found = paired_bootstrap(a, b, users, rounds=150, seed=seed, confidence=0.9)
    expected = literal(a, b, users, 150, seed)
    assert found.difference == pytest.approx(np.nanmean(a) - np.nanmean(b), abs=1e-12)
    assert [found.low, found.high] == pytest.approx(np.quantile(expected, [0.05, 0.95]), abs=1e-12)
    beyond = min(sum(d <= 0 for d in expected), sum(d >= 0 for d in expected))
    assert found.p == pytest.approx(min(1, 2 * (beyond + 1) / 151), abs=1e-12)


@pytest.mark.parametrize(
    ("statistics", "metric"),
    [(bleu_statistics, corpus_bleu), (sacre_bleu_statistics, sacre_bleu)],
)
def test_bleu_from_statistics_equals_bleu_of_the_drawn_texts(statistics, metric) -> None:
    first, references = draw(0)
    second, _ = draw(1)
    users = np.random.default_rng(0).integers(0, 9, len(first))

    def of(texts: list[str]):
        return lambda rows: metric([texts[n] for n in rows], [references[n] for n in rows])

    fast = paired_bootstrap(
        statistics(first, references), statistics(second, references), users, rounds=40
    )
    slow = paired_bootstrap(of(first), of(second), users, rounds=40)
    assert fast.difference == pytest.approx(metric(first, references) - metric(second, references))
    for name in ("difference", "low", "high", "p"):
        assert getattr(fast, name) == pytest.approx(getattr(slow, name), abs=1e-9), name


def test_the_interval_is_that_of_scipy() -> None:
    first, references = draw(2, pairs=120)
    second, _ = draw(3, pairs=120)
    a, b = rouge_values(first, references), rouge_values(second, references)
    found = paired_bootstrap(a, b, np.arange(120), rounds=20_000)
    expected = bootstrap(
        (a, b),
        lambda x, y, axis: x.mean(axis=axis) - y.mean(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=20_000,
        method="percentile",
        random_state=np.random.default_rng(0),
    )
    # Both are of 20,000 random draws: their ends vary by about 3 % of the standard error.
    low, high = expected.confidence_interval
    assert [found.low, found.high] == pytest.approx([low, high], abs=0.1 * expected.standard_error)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for trial in range(200):
        users = np.repeat(np.arange(40), 3)
        alike = np.repeat(rng.normal(size=40), 3)  # pairs of one user are alike
        found = paired_bootstrap(
            0.5 + alike + 0.1 * rng.normal(size=120), np.zeros(120), users, rounds=200, seed=trial
        )
        held += found.low <= 0.5 <= found.high
    assert 0.88 <= held / 200 <= 0.98


def test_equal_systems_do_not_differ_and_seeds_repeat() -> None:
    values = np.random.default_rng(0).normal(size=30)
    same = paired_bootstrap(values, values, np.arange(30), rounds=50)
    assert (same.difference, same.low, same.high, same.p) == (0, 0, 0, 1)
    other = values[::-1].copy()
    runs = [paired_bootstrap(values, other, np.arange(30), rounds=50, seed=s) for s in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


def test_too_few_users_tell_nothing_of_chance() -> None:
    one = paired_bootstrap([1.0, math.nan], [0.0, 1.0], ["a", "a"])
    assert one.difference == 0.5
    assert math.isnan(one.p) and math.isnan(one.low) and math.isnan(one.high)
    users = np.arange(5)
    better, worse = np.arange(5) + 1.0, np.zeros(5)
    assert paired_bootstrap(better, worse, users).p == pytest.approx(2 / 1001)
    for silent in ([math.nan, 0, 0, 0, 0], [0, 0, 0, 0, math.nan]):
        assert math.isnan(paired_bootstrap(better, silent, users).p), "four add to both"
    values = [better, worse]
    of_rows = [lambda rows, own=own: float(own[rows].mean()) for own in values]
    assert paired_bootstrap(*of_rows, users).p == pytest.approx(2 / 201)
    assert math.isnan(paired_bootstrap(*of_rows, users[:4]).p)


def test_nothing_known_and_the_rounds() -> None:
    none = paired_bootstrap([math.nan], [1.0], [0], rounds=9)
    assert math.isnan(none.difference) and math.isnan(none.low) and math.isnan(none.p)
    assert paired_bootstrap(lambda rows: 1.0, lambda rows: 0.0, [0, 1]).rounds == 200
    assert paired_bootstrap([1.0], [0.0], [0]).rounds == 1000


def test_statistics_have_the_value_of_their_metric() -> None:
    texts = draw(4)
    assert bleu_statistics(*texts, max_order=2).value() == corpus_bleu(*texts, max_order=2)
    assert Statistics.of_values([1.0, math.nan, 4.0]).value() == 2.5
    assert math.isnan(Statistics.of_values([]).value())


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(DataError, match="b has 1, users has 2 entries"):
        paired_bootstrap([1.0, 2.0], [1.0], [0, 1])
    with pytest.raises(DataError, match="no pair to draw from"):
        paired_bootstrap([], [], [])
    with pytest.raises(DataError, match=r"shape \(1, 2\)"):
        paired_bootstrap([[1.0, 2.0]], [[1.0, 2.0]], [0])
    with pytest.raises(SettingsError, match="rounds is 0"):
        paired_bootstrap([1.0], [1.0], [0], rounds=0)
    with pytest.raises(SettingsError, match=r"confidence is 95"):
        paired_bootstrap([1.0], [1.0], [0], confidence=95)


def test_the_size_of_an_effect_by_hand() -> None:
    # Differences 1, 3 and 2: mean 2, standard deviation 1.
    assert paired_effect([3.0, 5.0, 4.0, np.nan], [2.0, 2.0, 2.0, 1.0]) == pytest.approx(2.0)
    assert paired_effect([2.0, 2.0, 2.0], [3.0, 5.0, 4.0]) == pytest.approx(-2.0)
    assert paired_effect([1.0, 2.0], [1.0, 2.0]) == 0
    assert all(map(math.isnan, (paired_effect([1.0], [2.0]), paired_effect([], []))))
    assert math.isnan(paired_effect([1.1, 2.1, 3.1], [1.0, 2.0, 3.0])), "all differ alike"
    with pytest.raises(DataError, match="a has 1, b has 2"):
        paired_effect([1.0], [1.0, 2.0])


@pytest.mark.parametrize("seed", range(3))
def test_the_size_of_an_effect_is_that_of_the_t_test(seed: int) -> None:
    a, b = np.random.default_rng(seed).normal([[0.3], [0.0]], 1, (2, 30))
    expected = ttest_rel(a, b).statistic / math.sqrt(30)
    assert paired_effect(a, b) == pytest.approx(expected)
    assert paired_bootstrap(a, b, np.arange(30), rounds=10).effect == pytest.approx(expected)


def test_the_effect_is_over_users_and_known_of_sums_alone() -> None:
    users = np.repeat(np.arange(6), [1, 2, 3, 1, 2, 3])
    a, b = np.random.default_rng(0).normal(size=(2, 12))
    a[0] = np.nan  # user 0 adds to one system alone
    means = [[np.mean(own[users == user]) for user in range(1, 6)] for own in (a, b)]
    assert paired_bootstrap(a, b, users, rounds=9).effect == pytest.approx(paired_effect(*means))
    found = paired_bootstrap(lambda rows: a[rows].sum(), b, users, rounds=9)
    assert math.isnan(found.effect)
    assert math.isnan(paired_bootstrap(a[:4], b[:4], users[:4], rounds=9).effect), "too few users"


def test_holms_correction_by_hand() -> None:
    # Sorted .005, .01, .03, .04: times 4, 3, 2 and 1, none below an earlier one.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.5]) == [1.0, 1.0] and holm([]) == [] and holm([0.2]) == [0.2]
    np.testing.assert_array_equal(holm([np.nan, 0.02, np.nan, 0.02]), [np.nan, 0.04, np.nan, 0.04])


@pytest.mark.parametrize("seed", range(3))
def test_holms_correction_rejects_step_by_step(seed: int) -> None:
    """As the procedure is published: from the smallest p on, until one is not small enough."""
    given = np.random.default_rng(seed).uniform(0, 0.1, 12)
    for level in (0.05, 0.2, 0.6):
        rejected = np.zeros(12, dtype=bool)
        for step, place in enumerate(np.argsort(given)):
            if given[place] > level / (12 - step):
                break
            rejected[place] = True
        assert (np.array(holm(given.tolist())) <= level).tolist() == rejected.tolist()


@pytest.mark.skipif(find_spec("statsmodels") is None, reason="statsmodels is not installed")
def test_holms_correction_is_statsmodels() -> None:
    from statsmodels.stats.multitest import multipletests

    given = np.random.default_rng(0).uniform(0, 0.2, 30)
    assert holm(given.tolist()) == pytest.approx(multipletests(given, method="holm")[1])
