"""How like past profiles the photos to choose from are, over the training split."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from recbole_showcase.data.explanation import ExplanationData
from recbole_showcase.text.sampling import evenly

# Training rows that are looked at, at most: a row has hundreds of cosines.
SAMPLE = 1024
_CHUNK = 32  # rows at once, for memory
_MIN_SPREAD = 1e-6  # a spread below this is rounding


def profile_cosines(data: ExplanationData) -> np.ndarray:
    """Mean and standard deviation of candidates' cosines with past photos and past reviews.

    Candidates and profiles are those that photo selection learns from, so nothing held out is
    seen. Features are centred by the training split first; what is added to all of them or
    multiplies them changes nothing. Of more than ``SAMPLE`` rows, an even sample is looked at.

    Args:
        data: The data; its ``selection_rows`` are looked at.

    Returns:
        Rows of past photos and of past reviews, columns of mean and standard deviation (2, 2),
        float32. A kind without cosines, or whose cosines are all equal, has the values of random
        directions in D dimensions: 0 and 1 / sqrt(D).
    """
    rows = evenly(data.selection_rows, SAMPLE)
    random = np.random.default_rng(0)
    means = [torch.from_numpy(of()[0]) for of in (data.photo_statistics, data.review_statistics)]
    sums = torch.zeros(2, 3, dtype=torch.float64)  # of ones, cosines and their squares
    for start in range(0, len(rows), _CHUNK):
        batch = data.training_selection(rows[start : start + _CHUNK], random)
        photos = _centred(batch.candidate_features, means[0])  # (B, C, D)
        profile = (
            (batch.history_photo_features, batch.history_photo_mask),
            (batch.review_features, batch.review_mask),
        )
        for kind, (features, there) in enumerate(profile):
            cosines = torch.bmm(photos, _centred(features, means[kind]).mT)  # (B, C, N)
            real = cosines[batch.candidate_mask.unsqueeze(2) & there.unsqueeze(1)].double()
            sums[kind] += torch.stack([torch.ones_like(real), real, real.square()]).sum(dim=1)
    count = sums[:, 0].clamp(min=1.0)
    mean = sums[:, 1] / count
    spread = (sums[:, 2] / count - mean.square()).clamp(min=0.0).sqrt()
    found = torch.stack([mean, spread], dim=1).float()  # (2, 2)
    unrelated = torch.tensor([0.0, data.feature_dim**-0.5])
    return torch.where(spread.unsqueeze(1) > _MIN_SPREAD, found, unrelated).numpy()


def _centred(features: Tensor, mean: Tensor) -> Tensor:
    """Unit vectors (B, N, D) of what differs from the mean (D,)."""
    return F.normalize(features.float() - mean, dim=-1)
