"""What is known of items by the features of a lexicon: from training reviews and from photos."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from recbole_showcase.data.corpus import TRAIN
from recbole_showcase.data.explanation import ExplanationData
from recbole_showcase.metrics import feature_mentions, photo_support


def supported_features(
    data: ExplanationData,
    items: np.ndarray,
    lexicon: list[str],
    encode: Callable[[list[str]], np.ndarray],
    threshold: float,
) -> np.ndarray:
    """Which features a training review of an item names, or one of its photos shows.

    Args:
        data: Reviews and photos.
        items: Internal item ids (N,).
        lexicon: F features.
        encode: From phrases to their CLIP features (F, D), in the space of the photos'.
        threshold: The least cosine at which a photo shows a feature.

    Returns:
        Whether a feature is supported (N, F).
    """
    known, place = np.unique(items, return_inverse=True)
    supported = _named_in_reviews(data, known, lexicon)
    photos = np.flatnonzero(np.isin(data.photos.items, known))
    supported |= photo_support(
        encode(lexicon),
        data.photos.features[photos],
        np.searchsorted(known, data.photos.items[photos]),
        len(known),
        threshold,
    )
    return supported[place]


def _named_in_reviews(data: ExplanationData, items: np.ndarray, lexicon: list[str]) -> np.ndarray:
    """Which features training reviews of the items name (I, F); the items are in order."""
    inter = data.corpus.interactions
    rows = np.flatnonzero((inter.splits == TRAIN) & np.isin(inter.items, items))
    review, feature = feature_mentions(list(data.corpus.texts[rows]), lexicon).nonzero()
    named = np.zeros((len(items), len(lexicon)), dtype=bool)
    named[np.searchsorted(items, inter.items[rows])[review], feature] = True
    return named
