"""What an explainer and a selector read at once: padded tensors with masks."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Tensors that move together."""

    def to(self, device: torch.device | str) -> Self:
        """The batch on a device."""
        moved = {part.name: getattr(self, part.name).to(device) for part in fields(self)}
        return replace(self, **moved)

    def __len__(self) -> int:
        """The number of pairs, B."""
        return len(getattr(self, fields(self)[0].name))


@dataclass(frozen=True)
class ExplanationBatch(Batch):
    """(user, item) pairs with the photos and the past reviews to write from.

    Attributes:
        users, items: Internal ids (B,).
        photo_features: CLIP features of the photos (B, P, D).
        photo_mask: Which of them are there (B, P).
        review_features: CLIP features of the user's past reviews (B, R, D), latest first.
        review_mask: Which of them are there (B, R).
        tokens: Ids of the target text with its start and end (B, T); T is 0 where there is none.
        token_mask: Which of them are there (B, T).
        times: The profile ends before this (B,), as in ``Pairs``; of length 0 where not needed.
        rows: The row to explain (B,), as in ``Pairs``; of length 0 where not needed.
    """

    users: Tensor
    items: Tensor
    photo_features: Tensor
    photo_mask: Tensor
    review_features: Tensor
    review_mask: Tensor
    tokens: Tensor
    token_mask: Tensor
    times: Tensor = field(default_factory=lambda: torch.empty(0))
    rows: Tensor = field(default_factory=lambda: torch.empty(0))


@dataclass(frozen=True)
class SelectionBatch(Batch):
    """(user, item) pairs with the photos to choose from and the user's profile.

    Attributes:
        users, items: Internal ids (B,).
        candidates: Positions in the photo table (B, C), -1 for none.
        candidate_features: Their CLIP features (B, C, D).
        candidate_mask: Which of them are there (B, C).
        history_photo_features: CLIP features of photos the user posted (B, H, D).
        history_photo_mask: Which of them are there (B, H).
        review_features: CLIP features of the user's past reviews (B, R, D), latest first.
        review_mask: Which of them are there (B, R).
    """

    users: Tensor
    items: Tensor
    candidates: Tensor
    candidate_features: Tensor
    candidate_mask: Tensor
    history_photo_features: Tensor
    history_photo_mask: Tensor
    review_features: Tensor
    review_mask: Tensor
