"""Explained pairs in a pickle of a pandas frame, as XRec releases them, read as data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recbole_showcase.errors import DataError, one_line
from recbole_showcase.files.pickled_frames import read_pickled_columns

if TYPE_CHECKING:
    import pandas as pd

ENDINGS = (".pkl", ".pickle")


def read_pickled_pairs(path: Path, needed: Sequence[str], others: Sequence[str]) -> pd.DataFrame:
    """The columns of a pickled frame as texts, None where there is nothing.

    Args:
        path: The pickle.
        needed: Columns that it must have.
        others: Columns that it may have; nothing where it has them not.

    Raises:
        DataError: The file cannot be read, holds no frame or lacks a column, or a value is neither
            a text nor a whole number.
    """
    import pandas as pd

    try:
        columns = read_pickled_columns(path, needed, others)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    texts = {name: _texts(path, name, values) for name, values in columns.items()}
    return pd.DataFrame({name: texts.get(name) for name in (*needed, *others)}, dtype=object)


def _texts(path: Path, name: str, values: np.ndarray) -> list[str | None]:
    """A column (N,) as texts; ids are often numbers, which pandas widens where one is missing."""
    return [_text(path, name, row, value) for row, value in enumerate(values.tolist())]


def _text(path: Path, name: str, row: int, value: Any) -> str | None:
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, float) and np.isnan(value):
        return None
    whole = not isinstance(value, bool) and isinstance(value, int | float) and value % 1 == 0
    if whole and abs(value) < 2**63:
        return str(int(value))
    raise DataError(
        f"{path}, row {row}: '{name}' is {one_line(repr(value))}; allowed: a text or a whole number"
    )
