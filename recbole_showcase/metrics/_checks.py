"""Checks and small steps that several metrics share."""

from __future__ import annotations

from collections.abc import Sequence, Sized

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recbole_showcase.arguments import check_count, texts_of
from recbole_showcase.errors import DataError, SettingsError


def check_same_length(**named: Sized) -> None:
    """Raise a DataError that names all lengths unless they are equal."""
    lengths = {name: len(value) for name, value in named.items()}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise DataError(f"lengths differ: {found} entries; they must have one a pair")


def check_at_least_one(**named: int) -> None:
    """Raise a SettingsError that names the first value that is no whole number of 1 or more."""
    check_count(SettingsError, **named)


def check_texts(**named: Sequence[str]) -> bool:
    """Refuse what are not lists of one length; return whether there is anything in them.

    Raises:
        DataError: The lengths differ, a single text was given instead of a list, or an entry is no
            text.
    """
    for name, texts in named.items():
        texts_of(name, texts)
    check_same_length(**named)
    return all(len(texts) > 0 for texts in named.values())


def mean(values: ArrayLike) -> float:
    """Mean of those values that are not NaN; NaN if there are none."""
    array = np.asarray(values, dtype=np.float64)
    known = array[~np.isnan(array)]
    return float(known.mean()) if known.size else float("nan")


def share(part: ArrayLike, whole: ArrayLike) -> NDArray[np.float64]:
    """``part / whole``, NaN where the whole is 0."""
    divisor = np.asarray(whole, dtype=np.float64)
    dividend = np.asarray(part, dtype=np.float64)
    out = np.full(np.broadcast(dividend, divisor).shape, np.nan)
    return np.divide(dividend, divisor, out=out, where=divisor != 0)
