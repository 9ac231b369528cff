"""A metric as sums over pairs, which is all that resampling needs to know of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recbole_showcase.errors import DataError
from recbole_showcase.metrics._checks import check_same_length


@dataclass(frozen=True)
class Statistics:
    """Sufficient statistics: the value of a set of pairs follows from the sum of their rows.

    Attributes:
        rows: What each pair contributes, shape (N, S).
        finish: From sums (S,) to the value.
    """

    rows: NDArray[np.float64]
    finish: Callable[[NDArray[np.float64]], float]

    @classmethod
    def of_values(cls, values: ArrayLike) -> Statistics:
        """The mean of a value of each pair; pairs whose value is NaN are left out.

        Args:
            values: Shape (N,).

        Raises:
            DataError: The values are not 1-dimensional.
        """
        array = np.asarray(values, dtype=np.float64)
        if array.ndim != 1:
            raise DataError(f"values have shape {array.shape}; allowed is one value a pair, (N,)")
        known = ~np.isnan(array)
        return cls(np.stack([np.where(known, array, 0.0), known], axis=1), ratio)

    def summed(self, owners: NDArray[np.int64], size: int) -> Statistics:
        """What each owner contributes with all its pairs.

        Args:
            owners: The owner of each pair, from 0 (N,).
            size: The number of owners, U; one without pairs contributes zeros.

        Returns:
            Statistics with rows (U, S).

        Raises:
            DataError: There is not one owner a pair.
        """
        check_same_length(statistics=self.rows, owners=owners)
        sums = np.zeros((size, self.rows.shape[1]))
        np.add.at(sums, owners, self.rows)
        return Statistics(sums, self.finish)

    def value(self) -> float:
        """The metric of all pairs."""
        return self.finish(self.rows.sum(axis=0))


def ratio(sums: NDArray[np.float64]) -> float:
    """The value of a mean: a sum of values over their number, NaN of none."""
    return float(sums[0] / sums[1]) if sums[1] else float("nan")
