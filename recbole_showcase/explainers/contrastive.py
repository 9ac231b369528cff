"""PC²L, the contrastive losses of the ``showcase`` explainer, of "Personalized Showcases".

Yan, He, Li, Zhang, McAuley: "Personalized Showcases: Generating Multi-Modal Explanations for
Recommendations", SIGIR 2023, arXiv 2207.00422. All losses compare pooled and projected hidden
states by ``s_ij = cos(x_i, y_j) / temperature``.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recbole_showcase.errors import SettingsError
from recbole_showcase.explainers.base import masked_mean
from recbole_showcase.precision import whole, whole_precision


@dataclass(frozen=True)
class ContrastSettings:
    """Settings of the contrastive losses; the YAML file explains them."""

    explainer_cross_modal_weight: float = 0.1
    explainer_personal_weight: float = 0.05
    explainer_contrast_temperature: float = 0.1
    explainer_contrast_alpha: float = 2.0
    explainer_contrast_size: int = 128

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name, least in (("cross_modal_weight", 0.0), ("personal_weight", 0.0),
                            ("contrast_alpha", 1.0), ("contrast_size", 1)):  # fmt: skip
            value = getattr(self, f"explainer_{name}")
            if value < least:
                raise SettingsError(f"explainer_{name} is {value}; allowed: {least} or more")
        if self.explainer_contrast_temperature <= 0:
            raise SettingsError(
                f"explainer_contrast_temperature is {self.explainer_contrast_temperature}; "
                "allowed: above 0"
            )


class Projection(nn.Module):
    """phi: two linear layers with ReLU between, and the mean over positions."""

    def __init__(self, input_size: int, size: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(input_size, size), nn.ReLU(), nn.Linear(size, size))

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Project and pool.

        Args:
            hidden: Hidden states (B, S, H).
            mask: Which of them are there (B, S).

        Returns:
            (B, E), zeros in rows without any position.
        """
        return masked_mean(self.layers(hidden), mask)


def cross_modal_loss(
    photos: Tensor,
    texts: Tensor,
    replaced: Tensor,
    has_photo: Tensor,
    has_replaced: Tensor,
    temperature: float,
) -> Tensor:
    """L_CCL: each photo set against the texts of the batch and its own with other entities.

    With v_i = ``photos[i]``, y_j = ``texts[j]`` and e_i = ``replaced[i]``::

        - mean_i log( exp s(v_i, y_i) / ( sum_j exp s(v_i, y_j) + exp s(v_i, e_i) ) )

    over the rows with a photo. A row whose text names no entity has no hard negative.

    Args:
        photos: Projected photos (B, E).
        texts: Projected texts (B, E).
        replaced: Projected texts with other entities (B, E).
        has_photo: Rows with a photo (B,), bool.
        has_replaced: Rows whose text names an entity (B,), bool.
        temperature: Above 0.

    Returns:
        A scalar; zero where no row has a photo.
    """
    in_batch = _similarity(photos, texts, temperature)  # (B, B)
    own = F.cosine_similarity(whole(photos), whole(replaced), dim=-1) / temperature  # (B,)
    hard = own.masked_fill(~has_replaced, -torch.inf).unsqueeze(1)
    logits = torch.cat([in_batch, hard], dim=1)  # (B, B + 1)
    return _mean_of_rows(logits.logsumexp(dim=1) - in_batch.diagonal(), has_photo)


def personal_loss(
    reviews: Tensor,
    texts: Tensor,
    histories: Tensor,
    has_review: Tensor,
    temperature: float,
    alpha: float,
) -> Tensor:
    """L_PCL: each user's past reviews against the texts of the batch, like-minded ones spared.

    With r_i = ``reviews[i]``, y_j = ``texts[j]`` and f(i, j) = alpha^(1 - cos(R_i, R_j))::

        - mean_i log( exp s(r_i, y_i) / ( exp s(r_i, y_i) + sum_{j != i} f(i, j) exp s(r_i, y_j) ) )

    over the rows with a past review. The more two histories R differ, the more the text of one
    counts as a negative of the other; no history is at a right angle to all.

    Args:
        reviews: Projected past reviews (B, E).
        texts: Projected texts (B, E).
        histories: Mean feature of each user's past reviews (B, D), zeros where a row has none.
        has_review: Rows with a past review (B,), bool.
        temperature: Above 0.
        alpha: At least 1; 1 makes this InfoNCE.

    Returns:
        A scalar; zero where no row has a past review.
    """
    logits = _similarity(reviews, texts, temperature)  # (B, B)
    difference = 1.0 - _similarity(histories, histories, 1.0)
    # log f joins the exponent. A text is no negative of its own user's reviews: f(i, i) = 1.
    weight = (difference * torch.tensor(alpha).log()).fill_diagonal_(0.0)
    weighted = (logits + weight).logsumexp(dim=1)
    return _mean_of_rows(weighted - logits.diagonal(), has_review)


def _similarity(left: Tensor, right: Tensor, temperature: float) -> Tensor:
    """Cosine of every pair (B, B) over the temperature; 0 for zeros."""
    with whole_precision(left.device):
        left, right = (F.normalize(whole(part), dim=-1) for part in (left, right))
        return left @ right.T / temperature


def _mean_of_rows(losses: Tensor, counted: Tensor) -> Tensor:
    """Mean of the losses (B,) that count, zero if no row does."""
    return losses.masked_fill(~counted, 0.0).sum() / counted.sum().clamp(min=1)
