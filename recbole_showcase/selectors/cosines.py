"""Cosines between the photos of a set, of chosen photos or of all."""

from __future__ import annotations

import torch
from torch import Tensor

# Cosines this near are equal: their rounding in the type of the features.
TIES = {torch.float32: 1e-6, torch.float64: 1e-9}


class Cosines:
    """Cosines within each set of a batch, without a copy of the features.

    Attributes:
        exists: Which photos have a direction, features other than zeros (B, C).
    """

    def __init__(self, features: Tensor) -> None:
        """Measure the lengths.

        Args:
            features: float32 or float64, shape (B, C, D).
        """
        length = torch.linalg.vector_norm(features, dim=-1)  # (B, C)
        self.exists = length > 0
        self._features = features
        self._rows = torch.arange(len(features), device=features.device)
        self._inverse = 1.0 / length.double().clamp(min=torch.finfo(features.dtype).tiny)

    def to(self, photo: Tensor) -> Tensor:
        """Cosines (B, C), float64, of all photos of a set with one of them (B,).

        They are summed in the features' own type, which halves what has to be read.
        """
        # One row times a transposed matrix: far faster in batch than a matrix times a column.
        products = torch.bmm(self._features[self._rows, photo].unsqueeze(1), self._features.mT)
        scale = self._inverse * self._inverse[self._rows, photo].unsqueeze(1)
        return products.squeeze(1) * scale


def gram(features: Tensor, mask: Tensor, own_share: float) -> Tensor:
    """Cosines (B, C, C) of all pairs, float64, with a share of each photo that is its own.

    The share, added as a multiple of the identity, keeps the matrix of copies invertible. Rows and
    columns of masked photos are 0.

    Args:
        features: Shape (B, C, D); what is masked may hold anything.
        mask: True for real photos, shape (B, C).
        own_share: Between 0 and 1.
    """
    real = features.double().masked_fill(~mask.unsqueeze(-1), 0.0)
    unit = torch.nn.functional.normalize(real, dim=-1)
    own = torch.diag_embed(mask.double())
    return (1.0 - own_share) * torch.bmm(unit, unit.mT) + own_share * own
