"""What scores how well a sentence describes a photo, by their features.

A :class:`Scorer` is either a trained classifier (``classifier.py``) or, where there are no
labels, the cosine in the encoder's own space, seen against mismatched pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from recbole_showcase.errors import DataError


class Scorer(Protocol):
    """Says how well sentences describe photos."""

    @property
    def threshold(self) -> float:
        """The confidence from which a sentence counts as describing, unless one is named."""
        ...

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest confidence there can be; a threshold beyond is a mistake."""
        ...

    @property
    def title(self) -> str:
        """What it is, in one line for people."""
        ...

    def confidence(self, sentences: np.ndarray, photos: np.ndarray) -> np.ndarray:
        """Score P pairs.

        Args:
            sentences: Features (P, D), of length one.
            photos: Features (P, D), of length one, of the same encoder.

        Returns:
            (P,) float32; larger where the sentence describes the photo better.
        """
        ...


@dataclass(frozen=True)
class SimilarityScorer:
    """How far a cosine lies above what mismatched pairs of the same data set have.

    CLIP's cosines live in a narrow band whose place depends on encoder and data, so no fixed
    cosine is a sensible threshold. The confidence is a z-score instead: the cosine less the mean
    of mismatched pairs, over their standard deviation. A :class:`Scorer`.

    Attributes:
        mean: Mean cosine of mismatched pairs.
        spread: Their standard deviation.
        pairs: How many pairs these two were taken over.
        threshold: The z-score from which a sentence counts as describing a photo.
    """

    mean: float
    spread: float
    pairs: int
    threshold: float = 2.0

    @classmethod
    def fit(cls, sentences: np.ndarray, photos: np.ndarray) -> SimilarityScorer:
        """Take mean and spread over mismatched pairs.

        Args:
            sentences: Features (P, D), of length one.
            photos: Features (P, D), of length one; each of another review than its sentence.

        Raises:
            DataError: There are fewer than two pairs, or all cosines are the same.
        """
        cosine = _cosine(sentences, photos)
        spread = float(cosine.std()) if len(cosine) else 0.0
        if not spread > 0:
            raise DataError(
                f"the cosines of {len(cosine)} mismatched pairs have no spread, so there is no "
                "threshold to take from them; two or more reviews with different sentences and "
                "photos are needed, or a classifier"
            )
        return cls(float(cosine.mean()), spread, len(cosine))

    @property
    def bounds(self) -> tuple[float, float]:
        """The z-scores of the cosines -1 and 1."""
        return (-1.0 - self.mean) / self.spread, (1.0 - self.mean) / self.spread

    @property
    def title(self) -> str:
        """What it is, in one line."""
        return (
            f"no labels: z-score of the cosine against {self.pairs:,} mismatched pairs "
            f"(mean {self.mean:.3f}, standard deviation {self.spread:.3f})"
        )

    def confidence(self, sentences: np.ndarray, photos: np.ndarray) -> np.ndarray:
        """The z-score (P,) of the cosines of sentences (P, D) and photos (P, D), float32."""
        z = (_cosine(sentences, photos) - self.mean) / self.spread
        return z.astype(np.float32)


def _cosine(sentences: np.ndarray, photos: np.ndarray) -> np.ndarray:
    """Cosines (P,) of vectors of length one."""
    return np.einsum("pd,pd->p", sentences, photos)
