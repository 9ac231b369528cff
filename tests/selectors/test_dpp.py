from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from recbole_showcase.errors import SettingsError
from recbole_showcase.selectors import SELECTORS
from recbole_showcase.selectors.dpp import OWN_SHARE, log_likelihood
from recbole_showcase.selectors.greedy import (
    EPSILON,
    _among_the_best,
    _by_kernel,
    _widths,
    greedy_map,
)


def select(
    relevance: torch.Tensor, features: torch.Tensor, k: int, trade_off: float, mask=None
) -> list[list[int]]:
    selector = SELECTORS.build(
        "dpp", {"selector_trade_off": trade_off, "selector_learn_trade_off": False}
    )
    mask = torch.ones(relevance.shape, dtype=torch.bool) if mask is None else mask
    return selector(relevance, features, mask, k).tolist()


def slow_greedy(relevance: np.ndarray, features: np.ndarray, k: int, trade_off: float) -> list[int]:
    """Try every photo in every step and take determinants of the kernel as it is defined."""
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    similarity = unit @ unit.T
    quality = np.exp(trade_off * relevance)
    kernel = quality[:, None] * similarity * quality[None, :]
    chosen: list[int] = []
    while len(chosen) < min(k, len(relevance)):
        free = [i for i in range(len(relevance)) if i not in chosen]
        before = np.linalg.det(similarity[np.ix_(chosen, chosen)])
        grows = [
            i for i in free
            if np.linalg.det(similarity[np.ix_([*chosen, i], [*chosen, i])]) > EPSILON * before
        ]  # fmt: skip
        if not grows:
            return chosen + sorted(free, key=lambda i: -relevance[i])[: k - len(chosen)]
        gains = [np.linalg.slogdet(kernel[np.ix_([*chosen, i], [*chosen, i])])[1] for i in grows]
        chosen.append(grows[int(np.round(gains, 9).argmax())])
    return chosen


@pytest.mark.parametrize("trade_off", [0.0, 0.3, 1.0, 4.0])
@pytest.mark.parametrize(("width", "k"), [(3, 5), (8, 4), (16, 7)])
def test_equal_to_brute_force_over_determinants(width: int, k: int, trade_off: float) -> None:
    rng = np.random.default_rng(width * 100 + k)
    features = rng.normal(size=(25, 8, width)) + 0.7  # similarities as of photos, mostly positive
    relevance = rng.normal(size=(25, 8))
    mask = rng.random((25, 8)) < 0.8
    mask[0] = True
    chosen = select(*map(torch.from_numpy, (relevance, features)), k, trade_off,
                    torch.from_numpy(mask))  # fmt: skip
    for row in range(25):
        places = np.flatnonzero(mask[row])
        slow = slow_greedy(relevance[row, places], features[row, places], k, trade_off)
        expected = [int(places[i]) for i in slow]
        assert chosen[row] == expected + [-1] * (k - len(expected))


def test_hand_computed_choice() -> None:
    # Photo 1 is 30 degrees from photo 0: log(1 - 3/4) = -1.386; photo 2 is at right angles: 0.
    # 2 * trade_off * 0.5 makes up for that from trade_off = 1.386 on.
    angles = torch.tensor([0.0, 30.0, 90.0]) * math.pi / 180
    features = torch.stack([angles.cos(), angles.sin()], dim=-1).unsqueeze(0)
    relevance = torch.tensor([[1.0, 0.5, 0.0]])
    assert select(relevance, features, 2, 1.38) == [[0, 2]]
    assert select(relevance, features, 2, 1.39) == [[0, 1]]


def test_a_copy_waits_until_the_others_are_taken() -> None:
    torch.manual_seed(0)
    features = F.normalize(torch.randn(1, 5, 16), dim=-1)
    features[0, 1] = features[0, 0]
    chosen = select(torch.tensor([[5.0, 4.9, 0.0, -1.0, -2.0]]), features.half(), 5, 2.0)
    assert chosen == [[0, 2, 3, 4, 1]]


def test_a_copy_rounded_to_float16_is_a_copy() -> None:
    torch.manual_seed(1)
    features = F.normalize(torch.randn(40, 4, 512), dim=-1)
    features[:, 1] = features[:, 0].half().float()
    chosen = select(torch.tensor([[9.0, 8.0, 0.0, -1.0]]).expand(40, 4), features, 4, 1.0)
    assert chosen == [[0, 2, 3, 1]] * 40


