"""What a composed model gives for pairs, and what the explanation metrics read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from recbole_showcase.metrics import feature_mentions


@dataclass(frozen=True)
class ShowcaseOutputs:
    """Chosen photos and written texts of N pairs.

    Attributes:
        photos: Positions in the photo table (N, k), best first, -1 for none.
        relevance: Their relevance to the user (N, k), NaN for none.
        texts: N texts.
    """

    photos: np.ndarray
    relevance: np.ndarray
    texts: list[str]

    def __getitem__(self, index: np.ndarray) -> ShowcaseOutputs:
        """The outputs of some pairs, in the order of the index."""
        texts = [self.texts[place] for place in index]
        return ShowcaseOutputs(self.photos[index], self.relevance[index], texts)

    @classmethod
    def concatenate(cls, parts: Sequence[ShowcaseOutputs], k: int) -> ShowcaseOutputs:
        """The outputs of several batches as one; of none, outputs for no pair."""
        if not parts:
            return cls(np.empty((0, k), np.int64), np.empty((0, k), np.float32), [])
        return cls(
            np.concatenate([part.photos for part in parts]),
            np.concatenate([part.relevance for part in parts]),
            [text for part in parts for text in part.texts],
        )


@dataclass(frozen=True)
class Swap:
    """Texts of N pairs, written again after something they are written from was swapped.

    Attributes:
        texts: N texts.
        swapped: Whether the swap changed anything for a pair (N,).
    """

    texts: list[str]
    swapped: np.ndarray


@dataclass(frozen=True)
class EvaluationOutputs:
    """Outputs beside what is true, for N held-out rows.

    RecBole moves what its collector holds to the CPU and copies it; these stay as they are. What
    no metric asks for is empty.

    Attributes:
        outputs: What the model gave.
        users, items: Internal ids (N,).
        relevant: Photos that the user posted with the row (N, R), -1 for none.
        photo_features: CLIP features of the chosen photos (N, k, D).
        references: The true texts.
        sentence_features: CLIP features (S, D) of the sentences of the written texts.
        sentence_owners: The text of each sentence (S,).
        sentence_confidences: How surely each sentence describes each chosen photo of its row
            (S, k), where a metric asks for it.
        ranks: Place of the item in the user's recommendations from 1, 0 if it is not there (N,).
        scores: The recommender's score of the pair, NaN if it did not score it (N,).
        lexicon: F features.
        supported: Features that training reviews or photos of the item support (N, F).
        photo_swap: Texts from the photos of another pair.
        user_swap: Texts from the past and the vector of another user.
        from_own_photos: Texts from photos that the user posted with the row, as in training.
    """

    outputs: ShowcaseOutputs
    users: np.ndarray
    items: np.ndarray
    relevant: np.ndarray
    photo_features: np.ndarray
    references: list[str]
    sentence_features: np.ndarray
    sentence_owners: np.ndarray
    sentence_confidences: np.ndarray
    ranks: np.ndarray
    scores: np.ndarray
    lexicon: list[str]
    supported: np.ndarray
    photo_swap: Swap
    user_swap: Swap
    from_own_photos: list[str]

    @cached_property
    def said(self) -> Any:
        """Features that the written texts name, sparse (N, F)."""
        return feature_mentions(self.outputs.texts, self.lexicon)

    @cached_property
    def true(self) -> Any:
        """Features that the true texts name, sparse (N, F)."""
        return feature_mentions(self.references, self.lexicon)

    def cpu(self) -> EvaluationOutputs:
        """These outputs."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> EvaluationOutputs:
        return self
