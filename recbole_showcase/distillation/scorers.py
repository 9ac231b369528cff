"""What scores how well a sentence describes a photo, by their features.

A :class:`Scorer` is either a trained classifier (``classifier.py``) or, where there are no
labels, the cosine in the encoder's own space (``similarity.py``).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Scorer(Protocol):
    """Says how well sentences describe photos."""

    @property
    def threshold(self) -> float:
        """The confidence from which a sentence counts as describing, unless one is named."""
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
