"""What parts that learn are built for, and how they read CLIP features."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class PartInputs:
    """What a part is built for.

    Attributes:
        photo_statistics: Mean and standard deviation (2, D) of training photos' CLIP features.
        review_statistics: Mean and standard deviation (2, D) of training reviews' CLIP features.
        user: Width of the recommender's user vectors, 0 if it has none.
        item: Width of the recommender's item vectors, 0 if it has none.
        known_users: Users that have a training sample of the part (n_users,), bool; others are
            cold.
    """

    photo_statistics: Tensor
    review_statistics: Tensor
    user: int
    item: int
    known_users: Tensor


@dataclass(frozen=True)
class NoSettings:
    """Settings of a part that has none."""


class Standardise(nn.Module):
    """CLIP features with the mean and spread of the training split taken out.

    CLIP features of one modality lie in a narrow cone: what they share is much larger than what
    tells them apart, and a projection that is trained on few samples sees little else. A dimension
    without spread is not scaled.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, statistics: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", statistics[0].clone())
        # Of a single sample the spread is 0: there is nothing to scale by.
        spread = statistics[1].masked_fill(statistics[1] < 1e-6, 1.0)
        self.register_buffer("scale", 1.0 / spread)

    def forward(self, features: Tensor) -> Tensor:
        """Features (..., D), standardised in each dimension."""
        return (features - self.mean) * self.scale
