"""What every relevance model shares: its inputs and its interface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from recbole_showcase.data.batch import SelectionBatch


@dataclass(frozen=True)
class RelevanceInputs:
    """What a relevance model is built for.

    Attributes:
        photo_statistics: Mean and standard deviation (2, D) of training photos' CLIP features.
        review_statistics: Mean and standard deviation (2, D) of training reviews' CLIP features.
        user: Width of the recommender's user vectors, 0 if absent.
        item: Width of the recommender's item vectors, 0 if absent.
        known_users: Whether training has a sample of the user, boolean (n_users,) by internal id.
    """

    photo_statistics: Tensor
    review_statistics: Tensor
    user: int
    item: int
    known_users: Tensor


@dataclass(frozen=True)
class NoSettings:
    """Settings of a relevance model that has none."""


class RelevanceModel(nn.Module):
    """Says how well each photo of an item fits a user.

    A subclass names its settings in ``Settings``, a frozen dataclass whose fields are the keys of
    its YAML file; one that is trained names its losses in ``loss_names``.
    """

    part_kind: ClassVar[str] = "relevance"
    Settings: ClassVar[type]
    loss_names: tuple[str, ...] = ()

    def __init__(self, settings: Any, inputs: RelevanceInputs) -> None:
        super().__init__()
        self.settings = settings
        self.inputs = inputs

    def forward(self, batch: SelectionBatch, users: Tensor | None, items: Tensor | None) -> Tensor:
        """Relevance of the candidates (B, C), larger is better, comparable within a set.

        ``batch.posted`` is not looked at. Masked candidates get 0.

        Args:
            batch: Pairs with the photos to choose from and the user's profile.
            users: The recommender's user vectors (B, U), or None.
            items: The recommender's item vectors (B, I), or None.
        """
        raise NotImplementedError

    def losses(
        self,
        relevance: Tensor,
        batch: SelectionBatch,
        users: Tensor | None,
        items: Tensor | None,
    ) -> tuple[Tensor, ...]:
        """Losses of a batch, one scalar for each of ``loss_names``.

        Args:
            relevance: What ``forward`` returned for the batch (B, C).
            batch: Samples with the photos that the user posted.
            users: The recommender's user vectors (B, U), or None.
            items: The recommender's item vectors (B, I), or None.
        """
        return ()
