"""Interventions: texts written again from the photos, or as for the user, of another pair.

Whether a text follows its photos and its user cannot be seen from the text. It shows when they are
swapped and all else stays the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from recbole_showcase.data.pairs import Pairs
from recbole_showcase.evaluation.evaluation import ShowcaseOutputs, Swap


def swap_photos(model: Any, pairs: Pairs, outputs: ShowcaseOutputs, seed: int) -> Swap:
    """Write texts from the photos that were chosen for another pair.

    Args:
        model: A composed model.
        pairs: N pairs.
        outputs: What the model gave for them.
        seed: Of who swaps with whom.

    Returns:
        The texts. A pair counts as swapped unless both sets of photos are the same.
    """
    photos = outputs.photos[donors(len(pairs), seed)]
    same = (np.sort(photos, axis=1) == np.sort(outputs.photos, axis=1)).all(axis=1)
    return Swap(model.explain(pairs, photos=photos).texts, ~same)


def swap_users(model: Any, pairs: Pairs, outputs: ShowcaseOutputs, seed: int) -> Swap:
    """Write texts of the same items and photos as for the user of another pair, at that time.

    Arguments are those of :func:`swap_photos`.

    Returns:
        The texts. A pair counts as swapped unless both users are the same.
    """
    donor = donors(len(pairs), seed)
    others = Pairs(pairs.users[donor], pairs.items, pairs.times[donor], pairs.rows[donor])
    texts = model.explain(others, photos=outputs.photos).texts
    return Swap(texts, others.users != pairs.users)


def from_own_photos(model: Any, pairs: Pairs) -> list[str]:
    """Write texts from photos that the user posted with each pair's row, as training does.

    Arguments are those of :func:`swap_photos`.
    """
    head = model.showcase
    own = head.data.photos.of_row.first(pairs.rows, head.settings.max_photos)  # (N, P)
    return model.explain(pairs, photos=own).texts


def donors(n: int, seed: int) -> np.ndarray:
    """For each of n pairs another one to swap with, each once, at random (n,)."""
    order = np.random.default_rng(seed).permutation(n)
    donor = np.empty(n, dtype=np.int64)
    donor[order] = np.roll(order, 1)
    return donor
