"""What holds for every registered selector."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.integration.config import part_defaults
from recbole_showcase.resources import properties_path
from recbole_showcase.selectors import SELECTORS, ImageSelector


def defaults(name: str) -> dict[str, object]:
    return dict(part_defaults("selector", name))


@pytest.fixture(params=sorted(SELECTORS))
def selector(request: pytest.FixtureRequest) -> ImageSelector:
    return SELECTORS.build(request.param, defaults(request.param))


@pytest.fixture(params=sorted(set(SELECTORS) - {"kdpp"}))
def ranker(request: pytest.FixtureRequest) -> ImageSelector:
    """A selector that draws nothing at random, so that the photos come one after the other."""
    return SELECTORS.build(request.param, defaults(request.param))


def draw(sets: int = 9, candidates: int = 7, width: int = 5) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(3)
    features = F.normalize(torch.randn(sets, candidates, width, generator=generator), dim=-1)
    relevance = torch.randn(sets, candidates, generator=generator)
    mask = torch.rand(sets, candidates, generator=generator) > 0.4
    mask[0], mask[1] = False, True
    return relevance, features, mask


@pytest.mark.parametrize("name", sorted(SELECTORS))
def test_every_key_has_a_comment_with_its_type(name: str) -> None:
    text = (properties_path() / "selector" / f"{name}.yaml").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all("# (" in line for line in lines)


def test_unknown_selector_names_the_registered_ones() -> None:
    with pytest.raises(SettingsError, match=r"'dpq' is unknown; allowed: dpp, kdpp, mmr, topk"):
        SELECTORS.build("dpq", {})


def test_unknown_and_missing_settings_are_named() -> None:
    with pytest.raises(SettingsError, match=r"'selector_trade'.*'selector_trade_off'"):
        SELECTORS.build("kdpp", {"selector_trade": 1.0, "selector_seed": 0})
    with pytest.raises(SettingsError, match="'selector_trade_off' has no value"):
        SELECTORS.build("kdpp", {"selector_seed": 0})


@pytest.mark.parametrize("k", [1, 3, 7, 12])
def test_output_is_distinct_real_candidates_then_padding(selector: ImageSelector, k: int) -> None:
    relevance, features, mask = draw()
    chosen = selector(relevance, features, mask, k)
    assert chosen.shape == (9, k)
    assert chosen.dtype == torch.long
    for row, real in zip(chosen.tolist(), mask, strict=True):
        count = min(k, int(real.sum()))
        assert len(set(row[:count])) == count
        assert all(real[index] for index in row[:count])
        assert row[count:] == [-1] * (k - count)


def test_masked_values_are_never_looked_at(selector: ImageSelector) -> None:
    relevance, features, mask = draw()
    expected = selector(relevance, features, mask, 4)
    relevance[~mask], features[~mask] = torch.inf, torch.nan
    assert selector(relevance, features, mask, 4).equal(expected)


def test_inputs_are_left_alone(selector: ImageSelector) -> None:
    relevance, features, mask = (t.double() if t.is_floating_point() else t for t in draw())
    before = relevance.clone(), features.clone(), mask.clone()
    selector(relevance, features, mask, 3)
    for now, then in zip((relevance, features, mask), before, strict=True):
        assert now.equal(then)


def test_a_batch_equals_its_sets_one_by_one_without_padding(selector: ImageSelector) -> None:
    relevance, features, mask = draw()
    keys = torch.arange(len(mask)) * 7
    batch = selector(relevance, features, mask, 4, keys)
    for row, real in enumerate(mask):
        places = real.nonzero().squeeze(1)
        single = selector(
            relevance[row, real][None], features[row, real][None], real[real][None], 4,
            keys[row, None],
        )  # fmt: skip
        expected = [int(places[i]) if i >= 0 else -1 for i in single[0].tolist()]
        assert batch[row].tolist() == expected


def test_a_smaller_k_is_the_beginning_of_a_larger(ranker: ImageSelector) -> None:
    relevance, features, mask = draw()
    assert ranker(relevance, features, mask, 2).equal(ranker(relevance, features, mask, 6)[:, :2])


def test_ties_go_to_the_lower_index_also_among_copies(ranker: ImageSelector) -> None:
    features = F.normalize(torch.randn(1, 1, 33), dim=-1).expand(4, 37, 33).half()
    mask = torch.ones(4, 37, dtype=torch.bool)
    assert ranker(torch.zeros(4, 37), features, mask, 5).tolist() == [[0, 1, 2, 3, 4]] * 4


@pytest.mark.parametrize("shape", [(0, 4), (3, 0)])
def test_no_sets_and_no_candidates(selector: ImageSelector, shape: tuple[int, int]) -> None:
    empty = torch.zeros(shape)
    chosen = selector(empty, torch.zeros(*shape, 5), empty.bool(), 3)
    assert chosen.equal(torch.full((shape[0], 3), -1))


def test_what_does_not_fit_is_refused_by_name(selector: ImageSelector) -> None:
    relevance, features, mask = draw()
    with pytest.raises(SettingsError, match="k is 0"):
        selector(relevance, features, mask, 0)
    with pytest.raises(DataError, match=r"relevance \(9, 6\), features \(9, 7, 5\)"):
        selector(relevance[:, :6], features, mask, 3)
    with pytest.raises(DataError, match=r"allowed is torch\.bool"):
        selector(relevance, features, mask.long(), 3)
    relevance[1, 2] = torch.nan
    with pytest.raises(DataError, match="set 1, candidate 2"):
        selector(relevance, features, mask, 3)


def test_top_k_sorts_by_relevance_alone() -> None:
    relevance = torch.tensor([[0.1, 0.9, 0.5, 0.9, 2.0]])
    mask = torch.tensor([[True, True, True, True, False]])
    chosen = SELECTORS.build("topk", defaults("topk"))(relevance, torch.ones(1, 5, 2), mask, 4)
    assert chosen.tolist() == [[1, 3, 2, 0]]
