"""The rows and splits of a training, found again in files that have grown since."""

from __future__ import annotations

from logging import getLogger
from typing import Any

import numpy as np
import pandas as pd
from recbole.data.interaction import cat_interactions

from recbole_showcase.atomic import as_texts
from recbole_showcase.data.marks import DataMarks, places_of

Columns = dict[str, Any]


def restored_rows(
    frame: pd.DataFrame, asides: list[Columns], marks: np.ndarray, known: DataMarks, row_field: str
) -> tuple[pd.DataFrame, list[Columns]]:
    """The rows that a training had, in its order and by its numbers; others are left out.

    Args:
        frame: Interactions as RecBole has them now (n,), with their number in ``row_field``.
        asides: Columns that were kept from RecBole, by file.
        marks: Of the rows (n,).
        known: What the training knew, N rows.
        row_field: The column of numbers, from 1.

    Returns:
        The rows, and the columns of all N, with nothing in those that are gone.
    """
    place = places_of(known.rows, marks)
    there = np.flatnonzero(place >= 0)
    if gone := len(place) - len(there):
        getLogger().warning(
            f"{gone:,} of the {len(place):,} interactions of the checkpoint's training are gone"
        )
    names = set(asides[0]).intersection(*asides[1:])
    columns: Columns = {}
    for name in names:
        parts = [aside[name] for aside in asides]
        numbers = all(isinstance(part, np.ndarray) for part in parts)
        values, nothing = (np.concatenate(parts), np.nan) if numbers else (as_texts(*parts), "")
        columns[name] = pd.api.extensions.take(values, place, allow_fill=True, fill_value=nothing)
    rows = frame.iloc[place[there]].reset_index(drop=True)
    rows[row_field] = there + 1
    return rows, [columns]


def restored_splits(parts: list[Any], splits: np.ndarray, row_field: str) -> list[Any]:
    """The parts of a data set as they were, should RecBole have drawn them in another way.

    So it does where rows of then are gone, or have another time by now.

    Args:
        parts: As RecBole splits the rows of then.
        splits: What each row (N + 1,) was.
        row_field: The column of row numbers.
    """
    own = [part.inter_feat[row_field].numpy() for part in parts]
    if all((splits[rows] == number).all() for number, rows in enumerate(own)):
        return parts
    every = cat_interactions([part.inter_feat for part in parts])
    which = splits[every[row_field].numpy()]
    for number, part in enumerate(parts):
        part.inter_feat = every[np.flatnonzero(which == number)]
    return parts
