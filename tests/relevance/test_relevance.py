"""A contract for every relevance model."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from recbole_showcase.errors import SettingsError
from recbole_showcase.integration.config import part_defaults
from recbole_showcase.relevance import (
    RELEVANCE,
    RelevanceInputs,
    RelevanceModel,
)
from recbole_showcase.relevance.clip import clip_relevance
from recbole_showcase.resources import properties_path
from recbole_showcase.testing import RelevanceContract
from recbole_showcase.testing.base import COSINES, STATISTICS
from recbole_showcase.testing.relevance import selection_batch

KNOWN = torch.arange(9) != 3
INPUTS = RelevanceInputs(
    STATISTICS,
    -STATISTICS.abs(),
    user=0,
    item=0,
    known_users=KNOWN,
    profile_cosines=COSINES,
    selection_rows=50,
)
draw = selection_batch
every = pytest.mark.parametrize("name", sorted(RELEVANCE))
trained = pytest.mark.parametrize("name", ["brie", "elvis", "learned", "mf_elvis"])


def build(name: str, **changes: object) -> RelevanceModel:
    torch.manual_seed(0)
    return RELEVANCE.build(name, {**part_defaults("relevance", name), **changes}, INPUTS).eval()


# The contract that parts of others are held to, over every relevance model of the package.
for _name in RELEVANCE:
    globals()[f"Test_{_name}"] = type(
        f"Test_{_name}", (RelevanceContract,), {"part": RELEVANCE[_name]}
    )


for _name in ("brie", "elvis", "mf_elvis"):
    globals()[f"Test_{_name}_likely"] = type(
        f"Test_{_name}_likely",
        (RelevanceContract,),
        {"part": RELEVANCE[_name], "settings": {"relevance_negatives": "likely"}},
    )


@every
@pytest.mark.parametrize("negatives", ["uniform", "likely"])
def test_a_step_waits_for_no_answer_of_the_device(name: str, negatives: str) -> None:
    """``meta`` is a device without answers: whoever asks one fails."""
    of_authors = name in ("brie", "elvis", "mf_elvis")
    model = build(name, **{"relevance_negatives": negatives} if of_authors else {}).to("meta")
    batch = draw().to("meta")
    losses = model.losses(model(batch, None, None), batch, None, None)
    assert all(loss.device.type == "meta" for loss in losses)
    assert len(losses) == len(model.loss_names)


def test_posted_photos_are_those_of_the_batch_as_it_is() -> None:
    """Found before a batch moves, and anew for one that was made of it."""
    batch = draw().to("cpu")
    row, place = batch.posted_places
    assert torch.equal(torch.stack([row, place], dim=1), batch.posted.nonzero())
    none = replace(batch, posted=torch.zeros_like(batch.posted))
    assert [len(part) for part in none.posted_places] == [0, 0]


@every
def test_every_key_has_a_comment_with_its_type(name: str) -> None:
    text = (properties_path() / "relevance" / f"{name}.yaml").read_text(encoding="utf-8")
    assert all("# (" in line for line in text.splitlines() if not line.startswith("#"))


@pytest.mark.parametrize("name", sorted(set(RELEVANCE) - {"random"}))
def test_without_anything_known_the_typical_photo_is_most_relevant(name: str) -> None:
    batch = draw()
    empty = torch.zeros_like(batch.candidate_mask[:, :0])
    none = batch.candidate_features[:, :0]
    typical = clip_relevance(
        batch.candidate_features, batch.candidate_mask, none, empty, none, empty
    )
    torch.testing.assert_close(build(name)(batch, None, None)[3], typical[3])


def test_random_belongs_to_the_pair_the_photo_and_the_seed() -> None:
    batch = draw()
    numbers = build("random")(batch, None, None)
    assert numbers.equal(build("random")(batch, None, None))
    assert not numbers.equal(build("random", relevance_seed=1)(batch, None, None))
    assert numbers[batch.candidate_mask].unique().numel() == int(batch.candidate_mask.sum())
    other = replace(batch, users=batch.users + 1)
    assert not (build("random")(other, None, None) == numbers)[batch.candidate_mask].any()


def test_unknown_names_and_settings_are_errors() -> None:
    with pytest.raises(SettingsError, match="allowed: brie, clip, elvis, learned"):
        RELEVANCE.build("none", {}, INPUTS)
    with pytest.raises(SettingsError, match=r"relevance_sed.*relevance_seed"):
        build("random", relevance_sed=3)
    with pytest.raises(SettingsError, match=r"relevance_temperature is 0\.0"):
        build("learned", relevance_temperature=0.0)
    with pytest.raises(SettingsError, match=r"relevance_prior is -1\.0"):
        build("learned", relevance_prior=-1.0)
    with pytest.raises(SettingsError, match=r"relevance_negatives.*uniform.*likely"):
        build("brie", relevance_negatives="hard")
    with pytest.raises(SettingsError, match="relevance_likely_quantile"):
        build("elvis", relevance_likely_quantile=1.5)


@pytest.mark.parametrize("off", ["relevance_use_photos", "relevance_use_reviews"])
@pytest.mark.parametrize("name", ["clip", "learned"])
def test_a_part_of_the_profile_can_be_switched_off(name: str, off: str) -> None:
    batch = draw()
    field = "history_photo_features" if off == "relevance_use_photos" else "review_features"
    changed = replace(batch, **{field: getattr(batch, field).flip(2)})
    for used in (True, False):
        model = build(name, **{off: used})
        assert model(batch, None, None).equal(model(changed, None, None)) != used


def test_with_all_parts_switched_off_nothing_is_learned() -> None:
    model = build("learned", relevance_use_photos=False, relevance_use_reviews=False)
    assert model.loss_names == () and not list(model.parameters())
    assert model.losses(model(draw(), None, None), draw(), None, None) == ()
