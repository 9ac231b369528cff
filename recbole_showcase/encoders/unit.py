"""Features at length one, as all of a store are."""

from __future__ import annotations

import numpy as np

ZEROS, NOT_FINITE = "zeros", "not finite"


def unit_rows(rows: np.ndarray) -> tuple[np.ndarray, dict[int, str]]:
    """Rows (B, D) at length one, float64, and of those that have no direction, why."""
    exact = rows.astype(np.float64)
    largest = np.abs(exact).max(axis=1, initial=0, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        exact /= largest  # so that the squares of very large or small numbers are some
        exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    faults = {int(n): NOT_FINITE for n in np.flatnonzero(~np.isfinite(largest[:, 0]))}
    faults |= {int(n): ZEROS for n in np.flatnonzero(largest[:, 0] == 0)}
    return exact, faults
