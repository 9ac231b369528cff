"""Frames of pandas and arrays of NumPy in a pickle, read as data.

A frame stands in a pickle as its columns' names and as blocks of columns of one type. How pandas
writes these has changed thrice (before 1.3, 1.3, since 1.4), and the place of its classes more
often; all are read, by the few names below, and no pandas is called for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recbole_showcase.files.plain import require_bounded
from recbole_showcase.files.recorded import Placeholder, read_pickle
from recbole_showcase.files.recorded_arrays import ARRAY_BUILDERS, check, whole

_PLAIN = (str, int, float, bool, type(None))
_BROKEN = (TypeError, ValueError, AttributeError, LookupError, ArithmeticError, MemoryError,
           RecursionError)  # fmt: skip
_OLD = "0.14.1"  # the mark of a state that pandas has written until 1.2


def read_pickled_array(path: Path) -> np.ndarray:
    """The array that a pickle holds.

    Raises:
        OSError: The file cannot be read.
        ValueError: It holds no array of numbers, or is damaged.
    """
    recorded = read_pickle(path)
    try:
        found = _array(recorded)
    except _BROKEN as error:
        told = str(error) if type(error) is ValueError else ""
        raise ValueError(told or "an array in it is not as NumPy writes one") from error
    if not isinstance(found, np.ndarray) or found.dtype.kind == "O":
        raise ValueError(f"it holds {_told(found)}; allowed: an array of numbers")
    return found


def read_pickled_columns(
    path: Path, names: Sequence[str], others: Sequence[str] = ()
) -> dict[str, np.ndarray]:
    """Some columns of the frame that a pickle holds; its index is not looked at.

    Args:
        path: The file.
        names: The columns wanted.
        others: Columns that are wanted too, where the frame has them.

    Returns:
        Each column by its name (N,), of numbers or of objects that are plain values.

    Raises:
        OSError: The file cannot be read.
        ValueError: It holds no such frame, lacks a column, or is damaged.
    """
    recorded = read_pickle(path)
    if not isinstance(recorded, Placeholder) or recorded.name != "DataFrame":
        raise ValueError(f"it holds {_told(recorded)}; allowed: a DataFrame of pandas")
    try:
        columns, blocks = _parts(recorded)
    except _BROKEN as error:
        raise ValueError("its frame is not as pandas writes one") from error
    missing = [name for name in names if name not in columns]
    if missing:
        there = ", ".join(map(str, columns[:20]))
        raise ValueError(f"its frame has no column '{missing[0]}'; it has: {there}")
    found = {}
    for name in (*names, *(name for name in others if name in columns)):
        try:
            found[name] = _column(columns.index(name), blocks)
        except _BROKEN as error:
            raise ValueError(f"its column '{name}' is not as pandas writes one") from error
    if len({len(column) for column in found.values()}) > 1:
        raise ValueError("its columns are of different lengths")
    return found


def _parts(frame: Placeholder) -> tuple[list[Any], list[tuple[Any, Any]]]:
    """The names of the columns, and each block: its values and the places of its columns."""
    state = frame.state
    manager = state["_mgr"] if "_mgr" in state else state["_data"]
    check(isinstance(manager, Placeholder) and manager.name == "BlockManager")
    if manager.how == "call":
        blocks, axes = manager.args
        pairs = [tuple(block.args[:2]) for block in blocks]
    else:
        old = manager.state[3][_OLD]
        axes = old["axes"]
        pairs = [(block["values"], block["mgr_locs"]) for block in old["blocks"]]
    names = _array(axes[0].args[1]["data"])
    check(names.ndim == 1)
    return list(names), pairs


def _column(place: int, blocks: Sequence[tuple[Any, Any]]) -> np.ndarray:
    """The column at a place of the frame (N,)."""
    for values, places in blocks:
        (row,) = np.nonzero(_places(places) == place)
        if len(row):
            found = _array(values)
            check(found.ndim in (1, 2))
            return found if found.ndim == 1 else found[int(row[0])]
    raise ValueError


def _places(value: Any) -> np.ndarray:
    """Places of columns, given as a slice or as an array."""
    if isinstance(value, Placeholder) and value.name == "slice":
        start, stop, step = whole(value.args)
        check(step > 0 and stop <= 1 << 20)  # a frame of a million columns is none of ours
        return np.arange(start, stop, step)
    return _array(value)


def _array(value: Any) -> np.ndarray:
    """An array of what is recorded of it: numbers, or objects that are plain values."""
    if not isinstance(value, Placeholder):
        return _built(value)
    if value.name == "__pyx_unpickle_NDArrayBacked":  # pandas' own arrays of texts
        return _array(value.state[1])
    objects = _objects(value)
    return _built(value) if objects is None else objects


def _objects(value: Placeholder) -> np.ndarray | None:
    """An array of objects that are all plain values; None where it is none of objects."""
    state = value.state
    if value.name != "_reconstruct" or not isinstance(state, tuple) or len(state) != 5:
        return None
    _, shape, dtype, fortran, items = state
    if not isinstance(items, list):
        return None
    check(isinstance(dtype, Placeholder) and dtype.args[:1] in (("O8",), ("O",)))
    check(all(isinstance(item, _PLAIN) for item in items))
    flat = np.empty(len(items), dtype=object)
    flat[:] = items
    return flat.reshape(whole(shape), order="F" if fortran is True else "C")


def _built(value: Any) -> Any:
    """The value of plain data, or of what NumPy writes.

    Raises:
        ValueError: It is something else.
    """
    if isinstance(value, tuple):
        require_bounded(value)
        return tuple(_built(item) for item in value)
    if not isinstance(value, Placeholder):
        return value
    name = value.module, value.name
    if value.how == "name" or name not in ARRAY_BUILDERS:
        raise ValueError(f"it holds {_told(value)}; allowed: arrays of numbers")
    try:
        return ARRAY_BUILDERS[name](value, _built)
    except _BROKEN as error:
        raise ValueError("an array in it is not as NumPy writes one") from error


def _told(value: Any) -> str:
    """What something is, for a message."""
    return f"{value}" if isinstance(value, Placeholder) else f"a {type(value).__name__}"
