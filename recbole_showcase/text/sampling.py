"""How many texts are read to learn words from.

A vocabulary is no count: of millions of texts some thousands, spread evenly, have the words that
matter. Data sets up to these sizes are read whole.
"""

from __future__ import annotations

import numpy as np

TOKENIZER_TEXTS = 50_000
ENTITY_TEXTS = 10_000
LEXICON_TEXTS = 100_000


def evenly(values: np.ndarray, most: int) -> np.ndarray:
    """Values at even steps, all of them where there are no more than asked for.

    Args:
        values: Shape (N, ...).
        most: The most values, at least 1.
    """
    return values[:: -(-len(values) // most) or 1]
