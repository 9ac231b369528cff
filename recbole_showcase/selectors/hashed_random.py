"""Random numbers that belong to what they are drawn for, whatever else is in the batch.

A generator that is passed along gives each set numbers that depend on the sets before it. Here a
number is a hash of a seed and of what it is for, so a pair's draw is the same in any batch, in
validation and in test, and nobody else's random stream is consumed.
"""

from __future__ import annotations

import torch
from torch import Tensor

# The constants of SplitMix64: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
# Generators", OOPSLA 2014; as signed 64-bit integers.
_GAMMA = 0x9E3779B97F4A7C15 - 2**64
_MIX_1 = 0xBF58476D1CE4E5B9 - 2**64
_MIX_2 = 0x94D049BB133111EB - 2**64


def pair_keys(users: Tensor, items: Tensor) -> Tensor:
    """One number for each (user, item), int64 (B,)."""
    return _mixed(_mixed(users.long()) + items.long())


def uniform(seed: int, *keys: Tensor) -> Tensor:
    """Numbers in (0, 1) that are fixed by a seed and keys, float64.

    Args:
        seed: Any integer of 64 bits.
        keys: int64, shapes that broadcast; each combination of keys has a number of its own.

    Returns:
        The broadcast shape.
    """
    state = _mixed(torch.tensor(seed, dtype=torch.int64, device=keys[0].device))
    for key in keys:
        state = _mixed(state + key)
    # The upper 52 bits and a half: neither 0 nor 1 can come out.
    return ((_shifted(state, 12)).double() + 0.5) * 2.0**-52


def _mixed(state: Tensor) -> Tensor:
    state = state + _GAMMA
    state = (state ^ _shifted(state, 30)) * _MIX_1
    state = (state ^ _shifted(state, 27)) * _MIX_2
    return state ^ _shifted(state, 31)


def _shifted(state: Tensor, bits: int) -> Tensor:
    """Shift to the right with zeros coming in, which torch does for no signed type."""
    return (state >> bits) & (2 ** (64 - bits) - 1)
