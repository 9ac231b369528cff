"""A contract for every relevance model."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest
import torch

from recbole_showcase.data.batch import SelectionBatch
from recbole_showcase.errors import SettingsError
from recbole_showcase.integration.config import part_defaults
from recbole_showcase.relevance import (
    RELEVANCE,
    RelevanceInputs,
    RelevanceModel,
)
from recbole_showcase.relevance.clip import clip_relevance
from recbole_showcase.resources import properties_path

WIDTH, N_USERS = 6, 9
STATISTICS = torch.stack([torch.linspace(-0.2, 0.2, WIDTH), torch.linspace(0.5, 1.5, WIDTH)])
KNOWN = torch.arange(N_USERS) != 3
INPUTS = RelevanceInputs(STATISTICS, -STATISTICS.abs(), user=0, item=0, known_users=KNOWN)
every = pytest.mark.parametrize("name", sorted(RELEVANCE))
trained = pytest.mark.parametrize("name", ["brie", "learned", "mf_elvis"])


def build(name: str, **changes: object) -> RelevanceModel:
    torch.manual_seed(0)
    return RELEVANCE.build(name, {**part_defaults("relevance", name), **changes}, INPUTS).eval()


def masked(n: int, lengths: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    mask = torch.arange(n) < torch.tensor(lengths).unsqueeze(1)
    return torch.randn(len(lengths), n, WIDTH) * mask.unsqueeze(2), mask


def draw() -> SelectionBatch:
    """Five pairs; the fourth has no profile and its user was not seen in training."""
    torch.manual_seed(1)
    candidates, mask = masked(7, [7, 4, 5, 6, 3])
    photos, photo_mask = masked(4, [4, 0, 2, 0, 1])
    reviews, review_mask = masked(2, [2, 1, 0, 0, 2])
    posted = torch.zeros_like(mask)
    posted[:, 1] = posted[0, 4] = True
    return SelectionBatch(
        users=torch.tensor([1, 2, 1, 3, 4]),
        items=torch.arange(5) + 1,
        candidates=torch.arange(35).view(5, 7).masked_fill(~mask, -1),
        candidate_features=candidates,
        candidate_mask=mask,
        history_photo_features=photos,
        history_photo_mask=photo_mask,
        review_features=reviews,
        review_mask=review_mask,
        posted=posted,
    )


def row_of(batch: SelectionBatch, row: int) -> SelectionBatch:
    """One pair without any padding."""
    parts = {f.name: getattr(batch, f.name)[row : row + 1] for f in fields(batch)}
    for mask, names in {
        "candidate_mask": ("candidates", "candidate_features", "posted", "candidate_mask"),
        "history_photo_mask": ("history_photo_features", "history_photo_mask"),
        "review_mask": ("review_features", "review_mask"),
    }.items():
        real = parts[mask][0]
        parts |= {name: parts[name][:, real] for name in names}
    return SelectionBatch(**parts)


@every
def test_every_key_has_a_comment_with_its_type(name: str) -> None:
    text = (properties_path() / "relevance" / f"{name}.yaml").read_text(encoding="utf-8")
    assert all("# (" in line for line in text.splitlines() if not line.startswith("#"))


@every
def test_losses_are_finite_and_reach_every_parameter(name: str) -> None:
    model, batch = build(name).train(), draw()
    relevance = model(batch, None, None)
    losses = model.losses(relevance, batch, None, None)
    assert len(losses) == len(model.loss_names)
    assert all(loss.shape == () and loss.isfinite() for loss in losses)
    if losses:
        sum(losses).backward()
    assert not [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]


@every
def test_padding_changes_nothing_and_gets_zero(name: str) -> None:
    model, batch = build(name), draw()
    clean = model(batch, None, None)
    assert clean.shape == (5, 7) and clean.dtype == torch.float32 and clean.isfinite().all()
    dirty = {
        f"{kind}_features": getattr(batch, f"{kind}_features").masked_fill(
            ~getattr(batch, f"{kind}_mask").unsqueeze(2), torch.nan
        )
        for kind in ("candidate", "history_photo", "review")
    }
    filled = replace(batch, **dirty)
    found = model(filled, None, None)
    torch.testing.assert_close(found, clean, rtol=0, atol=0)
    assert found[~batch.candidate_mask].eq(0).all()
    for one, other in zip(
        model.losses(clean, batch, None, None), model.losses(found, filled, None, None), strict=True
    ):
        torch.testing.assert_close(one, other)


@every
def test_a_batch_equals_its_rows_one_by_one_without_padding(name: str) -> None:
    model, batch = build(name), draw()
    together = model(batch, None, None)
    for row in range(5):
        single = model(row_of(batch, row), None, None)[0]
        torch.testing.assert_close(
            together[row, batch.candidate_mask[row]], single, rtol=1e-4, atol=1e-5
        )


@every
def test_it_does_not_look_at_who_posted_what(name: str) -> None:
    model, batch = build(name), draw()
    blind = replace(batch, posted=torch.zeros_like(batch.posted))
    assert model(batch, None, None).equal(model(blind, None, None))


@every
def test_saving_and_loading_gives_equal_outputs(name: str, tmp_path: Path) -> None:
    model, other, batch = build(name), build(name), draw()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    torch.save(model.state_dict(), tmp_path / "state.pt")
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert model(batch, None, None).equal(other(batch, None, None))


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
    with pytest.raises(SettingsError, match="allowed: brie, clip, learned"):
        RELEVANCE.build("none", {}, INPUTS)
    with pytest.raises(SettingsError, match=r"relevance_sed.*relevance_seed"):
        build("random", relevance_sed=3)
    with pytest.raises(SettingsError, match=r"relevance_temperature is 0\.0"):
        build("learned", relevance_temperature=0.0)


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
