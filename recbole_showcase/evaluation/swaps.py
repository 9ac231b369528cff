"""Pairs whose photos or users are swapped, to see what a text follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recbole_showcase.data.pairs import Pairs


@dataclass(frozen=True)
class Swap:
    """Texts of N pairs, written again after something they are written from was swapped.

    Attributes:
        texts: N texts.
        swapped: Whether the swap changed anything for a pair (N,).
    """

    texts: list[str]
    swapped: np.ndarray


def other_photos(photos: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """For each pair the photos that were chosen for another.

    Args:
        photos: Positions in the photo table (N, k), -1 if absent.
        seed: Of who swaps with whom.

    Returns:
        The photos (N, k), and whether they are other photos than the pair's own (N,).
    """
    others = photos[donors(len(photos), seed)]
    same = (np.sort(others, axis=1) == np.sort(photos, axis=1)).all(axis=1)
    return others, ~same


def other_users(pairs: Pairs, seed: int) -> tuple[Pairs, np.ndarray]:
    """For each pair its item with the user of another, at that one's time.

    Args:
        pairs: N pairs.
        seed: Of who swaps with whom.

    Returns:
        The pairs, and whether they have another user than the pair's own (N,).
    """
    donor = donors(len(pairs), seed)
    others = Pairs(pairs.users[donor], pairs.items, pairs.times[donor], pairs.rows[donor])
    return others, others.users != pairs.users


def donors(n: int, seed: int) -> np.ndarray:
    """For each of n pairs another one to swap with, each once, at random (n,)."""
    order = np.random.default_rng(seed).permutation(n)
    donor = np.empty(n, dtype=np.int64)
    donor[order] = np.roll(order, 1)
    return donor