def test_when_nothing_adds_the_rest_comes_by_relevance() -> None:
    # Two dimensions hold two independent photos; the other three follow in order of relevance.
    features = torch.tensor([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.6, 0.8], [1.0, 0.0]]])
    relevance = torch.tensor([[9.0, 1.0, 3.0, 2.0, 4.0]])
    assert select(relevance, features, 5, 1.0) == [[0, 2, 4, 3, 1]]


def test_a_photo_without_features_comes_last() -> None:
    features = torch.tensor([[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])
    assert select(torch.tensor([[9.0, 1.0, 0.0]]), features, 3, 1.0) == [[1, 2, 0]]


def test_extreme_quality_neither_overflows_nor_hides_copies() -> None:
    torch.manual_seed(2)
    features = F.normalize(torch.randn(1, 4, 8), dim=-1)
    features[0, 3] = features[0, 2]
    relevance = torch.tensor([[-900.0, 0.0, 900.0, 900.0]])
    assert select(relevance, features, 4, 1e6) == [[2, 1, 0, 3]]


def test_without_weight_on_relevance_the_set_is_the_most_varied() -> None:
    features = torch.tensor(
        [[[1.0, 0.0, 0.0], [0.9, 0.436, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]]
    )
    assert select(torch.tensor([[0.0, 99.0, 0.0, 0.0]]), features, 3, 0.0) == [[0, 2, 3]]


def test_equal_gains_go_to_the_lower_index_despite_rounding() -> None:
    # Photos 1 and 2 are 60 degrees to either side of photo 0, seen from 50 directions.
    angles = torch.tensor([0.0, 60.0, -60.0], dtype=torch.float64) * math.pi / 180
    plane = torch.stack([angles.cos(), angles.sin()], dim=-1)
    torch.manual_seed(3)
    axes = torch.linalg.qr(torch.randn(50, 24, 2, dtype=torch.float64)).Q
    features = plane @ axes.mT  # (50, 3, 24)
    assert select(torch.tensor([[1.0, 0.5, 0.5]]).expand(50, 3), features, 2, 1.0) == [[0, 1]] * 50


def test_qualities_that_float32_has_no_digits_for_are_told_apart() -> None:
    """Photo 5 is e to the 50 times as good as all others, which what they add tells apart."""
    torch.manual_seed(11)
    relevance, features = torch.full((20, 12), -2.0), torch.randn(20, 12, 3)
    relevance[:, 5] = 0.0
    # The weight changes no order among the others, and NumPy's determinants want a small one.
    others = zip(relevance.double().numpy(), features.double().numpy(), strict=True)
    expected = [slow_greedy(r, f, 3, 1.0) for r, f in others]
    assert [row[0] for row in expected] == [5] * 20
    assert select(relevance, features, 3, 25.0) == expected


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_trade_off_out_of_range_is_refused(value: float) -> None:
    with pytest.raises(SettingsError, match="selector_trade_off is"):
        select(torch.zeros(1, 2), torch.ones(1, 2, 2), 1, value)


def slow_likelihood(
    relevance: torch.Tensor, features: torch.Tensor, posted: list[int], trade_off: torch.Tensor
) -> torch.Tensor:
    """Log-probability of one set: its determinant over the sum of those of all sets."""
    unit = F.normalize(features, dim=-1)
    similarity = (1 - OWN_SHARE) * unit @ unit.T + OWN_SHARE * torch.eye(len(unit)).double()
    quality = (trade_off * relevance).exp()
    kernel = quality[:, None] * similarity * quality[None, :]
    sets = [s for n in range(len(unit) + 1) for s in combinations(range(len(unit)), n)]
    total = sum(torch.linalg.det(kernel[list(s)][:, list(s)]) for s in sets)
    return (torch.linalg.det(kernel[posted][:, posted]) / total).log()


def test_likelihood_and_its_gradient_equal_the_sum_over_all_sets() -> None:
    torch.manual_seed(5)
    relevance = torch.randn(4, 6, dtype=torch.float64)
    features = torch.randn(4, 6, 3, dtype=torch.float64)
    mask = torch.rand(4, 6) > 0.3
    posted = mask & (torch.rand(4, 6) > 0.4)
    mask[0], posted[0] = True, False  # the empty set has a probability, too
    results = []
    for slow in (False, True):
        r, a = relevance.clone().requires_grad_(), torch.tensor(0.7).double().requires_grad_()
        if slow:
            rows = [
                slow_likelihood(r[n, m], features[n, m], p[m].nonzero().squeeze(1).tolist(), a)
                for n, (m, p) in enumerate(zip(mask, posted, strict=True))
            ]
            value = torch.stack(rows)
        else:
            value = log_likelihood(r, features, mask, posted, a)
        value.mean().backward()
        results.append((value.detach(), r.grad, a.grad))
    for fast, literal in zip(*results, strict=True):
        torch.testing.assert_close(fast, literal)


def test_the_trade_off_is_learned_from_the_likelihood() -> None:
    """Where the posted photos are always the most relevant, however alike, its weight grows."""
    settings = {"selector_trade_off": 0.5, "selector_learn_trade_off": True}
    selector = SELECTORS.build("dpp", settings)
    torch.manual_seed(6)
    relevance, features = torch.randn(20, 7), torch.randn(20, 7, 3)
    posted = relevance >= relevance.topk(2).values[:, -1:]
    optimizer = torch.optim.Adam(selector.parameters(), lr=0.1)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        (loss,) = selector.losses(relevance, features, torch.ones_like(posted), posted)
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    assert losses[-1] < losses[0] - 0.1
    assert float(selector.trade_off) > 1.0
    assert selector.loss_names == ("photo_set",)


def test_a_weight_to_learn_must_start_above_zero() -> None:
    with pytest.raises(SettingsError, match="must start above 0"):
        SELECTORS.build("dpp", {"selector_trade_off": 0.0, "selector_learn_trade_off": True})


def hostile_sets(seed: int, candidates: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """40 sets: alike and unlike photos, copies, none, few, equal and far relevance."""
    generator = torch.Generator().manual_seed(seed)
    common = torch.randn(40, 1, 16, generator=generator) * torch.arange(40).view(40, 1, 1) / 10
    features = torch.randn(40, candidates, 16, generator=generator) + common
    features[5:10, ::3] = features[5:10, :1]  # a third are copies
    features[10, 1::2] = 0.0
    relevance = torch.randn(40, candidates, generator=generator, dtype=torch.float64)
    relevance[12] = 0.5
    relevance[13] = relevance[13].round()
    relevance[14] *= 300.0
    mask = torch.rand(40, candidates, generator=generator) < 0.9
    mask[0], mask[1, 2:], mask[2, 9:], mask[3] = False, False, False, True
    return relevance.masked_fill_(~mask, 0.0), features, mask


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("trade_off", [0.1, 1.0, 2.5, 50.0])
@pytest.mark.parametrize(("k", "candidates"), [(1, 30), (3, 61), (10, 130)])
def test_any_width_of_looking_gives_the_choice_among_all(
    k: int, candidates: int, trade_off: float, dtype: torch.dtype
) -> None:
    relevance, features, mask = hostile_sets(k, candidates)
    relevance = (relevance * 64).round() / 64  # no gain is within rounding of another
    features = features.to(dtype)
    real = torch.arange(k) < mask.sum(dim=1, keepdim=True)
    among_all = greedy_map(relevance, features, mask, k, trade_off, width=candidates)
    for width in (None, max(1, k - 1), k, k + 1, candidates // 2):
        lazily = greedy_map(relevance, features, mask, k, trade_off, width=width)
        assert lazily[real].equal(among_all[real]), width


def test_few_of_many_photos_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets that are proven among few photos never come to the search among all."""
    monkeypatch.setattr("recbole_showcase.selectors.greedy._over_all", None)
    torch.manual_seed(7)
    relevance, features = torch.randn(50, 60), torch.randn(50, 60, 32) + 1.0
    mask = torch.ones(50, 60, dtype=torch.bool)
    mask[:10, 2:] = False  # fewer photos than are chosen
    chosen = torch.tensor(select(relevance, features, 3, 2.5, mask))
    assert (chosen[:10, 2] == -1).all() and (chosen[10:] >= 0).all()
    ranks = relevance.argsort(dim=1, descending=True).argsort(dim=1)
    assert (ranks[10:].gather(1, chosen[10:]) < 8).all()


def slow_by_kernel(
    quality: np.ndarray, features: np.ndarray, k: int, tie: float
) -> tuple[list[int], list[float]]:
    """One set, number by number: the steps of ``_by_kernel`` as its docstring has them."""
    length = np.maximum(np.diag(features @ features.T), np.finfo(np.float64).tiny)
    scale = np.sqrt(quality / length)
    kernel = scale[:, None] * (features @ features.T) * scale[None, :]
    order, gains = [], []
    for _ in range(k):
        gain = np.diag(kernel).copy()
        near = [i for i, value in enumerate(gain) if value >= gain.max() * (1.0 - tie)]
        order.append(near[0])
        gains.append(float(gain.max()))
        kernel = kernel - np.outer(kernel[near[0]], kernel[near[0]]) / gain[near[0]]
    return order, gains


def test_the_kernel_of_many_sets_is_that_of_each() -> None:
    """Equal photos and equal gains too: the first of them is taken."""
    rng = np.random.default_rng(8)
    quality, features = rng.random((30, 9)), rng.normal(size=(30, 9, 12))
    quality[:10] = 0.5
    quality[10:20, 4:] = quality[10:20, 3:4]
    features[20:, 1::4] = features[20:, :1]
    quality[20:, 1::4] = quality[20:, :1]
    order, gains = _by_kernel(quality, features @ features.mT, 5, 1e-9)
    assert order.shape == gains.shape == (5, 30)
    for row in range(30):
        slow = slow_by_kernel(quality[row], features[row], 5, 1e-9)
        assert order[:, row].tolist() == slow[0]
        np.testing.assert_allclose(gains[:, row], slow[1])


def test_places_are_of_photos_whatever_the_numbers() -> None:
    """What is not a number, and gains of which nothing is left, choose a place all the same."""
    quality, kernel = np.ones((3, 4)), np.full((3, 4, 4), 2.0)
    kernel[0] = np.nan
    quality[1] = 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        order, _ = _by_kernel(quality, kernel, 4, 1e-6)
    assert ((order >= 0) & (order < 4)).all()


def test_nothing_is_said_of_numbers_that_are_not_looked_at(recwarn: Any) -> None:
    relevance, features, mask = hostile_sets(4, 60)
    features[~mask] = torch.nan
    greedy_map(relevance, features, mask, 3, 1e300)
    assert not recwarn.list


def test_a_step_in_mixed_precision_chooses_as_without_it() -> None:
    torch.manual_seed(9)
    relevance, features = torch.randn(64, 60), torch.randn(64, 60, 32) + 1.0
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = select(relevance, features, 10, 1.0)
    assert mixed == select(relevance, features, 10, 1.0)


@pytest.mark.parametrize(
    ("first", "size", "expected"),
    [
        (8, 60, [8, 60]),
        (8, 8, [8]),
        (8, 15, [15]),
        (24, 96, [24, 96]),
        (8, 5000, [8, 32, 128]),
        (48, 128, [48, 128]),
        (136, 5000, []),
    ],
)
def test_photos_are_looked_at_in_steps(first: int, size: int, expected: list[int]) -> None:
    """All of an item at last where it has few; of many, what is then left is chosen among all."""
    assert list(_widths(first, size)) == expected


def test_what_is_not_proven_is_looked_at_again_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three sets one has photos that are nearly copies, which others are better than."""
    torch.manual_seed(10)
    relevance, features = torch.randn(3, 60), torch.randn(3, 60, 32)
    nearly = relevance[1].topk(20).indices
    features[1, nearly] = features[1, 0] + 0.01 * features[1, nearly]
    asked = []

    def noted(below: Any, features: Any, sets: np.ndarray, k: int, width: int) -> Any:
        asked.append((sets.tolist(), width))
        return _among_the_best(below, features, sets, k, width)

    monkeypatch.setattr("recbole_showcase.selectors.greedy._among_the_best", noted)
    chosen = select(relevance, features, 3, 1.0)
    assert asked == [([0, 1, 2], 8), ([1], 60)]
    assert chosen == [
        slow_greedy(r, f, 3, 1.0)
        for r, f in zip(relevance.double().numpy(), features.double().numpy(), strict=True)
    ]
