"""Shims that let RecBole 1.2 run on pandas 3, where two things that it does mean something else.

With pandas 2 nothing is done here. Can go when RecBole runs on pandas 3.
"""

from __future__ import annotations

import functools
import warnings
from importlib import import_module
from typing import Any

import pandas as pd

IS_INSTALLED = int(pd.__version__.partition(".")[0]) >= 3


def apply() -> None:
    """Give RecBole's data sets what they expect of pandas, if it is pandas 3."""
    if IS_INSTALLED:
        copies = pd.errors.ChainedAssignmentError  # type: ignore[attr-defined]
        warnings.filterwarnings("ignore", category=copies, module=r"recbole\.")
        _fill_by_assignment()
        _lengths_of_sequences()


def fill_sequences(frame: pd.DataFrame) -> pd.DataFrame:
    """Fill what lacks in the sequences of a file that was read, as ``_load_feat`` does next.

    It does so in place, which pandas 3 does on a copy, so that nothing changes.
    """
    if IS_INSTALLED:
        for name in frame.columns:
            if name.endswith("_seq"):
                frame[name] = frame[name].fillna("")
    return frame


def _fill_by_assignment() -> None:
    """``Dataset._fill_nan`` fills columns in place, which pandas 3 does on a copy.

    The same values are filled first; RecBole's own filling then finds none missing.
    """
    dataset = import_module("recbole.data.dataset.dataset").Dataset
    kinds = import_module("recbole.utils").FeatureType
    fill_nan = dataset._fill_nan

    @functools.wraps(fill_nan)
    def fill_nan_by_assignment(self: Any) -> None:
        for name in self.feat_name_list:
            frame = getattr(self, name)
            for field in frame:
                if self.field2type[field] == kinds.TOKEN:
                    frame[field] = frame[field].fillna(0)
                elif self.field2type[field] == kinds.FLOAT:
                    frame[field] = frame[field].fillna(frame[field].mean())
        fill_nan(self)

    dataset._fill_nan = fill_nan_by_assignment


def _lengths_of_sequences() -> None:
    """``column.agg(len)`` was the length of each of its sequences; in pandas 3, how many there are.

    So the ``len`` that RecBole's data sets hand over gives the lengths for a column. They ask for
    the length of a column nowhere else.
    """

    def length(of: Any) -> Any:
        return of.map(len) if isinstance(of, pd.Series) else len(of)

    for name in ("dataset", "kg_dataset", "sequential_dataset"):
        import_module(f"recbole.data.dataset.{name}").len = length  # type: ignore[attr-defined]
