"""What a user's own photos have in common, so that photos unlike them can be told from others.

That a user did not post a photo of an item does not say that it would not have done: photos of
others are unlabelled rather than negative. Fernández-Campa-González et al. (arXiv 2407.06740)
train on negatives that are likely true ones, found for each user by similarity to the user's own
photos in a step before the training. Here a photo is a likely negative of a user if its cosine with
the mean of the user's photos is at most a quantile of the cosines that these photos themselves have
with their mean: with 0.1, if it is at least as far from the mean as the farthest tenth of them.
Features are of length one, so order by cosine is order by distance.

Only photos of training rows are looked at, and nothing is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from recbole_showcase.data.corpus import Features
from recbole_showcase.data.ragged import Ragged


def taste_of(
    users: np.ndarray, of_user: Ragged, features: Features, quantile: float, at_once: int
) -> tuple[np.ndarray, np.ndarray]:
    """The directions of users' photos, and how much like them a share of these photos is at most.

    Args:
        users: Internal ids (B,), repeated ones too.
        of_user: Photos of training rows of each user.
        features: CLIP features of the photos.
        quantile: The share.
        at_once: The most photos read at once; those of one user are read together.

    Returns:
        Unit vectors (B, D) and cosines (B,), float32. Of a user without a photo the vector is 0
        and the cosine 1, so that every photo is unlike.
    """
    distinct, place = np.unique(users, return_inverse=True)
    centres = np.zeros((len(distinct), features.dim), dtype=np.float32)
    cosines = np.ones(len(distinct), dtype=np.float32)
    counts = of_user.lengths(distinct)
    for some in _groups(counts, at_once):
        photos = of_user.first(distinct[some], int(counts[some].max()))  # (G, P)
        there = photos >= 0
        unit = _unit(features[photos])  # (G, P, D), zeros where there is none
        centre = _unit(unit.sum(axis=1))
        centres[some] = centre
        own = np.where(there, np.einsum("gpd,gd->gp", unit, centre), np.nan)
        cosines[some] = np.nanquantile(own, quantile, axis=1)
    return centres[place], cosines[place]


def _groups(counts: np.ndarray, at_once: int) -> Iterator[np.ndarray]:
    """Places of users with photos, few enough at a time; like with like, so little is padding."""
    order = np.argsort(counts, kind="stable")
    order = order[counts[order] > 0]
    while len(order):
        sizes = counts[order] * np.arange(1, len(order) + 1)  # with padding to the last one's
        size = max(1, int(np.searchsorted(sizes, at_once, side="right")))
        yield order[:size]
        order = order[size:]


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (..., D) of length one, those of length zero as they are."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0, length, 1.0)
