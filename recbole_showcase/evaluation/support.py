"""What is known of items by the features of a lexicon: from training reviews and from photos."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from recbole_showcase.data.corpus import TRAIN
from recbole_showcase.data.explanation import ExplanationData
from recbole_showcase.errors import DataError
from recbole_showcase.metrics import feature_mentions, mine_lexicon, photo_support
from recbole_showcase.text.sampling import LEXICON_TEXTS, evenly


def mined_lexicon(data: ExplanationData, size: int) -> list[str]:
    """The features that most training texts name, of very many an even sample.

    Args:
        data: Reviews and photos.
        size: The most features.

    Raises:
        DataError: If there is none to mine.
    """
    corpus = data.corpus
    rows = np.flatnonzero((corpus.interactions.splits == TRAIN) & corpus.has_text)
    texts = corpus.targets[evenly(rows, LEXICON_TEXTS)]
    lexicon = mine_lexicon(list(texts), size=size)
    if not lexicon:
        raise DataError(
            f"no feature to mine from {len(texts)} training texts: none is in two of them; "
            "name a file of features, one a line, in the setting 'showcase_lexicon'"
        )
    return lexicon


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
