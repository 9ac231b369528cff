"""What holds for every registered selector."""

from __future__ import annotations

import pytest
import torch

from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.integration.config import part_defaults
from recbole_showcase.resources import properties_path
from recbole_showcase.selectors import SELECTORS, ImageSelector
from recbole_showcase.testing import SelectorContract
from recbole_showcase.testing.selectors import photo_sets


def defaults(name: str) -> dict[str, object]:
    return dict(part_defaults("selector", name))


@pytest.fixture(params=sorted(SELECTORS))
def selector(request: pytest.FixtureRequest) -> ImageSelector:
    return SELECTORS.build(request.param, defaults(request.param))


draw = photo_sets

# The contract that parts of others are held to, over every selector of the package.
for _name in SELECTORS:
    globals()[f"Test_{_name}"] = type(
        f"Test_{_name}",
        (SelectorContract,),
        {"part": SELECTORS[_name], "ranks": _name != "kdpp"},  # which draws at random
    )


@pytest.mark.parametrize("name", sorted(SELECTORS))
def test_every_key_has_a_comment_with_its_type(name: str) -> None:
    text = (properties_path() / "selector" / f"{name}.yaml").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all("# (" in line for line in lines)


def test_unknown_selector_names_the_registered_ones() -> None:
    with pytest.raises(SettingsError, match=r"'dpq' is unknown .*; allowed: dpp, kdpp, mmr, topk"):
        SELECTORS.build("dpq", {})


def test_unknown_settings_are_named_and_missing_ones_have_defaults() -> None:
    with pytest.raises(SettingsError, match=r"'selector_trade'.*'selector_trade_off'"):
        SELECTORS.build("kdpp", {"selector_trade": 1.0, "selector_seed": 0})
    assert SELECTORS.build("kdpp", {"selector_seed": 3}).settings.selector_trade_off == 2.0


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
