"""The contrastive losses against a slow, literal reading of their equations: value and gradient."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from recbole_showcase.explainers.base import masked_mean
from recbole_showcase.explainers.contrastive import Projection, cross_modal_loss, personal_loss

B, E, D = 5, 4, 6


def cosine(x: Tensor, y: Tensor) -> Tensor:
    return (x * y).sum() / (x.square().sum().sqrt() * y.square().sum().sqrt())


def literal_cross_modal(
    photos: Tensor, texts: Tensor, replaced: Tensor, has_photo: Tensor, has_replaced: Tensor, tau
) -> Tensor:
    terms = []
    for i in range(len(photos)):
        if has_photo[i]:
            positive = torch.exp(cosine(photos[i], texts[i]) / tau)
            below = sum(torch.exp(cosine(photos[i], texts[j]) / tau) for j in range(len(texts)))
            if has_replaced[i]:
                below = below + torch.exp(cosine(photos[i], replaced[i]) / tau)
            terms.append(-torch.log(positive / below))
    return torch.stack(terms).mean()


def literal_personal(
    reviews: Tensor, texts: Tensor, histories: Tensor, has_review: Tensor, tau, alpha
) -> Tensor:
    terms = []
    for i in range(len(reviews)):
        if has_review[i]:
            positive = below = torch.exp(cosine(reviews[i], texts[i]) / tau)
            for j in range(len(texts)):
                if j != i:
                    empty = histories[i].norm() == 0 or histories[j].norm() == 0
                    alike = 0.0 if empty else cosine(histories[i], histories[j])
                    weight = alpha ** (1.0 - alike)
                    below = below + weight * torch.exp(cosine(reviews[i], texts[j]) / tau)
            terms.append(-torch.log(positive / below))
    return torch.stack(terms).mean()


def inputs(seed: int) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(
        torch.randn(B, E, generator=generator, dtype=torch.float64, requires_grad=True)
        for _ in range(3)
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("tau", [0.1, 1.0])
def test_the_cross_modal_loss_is_its_equation(seed: int, tau: float) -> None:
    ours, slow = inputs(seed), inputs(seed)
    has_photo = torch.tensor([True, False, True, True, True])
    has_replaced = torch.tensor([True, True, False, True, True])
    one = cross_modal_loss(*ours, has_photo, has_replaced, tau)
    two = literal_cross_modal(*slow, has_photo, has_replaced, tau)
    torch.testing.assert_close(one, two)
    for mine, theirs in zip(
        torch.autograd.grad(one, ours), torch.autograd.grad(two, slow), strict=True
    ):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("tau", "alpha"), [(0.1, 2.0), (1.0, 1.0), (0.5, 8.0)])
def test_the_personal_loss_is_its_equation(seed: int, tau: float, alpha: float) -> None:
    ours, slow = inputs(seed)[:2], inputs(seed)[:2]
    histories = torch.randn(B, D, dtype=torch.float64)
    histories[3] = 0.0
    has_review = torch.tensor([True, True, False, False, True])
    one = personal_loss(*ours, histories, has_review, tau, alpha)
    two = literal_personal(*slow, histories, has_review, tau, alpha)
    torch.testing.assert_close(one, two)
    for mine, theirs in zip(
        torch.autograd.grad(one, ours), torch.autograd.grad(two, slow), strict=True
    ):
        torch.testing.assert_close(mine, theirs)


def test_a_hand_computed_value() -> None:
    """Two orthogonal pairs at temperature 1, without hard negatives: log(1 + 1/e)."""
    unit = torch.eye(2)
    every, none = torch.tensor([True, True]), torch.tensor([False, False])
    loss = cross_modal_loss(unit, unit, unit, every, none, 1.0)
    assert loss.item() == pytest.approx(math.log(1 + math.exp(-1)), abs=1e-6)
    # Orthogonal histories with alpha = 3 make the one negative count three times.
    loss = personal_loss(unit, unit, unit, every, 1.0, 3.0)
    assert loss.item() == pytest.approx(math.log(1 + 3 * math.exp(-1)), abs=1e-6)


def test_like_minded_users_are_spared() -> None:
    reviews, texts = inputs(0)[:2]
    every = torch.ones(B, dtype=torch.bool)
    same, different = torch.ones(B, D), torch.eye(B, D)
    spared = personal_loss(reviews, texts, same, every, 0.5, 4.0)
    info_nce = personal_loss(reviews, texts, different, every, 0.5, 1.0)
    torch.testing.assert_close(spared, info_nce)
    assert personal_loss(reviews, texts, different, every, 0.5, 4.0) > spared


def test_no_photo_and_no_review_cost_nothing() -> None:
    photos, texts, replaced = inputs(1)
    none = torch.zeros(B, dtype=torch.bool)
    loss = cross_modal_loss(photos, texts, replaced, none, none, 0.1)
    loss = loss + personal_loss(photos, texts, torch.zeros(B, D), none, 0.1, 2.0)
    assert loss.item() == 0.0
    loss.backward()
    assert photos.grad is not None and not photos.grad.any()


def test_the_projection_is_two_layers_and_a_mean() -> None:
    torch.manual_seed(0)
    project = Projection(7, E)
    hidden = torch.randn(B, 3, 7)
    mask = torch.arange(3) < torch.tensor([3, 1, 2, 0, 3])[:, None]
    pooled = project(hidden, mask)
    first, _, second = project.layers
    for row in range(B):
        terms = [second(torch.relu(first(hidden[row, p]))) for p in range(3) if mask[row, p]]
        expected = torch.stack(terms).mean(dim=0) if terms else torch.zeros(E)
        torch.testing.assert_close(pooled[row], expected)


def test_what_is_masked_may_be_anything() -> None:
    values = torch.tensor([[[1.0], [float("nan")]], [[float("inf")], [float("nan")]]])
    mask = torch.tensor([[True, False], [False, False]])
    assert masked_mean(values, mask).tolist() == [[1.0], [0.0]]
