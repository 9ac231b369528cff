"""What holds for every relevance model."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor

from recbole_showcase.data.batch import SelectionBatch
from recbole_showcase.relevance.base import RelevanceInputs
from recbole_showcase.testing.base import (
    COSINES,
    HALVES,
    STATISTICS,
    WIDTH,
    Contract,
    all_close,
    half_is_close,
    shake,
)


class RelevanceContract(Contract):
    """What holds for every relevance model."""

    def build(self) -> Any:
        """The model, in evaluation mode; user 3 is not known from training."""
        known = torch.arange(9) != 3
        return self._built(
            RelevanceInputs(
                STATISTICS,
                -STATISTICS.abs(),
                user=0,
                item=0,
                known_users=known,
                profile_cosines=COSINES,
                selection_rows=50,
            )
        )

    def batch(self) -> SelectionBatch:
        """Five pairs; the fourth has no profile and its user was not seen in training."""
        return selection_batch()

    def test_losses_are_finite_and_reach_every_parameter(self) -> None:
        """One scalar a name, and a gradient for all parameters."""
        model, batch = self.build().train(), self.batch()
        losses = model.losses(model(batch, None, None), batch, None, None)
        assert len(losses) == len(model.loss_names)
        assert all(loss.shape == () and loss.isfinite() for loss in losses)
        if losses:
            sum(losses).backward()
        assert not [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]

    def test_mixed_precision(self) -> None:
        """Losses and gradients in either half type, as RecBole's ``enable_amp`` has them."""
        model, batch = self.build(), self.batch()
        for kind in HALVES:
            half_is_close(
                model, kind, lambda: model.losses(model(batch, None, None), batch, None, None)
            )

    def test_padding_changes_nothing_and_gets_zero(self) -> None:
        """What is masked may be anything, and has no relevance."""
        model, batch = self.build(), self.batch()
        clean = model(batch, None, None)
        assert clean.shape == batch.candidates.shape
        assert clean.dtype == torch.float32 and clean.isfinite().all()
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
        all_close(model.losses(clean, batch, None, None), model.losses(found, filled, None, None))

    def test_a_batch_equals_its_rows_one_by_one_without_padding(self) -> None:
        """Pairs do not know of each other."""
        model, batch = self.build(), self.batch()
        together = model(batch, None, None)
        for row in range(len(batch)):
            single = model(_row_of(batch, row), None, None)[0]
            there = together[row, batch.candidate_mask[row]]
            torch.testing.assert_close(there, single, rtol=1e-4, atol=1e-5)

    def test_it_does_not_look_at_who_posted_what(self) -> None:
        """Who posted a photo is what it has to guess."""
        model, batch = self.build(), self.batch()
        blind = replace(batch, posted=torch.zeros_like(batch.posted))
        assert model(batch, None, None).equal(model(blind, None, None))

    def test_saving_and_loading_gives_equal_outputs(self) -> None:
        """All that was learned is in the state."""
        model, other, batch = self.build(), self.build(), self.batch()
        shake(model, 0.05)
        other.load_state_dict(model.state_dict())
        assert model(batch, None, None).equal(other(batch, None, None))


def selection_batch() -> SelectionBatch:
    """Five pairs; the fourth has no profile and its user, 3, was not seen in training."""
    torch.manual_seed(1)
    candidates, mask = _masked(7, [7, 4, 5, 6, 3])
    photos, photo_mask = _masked(4, [4, 0, 2, 0, 1])
    reviews, review_mask = _masked(2, [2, 1, 0, 0, 2])
    posted = torch.zeros_like(mask)
    posted[:, 1] = posted[0, 4] = True
    by_user = posted.clone()
    by_user[1, 3] = by_user[3, 5] = True  # of other visits, and no negatives of authorship
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
        by_user=by_user,
        taste=torch.nn.functional.normalize(torch.randn(5, WIDTH), dim=1),
        taste_cosine=torch.linspace(-0.2, 0.2, 5),
    )


def _masked(n: int, lengths: list[int]) -> tuple[Tensor, Tensor]:
    mask = torch.arange(n) < torch.tensor(lengths).unsqueeze(1)
    return torch.randn(len(lengths), n, WIDTH) * mask.unsqueeze(2), mask


def _row_of(batch: SelectionBatch, row: int) -> SelectionBatch:
    """One pair without any padding."""
    parts = {f.name: getattr(batch, f.name)[row : row + 1] for f in fields(batch)}
    for mask, names in {
        "candidate_mask": (
            *("candidates", "candidate_features", "posted", "by_user", "candidate_mask"),
        ),
        "history_photo_mask": ("history_photo_features", "history_photo_mask"),
        "review_mask": ("review_features", "review_mask"),
    }.items():
        real = parts[mask][0]
        parts |= {name: parts[name][:, real] for name in names}
    return SelectionBatch(**parts)
