"""What every explainer shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.text.tokenizer import TextTokenizer


@dataclass(frozen=True)
class ExplainerInputs:
    """What an explainer is built for.

    Attributes:
        photo_statistics: Mean and standard deviation (2, D) of training photos' CLIP features.
        review_statistics: Mean and standard deviation (2, D) of training reviews' CLIP features.
        user: Width of the recommender's user vectors, 0 if absent.
        item: Width of the recommender's item vectors, 0 if absent.
        known_users: Users that have a training sample (n_users,), bool; others are cold.
        known_items: Items that have one (n_items,), bool.
        max_tokens: The most tokens of a text, its start and end not counted.
    """

    photo_statistics: Tensor
    review_statistics: Tensor
    user: int
    item: int
    known_users: Tensor
    known_items: Tensor
    max_tokens: int


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


class Explainer(nn.Module):
    """Learns to write the text of a showcase.

    A subclass names its settings in ``Settings``, a frozen dataclass whose fields are the keys of
    its YAML file, and its losses in ``loss_names``.
    """

    part_kind: ClassVar[str] = "explainer"
    Settings: ClassVar[type]
    loss_names: ClassVar[tuple[str, ...]]

    def __init__(self, settings: Any, inputs: ExplainerInputs, tokenizer: TextTokenizer) -> None:
        super().__init__()
        self.settings = settings
        self.inputs = inputs
        self.tokenizer = tokenizer

    @property
    def reads(self) -> frozenset[str]:
        """What batches must hold beside the rest.

        Any of ``replaced`` (the target with other entities), ``user_reviews`` and
        ``item_reviews`` (the words of past reviews).
        """
        return frozenset()

    def begin_epoch(self, epoch: int) -> None:
        """Called before an epoch of training, counted from 0; for training in stages."""

    def forward(
        self, batch: ExplanationBatch, users: Tensor | None, items: Tensor | None
    ) -> tuple[Tensor, ...]:
        """Losses of a batch, one scalar for each of ``loss_names``.

        Args:
            batch: Samples with target tokens.
            users: The recommender's user vectors (B, U), or None.
            items: The recommender's item vectors (B, I), or None.
        """
        raise NotImplementedError

    def generate(
        self, batch: ExplanationBatch, users: Tensor | None, items: Tensor | None
    ) -> list[str]:
        """Texts for the pairs of a batch, without looking at its tokens."""
        raise NotImplementedError
