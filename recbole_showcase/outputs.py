"""What a composed model gives for pairs, and what the explanation metrics read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


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

    @classmethod
    def concatenate(cls, parts: Sequence[ShowcaseOutputs], k: int) -> ShowcaseOutputs:
        """The outputs of several batches as one; of none, outputs for no pair."""
        return cls(
            np.concatenate([np.empty((0, k), np.int64), *(part.photos for part in parts)]),
            np.concatenate([np.empty((0, k), np.float32), *(part.relevance for part in parts)]),
            [text for part in parts for text in part.texts],
        )


@dataclass(frozen=True)
class EvaluationOutputs:
    """Outputs beside what is true, for N held-out rows.

    RecBole moves what its collector holds to the CPU and copies it; these stay as they are.

    Attributes:
        outputs: What the model gave.
        relevant: Photos that the user posted with the row (N, R), -1 for none.
        photo_features: CLIP features of the chosen photos (N, k, D).
        references: The true texts.
        sentence_features: CLIP features (S, D) of the sentences of the written texts, where a
            metric asks for them.
        sentence_owners: The text of each sentence (S,).
        sentence_confidences: How surely each sentence describes each chosen photo of its row
            (S, k), where a metric asks for it.
    """

    outputs: ShowcaseOutputs
    relevant: np.ndarray
    photo_features: np.ndarray
    references: list[str]
    sentence_features: np.ndarray
    sentence_owners: np.ndarray
    sentence_confidences: np.ndarray

    def cpu(self) -> EvaluationOutputs:
        """These outputs."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> EvaluationOutputs:
        return self
