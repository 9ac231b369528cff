"""How surely generated sentences describe the photos beside them, to a trained classifier."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from recbole_showcase.errors import DataError
from recbole_showcase.metrics._checks import check_same_length
from recbole_showcase.metrics.photo_text import pairs_of, statistics_of_best
from recbole_showcase.metrics.statistics import Statistics


def clip_align(
    confidences: ArrayLike,
    owners: ArrayLike,
    photo_mask: ArrayLike,
    *,
    over: Literal["sentences", "photos"] = "sentences",
) -> float:
    """CLIP-Align: mean confidence of each sentence with the photo it describes best, times 100.

    For each sentence of a pair's text, the maximum over the pair's photos of the confidence that
    the sentence describes the photo; or, with ``over="photos"``, for each photo the maximum over
    the sentences of the pair's text. The mean is over all sentences (photos), not over pairs
    first, so a longer text weighs more.

    This is our reading of the metric of Yan et al., "Personalized Showcases", SIGIR 2023, which
    did not publish code. The confidence is that of the classifier that distils explanations; see
    :mod:`recbole_showcase.distillation`.

    Args:
        confidences: Confidence that each sentence describes each photo of its pair, shape (S, K),
            between 0 and 1; what stands at masked photos does not matter.
        owners: Pair (row of the mask) that each sentence belongs to, integers, shape (S,).
        photo_mask: True for real photos, shape (N, K).
        over: Whether the mean is over sentences or over photos.

    Returns:
        Between 0 and 100. Sentences of pairs without photos, and photos of pairs without
        sentences, are left out; NaN if nothing remains.

    Raises:
        DataError: Shapes do not fit, an owner is not a pair, or a confidence is not between 0
            and 1.
        SettingsError: ``over`` is neither of the two.

    >>> confidences = [[0.2, 0.8], [0.4, 0.6], [0.5, 0.0]]
    >>> mask = [[True, True], [True, False]]
    >>> round(clip_align(confidences, [0, 0, 1], mask), 4)
    63.3333
    >>> round(clip_align(confidences, [0, 0, 1], mask, over="photos"), 4)
    56.6667
    """
    return clip_align_statistics(confidences, owners, photo_mask, over=over).value()


def clip_align_statistics(
    confidences: ArrayLike,
    owners: ArrayLike,
    photo_mask: ArrayLike,
    *,
    over: Literal["sentences", "photos"] = "sentences",
) -> Statistics:
    """What each pair contributes to :func:`clip_align`, for resampling.

    Arguments and errors are those of :func:`clip_align`.
    """
    values, real = np.asarray(confidences), np.asarray(photo_mask, dtype=bool)
    if real.ndim != 2 or values.ndim != 2 or values.shape[1] != real.shape[1]:
        raise DataError(
            f"confidences {values.shape} and photo mask {real.shape} do not fit; "
            "allowed are (S, K) and (N, K)"
        )
    owner = pairs_of(owners, len(real))
    check_same_length(confidences=values, owners=owner)
    shown = real[owner]  # (S, K)
    wrong = shown & ~((values >= 0) & (values <= 1))
    if wrong.any():
        row, place = np.argwhere(wrong)[0]
        raise DataError(
            f"confidences, row {row}, place {place}: {values[row, place]}; allowed are 0 to 1"
        )
    return statistics_of_best(values, owner, real, over)
