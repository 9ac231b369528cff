"""What a text rests on: does it follow its photos and its user, and is what it names there?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recbole_showcase.errors import DataError
from recbole_showcase.metrics._checks import check_same_length, check_texts, mean, share
from recbole_showcase.metrics.features import Mentions, row_sums, same_shape
from recbole_showcase.metrics.images import unit_rows
from recbole_showcase.metrics.rouge import rouge_values
from recbole_showcase.metrics.words import words

# Photos whose cosines are held at a time: 8,192 x 1,000 features x float32 are 33 MB.
_CHUNK = 8192


def text_change(
    texts: Sequence[str], changed: Sequence[str], swapped: ArrayLike | None = None
) -> float:
    """How much texts change when what they are written from is swapped, averaged over pairs.

    An intervention: write each text again with the photos, or the past, of another pair, all else
    the same. A text that stays the same did not follow them. The change of a pair is 1 minus the
    F-measure of the longest common subsequence of the words of both texts.

    Args:
        texts: Texts as written.
        changed: Texts written after the swap, in the same order.
        swapped: False for pairs that the swap left as they were (N,); all were swapped by default.

    Returns:
        From 0, the same texts, to 1, no word in common, over swapped pairs; NaN if there are none.

    Raises:
        DataError: The lengths differ, or a single text was given instead of a list.

    >>> text_change(["the soup was hot", "good"], ["the pizza was hot", "good"])
    0.125
    """
    return mean(text_change_values(texts, changed, swapped))


def text_change_values(
    texts: Sequence[str], changed: Sequence[str], swapped: ArrayLike | None = None
) -> NDArray[np.float64]:
    """:func:`text_change` of each pair (N,), NaN where nothing was swapped."""
    check_texts(texts=texts, changed=changed)
    moved = np.ones(len(texts), bool) if swapped is None else np.asarray(swapped, dtype=bool)
    check_same_length(texts=texts, swapped=moved)
    from rapidfuzz.distance.Indel import normalized_distance

    pairs = zip(texts, changed, strict=True)
    values = [normalized_distance(words(first), words(second)) for first, second in pairs]
    return np.where(moved, np.array(values, dtype=np.float64), np.nan)


def text_gap(texts: Sequence[str], from_given: Sequence[str], references: Sequence[str]) -> float:
    """What texts lose because they are written from what was chosen, not from what was given.

    An explainer learns from the photos that a user posted and writes from those that a selector
    chose: ROUGE-L of the texts written from the former minus that of the latter.

    Args:
        texts: Texts written from a choice.
        from_given: Texts of the same pairs, written from what training would give.
        references: True texts, in the same order.

    Returns:
        Between -100 and 100; NaN if there is no pair.

    Raises:
        DataError: The lengths differ, or a single text was given instead of a list.

    >>> round(text_gap(["good hot pizza"], ["good hot soup"], ["good hot soup"]), 2)
    33.33
    """
    return mean(text_gap_values(texts, from_given, references))


def text_gap_values(
    texts: Sequence[str], from_given: Sequence[str], references: Sequence[str]
) -> NDArray[np.float64]:
    """:func:`text_gap` of each pair (N,)."""
    check_same_length(texts=texts, from_given=from_given)
    return rouge_values(from_given, references) - rouge_values(texts, references)


def hallucination_rate(mentions: Mentions, supported: Mentions) -> float:
    """Share of the features a text names that nothing supports, averaged over texts.

    Args:
        mentions: Features of the generated texts (N, F), see :func:`feature_mentions`.
        supported: Features that are known of the pairs' items (N, F): those that reviews of the
            item name, and those that its photos show, see :func:`photo_support`.

    Returns:
        Between 0 and 1, over texts that name a feature; NaN if there are none.

    Raises:
        DataError: The shapes differ.

    >>> hallucination_rate([[1, 1], [0, 1], [0, 0]], [[1, 0], [0, 1], [0, 0]])
    0.25
    """
    return mean(hallucination_values(mentions, supported))


def hallucination_values(mentions: Mentions, supported: Mentions) -> NDArray[np.float64]:
    """:func:`hallucination_rate` of each text (N,), NaN for one that names no feature."""
    named, known = same_shape(mentions=mentions, supported=supported)
    count = row_sums(named)
    return share(count - row_sums(named.multiply(known)), count)


def photo_support(
    phrase_features: ArrayLike,
    photo_features: ArrayLike,
    owners: ArrayLike,
    n_items: int,
    threshold: float,
) -> NDArray[np.bool_]:
    """Which features the photos of each item show, by CLIP.

    Args:
        phrase_features: CLIP features of the lexicon's phrases as texts (F, D), of any length.
        photo_features: CLIP features of photos (M, D), of any length.
        owners: The item of each photo, from 0 (M,).
        n_items: The number of items, I.
        threshold: The least cosine of a photo and a phrase that counts as showing it.

    Returns:
        Whether a photo of the item shows the feature (I, F); False for items without photos.

    Raises:
        DataError: The shapes do not fit, or an owner is not an item.

    >>> photo_support([[1, 0], [0, 1]], [[2, 0], [0.6, 0.8]], [0, 2], 3, threshold=0.7).tolist()
    [[True, False], [False, False], [False, True]]
    """
    phrases, photos = _unit(phrase_features), _unit(photo_features)
    owner = np.asarray(owners, dtype=np.int64)
    check_same_length(photo_features=photos, owners=owner)
    if phrases.shape[1] != photos.shape[1]:
        raise DataError(
            f"phrase features {phrases.shape} and photo features {photos.shape} do not fit; "
            "allowed are (F, D) and (M, D)"
        )
    if owner.size and not 0 <= owner.min() <= owner.max() < n_items:
        raise DataError(f"owners are {owner.min()} to {owner.max()}; allowed: 0 to {n_items - 1}")
    shown = np.zeros((n_items, len(phrases)), dtype=bool)
    for start in range(0, len(photos), _CHUNK):
        part = slice(start, start + _CHUNK)
        photo, phrase = np.nonzero(photos[part] @ phrases.T >= threshold)
        shown[owner[part][photo], phrase] = True
    return shown


def _unit(features: ArrayLike) -> NDArray[np.floating]:
    """Features (M, D) scaled to length one.

    Raises:
        DataError: They are not 2-dimensional.
    """
    array = np.asarray(features)
    if array.ndim != 2:
        raise DataError(f"features have shape {array.shape}; allowed are 2 dimensions")
    return unit_rows(array[:, None, :], np.ones((len(array), 1), dtype=bool))[:, 0]
