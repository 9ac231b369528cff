"""Labelled pairs on disk: which sentence describes which photo, as people or a world say it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recbole_showcase.atomic import AtomicFile, Field, read_atomic, read_fields
from recbole_showcase.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

LABELS = AtomicFile(
    "labels",
    (
        Field("review_id", "token", required=True),
        Field("sentence", "token_seq", required=True),
        Field("image_id", "token", required=True),
        Field("label", "float"),
    ),
)
_FIRST_LINE = 2  # of a file with a header, counted from 1


def read_labels(path: str | Path) -> pd.DataFrame:
    """Read and check a file of labelled pairs.

    Args:
        path: Tab separated, with the columns of ``LABELS`` in any order. ``review_id`` is the
            review that the sentence is from; the photo may be another review's. ``label`` is 1
            where the sentence describes the photo, and 0 where it does not.

    Returns:
        review_id, sentence, image_id (str) and label (float64, 0 or 1), a row a line.

    Raises:
        DataError: The file or a column is missing or of another type, a value is empty, or a
            label is neither 0 nor 1; names file, line and column.
    """
    path = Path(path)
    types = {field.name: field.type for field in read_fields(path)}
    if types.get("label", "float") != "float":
        raise DataError(f"{path}, line 1: column label is {types['label']}; it must be float")
    table = read_atomic(path, LABELS.names)
    for name in LABELS.names[:-1]:
        refuse_lines(path, name, (table[name].str.strip() == "").to_numpy(), "a value is needed")
    label = table["label"].to_numpy()
    wrong = ~np.isin(label, (0.0, 1.0))
    if wrong.any():
        found = label[wrong.argmax()]
        shown = "nothing" if np.isnan(found) else f"{found:g}"
        refuse_lines(path, "label", wrong, f"found {shown}; allowed are 0 and 1")
    return table


def refuse_lines(path: Path, column: str, wrong: np.ndarray, why: str) -> None:
    """Raise a DataError for the first row (P,) that is wrong, if there is one."""
    if wrong.any():
        raise DataError(f"{path}, line {int(wrong.argmax()) + _FIRST_LINE}, column {column}: {why}")
