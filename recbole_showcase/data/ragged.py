"""Lists of different lengths in two flat arrays, and lists that grow over time."""

from __future__ import annotations

import numpy as np


class Ragged:
    """For each key 0..n-1 a list of integers, stored as one array and the offsets of the lists."""

    def __init__(self, offsets: np.ndarray, values: np.ndarray) -> None:
        """Keep the arrays.

        Args:
            offsets: Start of each list and the end of the last one (n + 1,), int64.
            values: All lists one after the other, integers.
        """
        self.offsets = offsets
        self.values = values

    @classmethod
    def from_pairs(cls, keys: np.ndarray, values: np.ndarray, n_keys: int) -> Ragged:
        """Collect the values of each key, in the order given.

        Args:
            keys: Keys in 0..n_keys-1, shape (M,).
            values: A value for each, shape (M,).
            n_keys: The number of lists.
        """
        order = np.argsort(keys, kind="stable")
        offsets = np.concatenate([[0], np.cumsum(np.bincount(keys, minlength=n_keys))])
        return cls(offsets.astype(np.int64), _compact(values)[order])

    def lengths(self, keys: np.ndarray) -> np.ndarray:
        """Lengths of the lists of some keys, shape (B,)."""
        return self.offsets[keys + 1] - self.offsets[keys]

    def first(self, keys: np.ndarray, limit: int) -> np.ndarray:
        """The first values of each list, padded with -1 to the longest, shape (B, L <= limit)."""
        counts = np.minimum(self.lengths(keys), limit)
        place = np.arange(counts.max(initial=0))
        return _padded(self.values, self.offsets[keys][:, None] + place, place < counts[:, None])

    def spread(self, keys: np.ndarray, limit: int, random: np.random.Generator) -> np.ndarray:
        """Values at even steps through each list, from a random start, shape (B, L <= limit).

        Each value of a list has the same chance, none comes twice, and their order stays. Lists
        that are not longer than the limit are whole, and nothing is drawn if all are.

        Args:
            keys: Shape (B,).
            limit: The most values of a list.
            random: Draws the starts.
        """
        lengths = self.lengths(keys)
        if lengths.max(initial=0) <= limit:
            return self.first(keys, limit)
        counts = np.minimum(lengths, limit)
        place = np.arange(limit)
        start = random.random(len(keys))[:, None]
        step = (lengths / np.maximum(counts, 1))[:, None]
        # A product may be rounded up to the end of the list.
        steps = np.minimum(((place + start) * step).astype(np.int64), lengths[:, None] - 1)
        within = np.where((lengths > limit)[:, None], steps, place)
        return _padded(self.values, self.offsets[keys][:, None] + within, place < counts[:, None])


class Timeline:
    """For each user a list of values in the order of their times."""

    def __init__(
        self, users: np.ndarray, times: np.ndarray, values: np.ndarray, n_users: int
    ) -> None:
        """Sort entries by user and time.

        Args:
            users: Whose each entry is, in 0..n_users-1, shape (M,).
            times: When, shape (M,); NaN where unknown, which counts as earlier than any time.
            values: What, non-negative integers, shape (M,).
            n_users: The number of users.
        """
        times = np.where(np.isnan(times), -np.inf, times)
        order = np.lexsort((times, users))
        self._times = times[order]
        self._values = _compact(values)[order]
        self._offsets = np.concatenate([[0], np.cumsum(np.bincount(users, minlength=n_users))])

    def before(self, users: np.ndarray, times: np.ndarray, limit: int) -> np.ndarray:
        """The latest entries of each user strictly before a time, latest first.

        Args:
            users: Shape (B,).
            times: Shape (B,); infinity asks for all, and so does NaN, a time that is not known.
            limit: The most entries.

        Returns:
            Values of shape (B, L <= limit), padded with -1.
        """
        ends = self._position(users, np.where(np.isnan(times), np.inf, times))
        counts = np.minimum(ends - self._offsets[users], limit)
        place = np.arange(counts.max(initial=0))
        return _padded(self._values, ends[:, None] - 1 - place, place < counts[:, None])

    def _position(self, users: np.ndarray, times: np.ndarray) -> np.ndarray:
        """Where an entry of the user at that time would be put, before its equals, shape (B,)."""
        low, high = self._offsets[users].copy(), self._offsets[users + 1].copy()
        # A binary search in every user's segment at once: as many rounds as the longest needs.
        while (open_ := low < high).any():
            middle = (low + high) // 2
            earlier = open_ & (self._times[np.minimum(middle, len(self._times) - 1)] < times)
            low = np.where(earlier, middle + 1, low)
            high = np.where(open_ & ~earlier, middle, high)
        return low


def _padded(values: np.ndarray, index: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Entries of a flat array, -1 where the mask is False, shape (B, L)."""
    if not len(values):
        return np.full(mask.shape, -1, dtype=np.int64)
    return np.where(mask, values[np.where(mask, index, 0)], -1).astype(np.int64, copy=False)


def _compact(values: np.ndarray) -> np.ndarray:
    """Integers in half the memory where they fit."""
    fits = not len(values) or np.max(values) < 2**31
    return np.asarray(values, dtype=np.int32 if fits else np.int64)
