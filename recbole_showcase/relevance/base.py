"""What every relevance model shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from recbole_showcase.data.batch import SelectionBatch
from recbole_showcase.data.inputs import NoSettings, PartInputs


@dataclass(frozen=True)
class RelevanceInputs(PartInputs):
    """What a relevance model is built for.

    Attributes:
        profile_cosines: Of training candidates with past photos and with past reviews, features
            centred: rows of the two kinds, columns of mean and standard deviation (2, 2).
        selection_rows: The number of training rows that photo selection learns from.
    """

    profile_cosines: Tensor
    selection_rows: int


class RelevanceModel(nn.Module):
    """Says how well each photo of an item fits a user.

    A subclass names its settings in ``Settings``, a frozen dataclass whose fields are the keys of
    its YAML file; one that is trained names its losses in ``loss_names``.

    Attributes:
        taste_quantile: Which quantile of what a user's own photos have in common the training
            batches tell (``SelectionBatch.taste_cosine``); None where nothing of it is read.
    """

    part_kind: ClassVar[str] = "relevance"
    Settings: ClassVar[type] = NoSettings
    loss_names: tuple[str, ...] = ()
    taste_quantile: float | None = None

    def __init__(self, settings: Any, inputs: RelevanceInputs) -> None:
        super().__init__()
        self.settings = settings
        self.inputs = inputs

    def forward(
        self, batch: SelectionBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> Tensor:
        """Relevance of the candidates (B, C), larger is better, comparable within a set.

        ``batch.posted`` is not looked at. Masked candidates get 0.

        Args:
            batch: Pairs with the photos to choose from and the user's profile.
            user_vectors: The recommender's user vectors (B, U); None if it has none.
            item_vectors: The recommender's item vectors (B, I); None if it has none.
        """
        raise NotImplementedError

    def losses(
        self,
        relevance: Tensor,
        batch: SelectionBatch,
        user_vectors: Tensor | None,
        item_vectors: Tensor | None,
    ) -> tuple[Tensor, ...]:
        """Losses of a batch, one scalar for each of ``loss_names``.

        Args:
            relevance: What ``forward`` returned for the batch (B, C).
            batch: Samples with the photos that the user posted.
            user_vectors: The recommender's user vectors (B, U); None if it has none.
            item_vectors: The recommender's item vectors (B, I); None if it has none.
        """
        return ()
