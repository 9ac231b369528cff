"""Texts over few words, so that n-grams match and whole texts repeat."""

from __future__ import annotations

import numpy as np

WORDS = ["the", "a", "soup", "noodles", "was", "Good", "good", "very", "and", ".", ",", "spicy"]


def draw(seed: int, pairs: int = 30, shortest: int = 0) -> tuple[list[str], list[str]]:
    """Generated and true texts; some are equal, and the fourth generated one is empty or short."""
    rng = np.random.default_rng(seed)
    hypotheses = [
        " ".join(rng.choice(WORDS, size=rng.integers(shortest, 15))) for _ in range(pairs)
    ]
    references = [" ".join(rng.choice(WORDS, size=rng.integers(1, 15))) for _ in range(pairs)]
    references[:3] = hypotheses[3:6] = ["the soup was very good and spicy ."] * 3
    hypotheses[0] = "the soup was very good ."
    hypotheses[7] = " ".join(["noodles"] * shortest)
    return hypotheses, references
