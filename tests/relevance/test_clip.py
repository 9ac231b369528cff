from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from recbole_showcase.relevance.clip import clip_relevance

NONE = (torch.zeros(1, 0, 2), torch.zeros(1, 0, dtype=torch.bool))


def unit(*degrees: float) -> torch.Tensor:
    """One set (1, N, 2) of unit vectors at the given angles."""
    radians = torch.tensor(degrees) * math.pi / 180
    return torch.stack([radians.cos(), radians.sin()], dim=-1).unsqueeze(0)


def ones(features: torch.Tensor) -> torch.Tensor:
    return torch.ones(features.shape[:2], dtype=torch.bool)


def both(photos: torch.Tensor, reviews: torch.Tensor, candidates: torch.Tensor, **switches: bool):
    return clip_relevance(
        candidates, ones(candidates), photos, ones(photos), reviews, ones(reviews), **switches
    )


def z(*values: float) -> torch.Tensor:
    array = np.array(values)
    return torch.tensor((array - array.mean()) / array.std(), dtype=torch.float32).unsqueeze(0)


CANDIDATES = unit(0, 60, 90)


def test_photo_part_is_the_standardised_cosine_to_the_mean_photo() -> None:
    # The mean of 30 and -30 degrees points to 0 degrees: cosines 1, 1/2, 0.
    relevance = both(unit(30, -30), NONE[0], CANDIDATES)
    torch.testing.assert_close(relevance, z(1, 0.5, 0))


def test_parts_are_standardised_before_they_are_averaged() -> None:
    # Towards 60 degrees the cosines are 1/2, 1, sqrt(3)/2.
    expected = (z(1, 0.5, 0) + z(0.5, 1, math.sqrt(3) / 2)) / 2
    torch.testing.assert_close(both(unit(0), unit(60), CANDIDATES), expected)


def test_switches_take_a_part_away() -> None:
    photos_only = both(unit(0), unit(60), CANDIDATES, use_reviews=False)
    reviews_only = both(unit(0), unit(60), CANDIDATES, use_photos=False)
    torch.testing.assert_close(photos_only, z(1, 0.5, 0))
    torch.testing.assert_close(reviews_only, z(0.5, 1, math.sqrt(3) / 2))


def test_a_missing_part_does_not_dilute_the_other() -> None:
    torch.testing.assert_close(both(NONE[0], unit(60), CANDIDATES), z(0.5, 1, math.sqrt(3) / 2))


@pytest.mark.parametrize("switched_off", [False, True])
def test_without_a_profile_the_typical_photo_is_most_relevant(switched_off: bool) -> None:
    history = unit(0) if switched_off else NONE[0]
    relevance = both(
        history, history, unit(0, 50, 60, 70, 180),
        use_photos=not switched_off, use_reviews=not switched_off,
    )  # fmt: skip
    centre = unit(0, 50, 60, 70, 180).mean(dim=1)
    expected = F.cosine_similarity(unit(0, 50, 60, 70, 180), centre.unsqueeze(1), dim=-1)
    torch.testing.assert_close(relevance, z(*expected[0].tolist()))
    assert relevance.argmax() == 2


@pytest.mark.parametrize("candidates", [unit(10), unit(10, 10, 10)])
def test_a_set_without_differences_is_all_zero(candidates: torch.Tensor) -> None:
    assert both(unit(30), unit(80), candidates).tolist() == [[0.0] * candidates.shape[1]]


def test_masked_rows_change_nothing_and_get_zero() -> None:
    torch.manual_seed(0)
    candidates, photos, reviews = (F.normalize(torch.randn(5, n, 6), dim=-1) for n in (7, 3, 4))
    masks = [torch.rand(5, n) > 0.4 for n in (7, 3, 4)]
    masks[0][0] = False  # an item without photos
    masks[1][1] = masks[2][1] = False  # a user without history
    clean = clip_relevance(candidates, masks[0], photos, masks[1], reviews, masks[2])
    for features, mask in zip((candidates, photos, reviews), masks, strict=True):
        features[~mask] = torch.nan
    dirty = clip_relevance(candidates, masks[0], photos, masks[1], reviews, masks[2])
    torch.testing.assert_close(clean, dirty, rtol=0, atol=0)
    assert dirty[~masks[0]].eq(0).all()
    assert dirty.isfinite().all()


def test_a_batch_equals_its_rows_one_by_one_without_padding() -> None:
    torch.manual_seed(1)
    tensors = [F.normalize(torch.randn(6, n, 5), dim=-1) for n in (8, 3, 2)]
    masks = [torch.rand(6, n) > 0.5 for n in (8, 3, 2)]
    batch = clip_relevance(tensors[0], masks[0], tensors[1], masks[1], tensors[2], masks[2])
    for row in range(6):
        parts = [t[row][m[row]].unsqueeze(0) for t, m in zip(tensors, masks, strict=True)]
        single = clip_relevance(
            parts[0], ones(parts[0]), parts[1], ones(parts[1]), parts[2], ones(parts[2])
        )
        torch.testing.assert_close(batch[row][masks[0][row]], single[0], rtol=1e-4, atol=1e-5)


def test_half_precision_features_give_float32_relevance() -> None:
    torch.manual_seed(2)
    candidates, photos, reviews = (F.normalize(torch.randn(4, n, 64), dim=-1) for n in (9, 3, 2))
    half = both(photos.half(), reviews.half(), candidates.half())
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, both(photos, reviews, candidates), rtol=0, atol=0.02)
