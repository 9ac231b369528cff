"""What is known of items by the features of a lexicon: from training reviews and from photos."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

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
    supported = named_in_reviews(data, "items", known, lexicon)
    photos = np.flatnonzero(np.isin(data.photos.items, known))
    supported |= photo_support(
        encode(lexicon),
        data.photos.features[photos],
        np.searchsorted(known, data.photos.items[photos]),
        len(known),
        threshold,
    )
    return supported[place]


def named_in_reviews(
    data: ExplanationData, side: Literal["users", "items"], ids: np.ndarray, lexicon: list[str]
) -> np.ndarray:
    """Which features training reviews of some users, or items, name.

    Args:
        data: Reviews and photos.
        side: Whose ids they are.
        ids: Internal ids (N,).
        lexicon: F features.

    Returns:
        Whether a feature is named (N, F).
    """
    inter = data.corpus.interactions
    known, place = np.unique(ids, return_inverse=True)
    owners = getattr(inter, side)
    rows = np.flatnonzero((inter.splits == TRAIN) & np.isin(owners, known))
    review, feature = feature_mentions(list(data.corpus.texts[rows]), lexicon).nonzero()
    named = np.zeros((len(known), len(lexicon)), dtype=bool)
    named[np.searchsorted(known, owners[rows])[review], feature] = True
    return named[place]
