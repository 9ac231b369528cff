"""Draws against probabilities by enumeration of all sets."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from recbole_showcase.selectors import SELECTORS
from recbole_showcase.selectors.kdpp import OWN_SHARE, elementary_symmetric

DRAWS = 20_000


def probabilities(relevance: np.ndarray, features: np.ndarray, k: int, trade_off: float):
    """Probability of each set of k photos: its determinant over the sum of all, literally."""
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    similarity = (1 - OWN_SHARE) * unit @ unit.T + OWN_SHARE * np.eye(len(unit))
    quality = np.exp(trade_off * relevance)
    kernel = quality[:, None] * similarity * quality[None, :]
    sets = list(combinations(range(len(relevance)), k))
    weights = np.array([np.linalg.det(kernel[np.ix_(s, s)]) for s in sets])
    return sets, weights / weights.sum()


@pytest.mark.parametrize(("k", "trade_off"), [(1, 1.0), (2, 0.0), (3, 1.0), (4, 0.5)])
def test_draws_have_the_exact_probabilities(k: int, trade_off: float) -> None:
    rng = np.random.default_rng(k)
    features, relevance = rng.normal(size=(6, 4)) + 0.5, rng.normal(size=6)
    mask = torch.tensor([True, True, False, True, True, True])  # one of them is not there
    real = mask.numpy()
    sets, expected = probabilities(relevance[real], features[real], k, trade_off)
    selector = SELECTORS.build("kdpp", {"selector_trade_off": trade_off, "selector_seed": 3})
    chosen = selector(
        torch.from_numpy(relevance).expand(DRAWS, 6),
        torch.from_numpy(features).expand(DRAWS, 6, 4),
        mask.expand(DRAWS, 6),
        k,
    ).numpy()
    place = np.cumsum(real) - 1  # numbers among the real photos
    drawn = np.sort(place[chosen], axis=1)
    number = {s: i for i, s in enumerate(sets)}
    counts = np.bincount([number[tuple(row)] for row in drawn.tolist()], minlength=len(sets))
    possible = expected * DRAWS > 5
    rest = DRAWS - counts[possible].sum(), DRAWS * (1 - expected[possible].sum())
    seen, wanted = counts[possible].astype(float), expected[possible] * DRAWS
    if rest[1] > 1:
        seen, wanted = np.append(seen, rest[0]), np.append(wanted, rest[1])
    wanted *= seen.sum() / wanted.sum()
    assert chisquare(seen, wanted).pvalue > 1e-3
    assert np.abs(counts / DRAWS - expected).sum() / 2 < 0.02, "total variation"


def test_the_most_relevant_comes_first_and_seeds_differ() -> None:
    torch.manual_seed(0)
    relevance, features = torch.randn(50, 12), torch.randn(50, 12, 8)
    mask = torch.ones(50, 12, dtype=torch.bool)
    draws = [
        SELECTORS.build("kdpp", {"selector_trade_off": 1.0, "selector_seed": seed})(
            relevance, features, mask, 3
        )
        for seed in (0, 0, 1)
    ]
    assert draws[0].equal(draws[1]) and not draws[0].equal(draws[2])
    assert (relevance.gather(1, draws[0]).diff(dim=1) <= 0).all()


def test_copies_and_extreme_relevance_still_give_sets() -> None:
    features = torch.ones(40, 5, 3)
    relevance = torch.tensor([-900.0, 0.0, 900.0, 900.0, 5.0]).expand(40, 5)
    selector = SELECTORS.build("kdpp", {"selector_trade_off": 3.0, "selector_seed": 0})
    chosen = selector(relevance, features, torch.ones(40, 5, dtype=torch.bool), 3)
    assert all(len({*row} - {-1}) == 3 for row in chosen.tolist())


def test_elementary_symmetric_polynomials_are_sums_of_products() -> None:
    values = torch.rand(3, 6, dtype=torch.float64)
    table = elementary_symmetric(values, 4)
    for n, degree in ((6, 1), (6, 3), (5, 4), (2, 3), (0, 0)):
        expected = [
            sum(float(torch.tensor(s).prod()) for s in combinations(row[:n].tolist(), degree))
            for row in values
        ]
        assert table[:, n, degree].tolist() == pytest.approx(expected)


def test_of_very_many_photos_the_most_relevant_are_drawn_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(1)
    relevance, features = torch.randn(30, 40), torch.randn(30, 40, 8)
    mask = torch.rand(30, 40) > 0.2
    mask[0, 5:] = False  # fewer than are drawn from
    monkeypatch.setattr("recbole_showcase.selectors.kdpp.MOST_CANDIDATES", 10)
    chosen = SELECTORS.build("kdpp", {})(relevance, features, mask, 3)
    ranks = relevance.masked_fill(~mask, -torch.inf).argsort(descending=True).argsort()
    assert (ranks.gather(1, chosen) < 10).all() and mask.gather(1, chosen).all()
    fewer = relevance.masked_fill(~mask, -torch.inf).topk(10).indices.sort().values
    for row in range(1, 30):
        (place,) = SELECTORS.build("kdpp", {})(
            relevance[row, fewer[row]][None], features[row, fewer[row]][None],
            torch.ones(1, 10, dtype=torch.bool), 3, torch.tensor([row]),
        )  # fmt: skip
        assert fewer[row, place].equal(chosen[row]), "as if there were no others"
