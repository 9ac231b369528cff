"""JSON and arrays of files that may be damaged: read, or refused by a ``ValueError``.

Python's readers raise other errors as well where a file is nested deeply or announces more than
there is memory for, and NumPy's advises to unpickle what is no array.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

_DEEPEST = 100
_MOST_REPEATED = 100_000
_ARRAY_MAGIC = b"\x93NUMPY"


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: It is no JSON, no UTF-8, or nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def read_json(path: Path) -> Any:
    """The value of a JSON file; raises as :func:`parse_json`, and OSError."""
    return parse_json(path.read_text(encoding="utf-8"))


def require_bounded(value: Any) -> None:
    """Refuse nested data that stands for far more values than a file holds.

    A pickle may have one list in several places, so that a few lines of it stand for billions of
    values, and whoever copies or compares them has to make them all.

    Args:
        value: Any nesting of mappings, lists, tuples and sets.

    Raises:
        ValueError: It is such data, is a part of itself, or is nested too deeply.
    """
    sizes: dict[int, int] = {}  # with all that is inside, each time that it is there
    opened: set[int] = set()
    held = 0

    def size_of(part: Any, depth: int) -> int:
        nonlocal held
        if not isinstance(part, dict | list | tuple | set | frozenset) or not part:
            return 1
        if id(part) in opened or depth > _DEEPEST:
            raise ValueError("it is nested too deeply")
        if id(part) not in sizes:
            opened.add(id(part))
            held += len(part)
            inside = part.values() if isinstance(part, dict) else part
            sizes[id(part)] = 1 + sum(size_of(own, depth + 1) for own in inside)
            opened.remove(id(part))
        return sizes[id(part)]

    if size_of(value, 0) > max(_MOST_REPEATED, 10 * held):
        raise ValueError("its parts repeat each other to more than it holds")


def read_array(path: Path, mapped: bool = False) -> np.ndarray:
    """The array of an ``.npy`` file.

    Args:
        path: The file.
        mapped: Whether its content stays on disk, to be read where it is looked at.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is cut off, is no ``.npy`` file, or holds objects.
    """
    with path.open("rb") as file:
        if file.read(len(_ARRAY_MAGIC)) != _ARRAY_MAGIC:
            raise ValueError("it is no .npy file")
    try:
        array: np.ndarray = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    except OSError:
        raise
    except Exception as error:  # a damaged header raises nearly anything in NumPy's reader
        raise ValueError(str(error).partition("\n")[0]) from error
    return array
