"""How well generated sentences and the photos beside them fit each other."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.metrics._checks import check_same_length
from recbole_showcase.metrics.images import unit_rows
from recbole_showcase.metrics.statistics import Statistics, ratio

# Sentences whose photos are gathered at a time: 4,096 x 10 photos x 512 float32 are 84 MB.
_CHUNK = 4096


def clip_score(
    sentence_features: ArrayLike,
    owners: ArrayLike,
    photo_features: ArrayLike,
    photo_mask: ArrayLike,
    *,
    over: Literal["sentences", "photos"] = "sentences",
) -> float:
    """CLIP-Score: mean cosine of each sentence with the photo beside it that fits best, times 100.

    For each sentence of a pair's text, the maximum cosine over the pair's photos; or, with
    ``over="photos"``, for each photo the maximum over the sentences of the pair's text. The mean
    is over all sentences (photos), not over pairs first, so a longer text weighs more.

    This is our reading of the metric of Yan et al., "Personalized Showcases", SIGIR 2023, which
    did not publish code. It is not CLIPScore of Hessel et al., EMNLP 2021: no text prefix, no
    rescaling by 2.5 and no clipping of negative cosines.

    Args:
        sentence_features: CLIP features of the sentences, shape (S, D), of any length.
        owners: Pair (row of the photos) that each sentence belongs to, integers, shape (S,).
        photo_features: CLIP features of the photos shown, shape (N, K, D).
        photo_mask: True for real photos, shape (N, K).
        over: Whether the mean is over sentences or over photos.

    Returns:
        Between -100 and 100. Sentences of pairs without photos, and photos of pairs without
        sentences, are left out; NaN if nothing remains.

    Raises:
        DataError: Shapes do not fit, or an owner is not a pair.
        SettingsError: ``over`` is neither of the two.

    >>> photos = [[[1.0, 0.0], [0.6, 0.8]], [[0.0, 1.0], [0.0, 0.0]]]
    >>> mask = [[True, True], [True, False]]
    >>> sentences, owners = [[0.0, 1.0], [0.6, 0.8]], [0, 1]
    >>> round(clip_score(sentences, owners, photos, mask), 4)
    80.0
    >>> round(clip_score(sentences, owners, photos, mask, over="photos"), 4)
    53.3333
    """
    return clip_score_statistics(
        sentence_features, owners, photo_features, photo_mask, over=over
    ).value()


def clip_score_statistics(
    sentence_features: ArrayLike,
    owners: ArrayLike,
    photo_features: ArrayLike,
    photo_mask: ArrayLike,
    *,
    over: Literal["sentences", "photos"] = "sentences",
) -> Statistics:
    """What each pair contributes to :func:`clip_score`, for resampling.

    Arguments and errors are those of :func:`clip_score`.
    """
    photos, real = unit_rows(photo_features, photo_mask), np.asarray(photo_mask, dtype=bool)
    owner = pairs_of(owners, len(photos))
    sentences = _sentences(sentence_features, owner, photos)
    return statistics_of_best(_cosines(sentences, owner, photos), owner, real, over)


def statistics_of_best(
    values: NDArray[np.floating], owner: NDArray[np.int64], real: NDArray[np.bool_], over: str
) -> Statistics:
    """Maximum of each sentence over its pair's photos, or of each photo over the sentences.

    Args:
        values: How well each sentence fits each photo of its pair (S, K).
        owner: Pair of each sentence (S,).
        real: True for real photos (N, K).
        over: ``sentences`` or ``photos``.

    Returns:
        Of each pair, the sum of its maxima times 100 and their number (N, 2): the value is the
        mean over all maxima, NaN if there is none.

    Raises:
        SettingsError: ``over`` is neither of the two.
    """
    if over not in ("sentences", "photos"):
        raise SettingsError(f"over is '{over}'; allowed are 'sentences' and 'photos'")
    known = np.where(real[owner], values, -np.inf)  # (S, K)
    if over == "sentences":
        best, pair = known.max(axis=1, initial=-np.inf), owner  # (S,)
    else:
        table = np.full(real.shape, -np.inf)  # (N, K)
        np.maximum.at(table, owner, known)
        best, pair = table.reshape(-1), np.repeat(np.arange(len(real)), real.shape[1])
    there = best > -np.inf
    totals = np.bincount(pair[there], 100.0 * best[there], minlength=len(real))
    counts = np.bincount(pair[there], minlength=len(real))
    return Statistics(np.stack([totals, counts], axis=1).astype(np.float64), ratio)


def pairs_of(owners: ArrayLike, pairs: int) -> NDArray[np.int64]:
    """The pair (S,) of each sentence.

    Raises:
        DataError: An owner is not one of the pairs.
    """
    owner = np.asarray(owners)
    if owner.ndim != 1 or (owner.size and owner.dtype.kind not in "iu"):
        raise DataError(
            f"owners have shape {owner.shape} and type {owner.dtype}; allowed are (S,) of integers"
        )
    wrong = np.flatnonzero((owner < 0) | (owner >= pairs))
    if wrong.size:
        raise DataError(
            f"owners, row {wrong[0]}: pair {owner[wrong[0]]}; allowed are 0 to {pairs - 1}"
        )
    return owner.astype(np.int64)


def _sentences(
    features: ArrayLike, owner: NDArray[np.int64], photos: NDArray[np.floating]
) -> NDArray[np.floating]:
    """Check the sentences' shape, and scale them to length one."""
    array = np.asarray(features)
    if array.ndim != 2 or array.shape[1] != photos.shape[2]:
        raise DataError(
            f"sentence features {array.shape} and photo features {photos.shape} do not fit; "
            "allowed are (S, D) and (N, K, D)"
        )
    check_same_length(sentence_features=array, owners=owner)
    return unit_rows(array[:, None, :], np.ones((len(array), 1), dtype=bool))[:, 0]


def _cosines(
    sentences: NDArray[np.floating], owner: NDArray[np.int64], photos: NDArray[np.floating]
) -> NDArray[np.floating]:
    """Cosine of each sentence with each place of its pair, (S, K)."""
    cosine = np.empty((len(sentences), photos.shape[1]), dtype=photos.dtype)
    for start in range(0, len(sentences), _CHUNK):
        part = slice(start, start + _CHUNK)
        gathered = photos[owner[part]]  # (chunk, K, D)
        cosine[part] = (gathered @ sentences[part, :, None])[..., 0]
    return cosine
