"""Arrays of the placeholders of :mod:`recbole_showcase.files.recorded`, from checked arguments."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from recbole_showcase.files.recorded import Placeholder

Build = Callable[[Any], Any]  # makes a value of what stands inside
_NUMBERS = "biufcSU"  # kinds of NumPy types that hold no objects


def check(condition: bool) -> None:
    """Refuse what is not as a pickler writes it.

    Raises:
        ValueError: The condition does not hold.
    """
    if not condition:
        raise ValueError


def whole(value: Any) -> tuple[int, ...]:
    """Numbers of 0 or more, such as a shape.

    Raises:
        ValueError: They are none.
    """
    check(isinstance(value, (tuple, list)) and all(type(n) is int and n >= 0 for n in value))
    return tuple(value)


def _encoded(value: Placeholder, build: Build) -> bytes:
    text, encoding = value.args
    check(type(text) is str and encoding in ("latin1", "latin-1"))
    return bytes(text, "latin1")


def _bytes(value: Placeholder, build: Build) -> bytes | bytearray:
    content, *encoding = build(value.args) or (b"",)
    if type(content) is str and encoding == ["latin-1"]:
        content = bytes(content, "latin-1")
    check(type(content) is bytes)
    return content if value.name == "bytes" else bytearray(content)


def _dtype(value: Placeholder, build: Build) -> np.dtype[Any]:
    name, *_ = value.args
    check(type(name) is str and name[:1] in tuple(_NUMBERS))
    made = np.dtype(name)
    check(made.kind in _NUMBERS and made.itemsize > 0)
    order = value.state[1] if value.state is not None else "|"
    check(order in ("<", ">", "=", "|"))
    return made.newbyteorder(order)


def filled(shape: Any, dtype: Any, raw: Any, order: str) -> np.ndarray[Any, Any]:
    """An array of its bytes.

    Raises:
        ValueError: They are not as many as its shape and type ask for.
    """
    shape = whole(shape)
    check(isinstance(dtype, np.dtype) and isinstance(raw, (bytes, bytearray)))
    check(len(raw) == math.prod(shape) * dtype.itemsize)
    if not raw:
        return np.empty(shape, dtype)
    flat: np.ndarray[Any, Any] = np.frombuffer(raw, dtype)
    return flat.reshape(shape, order="F" if order == "F" else "C").copy(order="K")


def _array(value: Placeholder, build: Build) -> Any:
    _, shape, dtype, fortran, raw = value.state
    made = filled(build(shape), build(dtype), build(raw), "F" if fortran is True else "C")
    return np.asmatrix(made) if value.args[0].name == "matrix" else made


def _array_of_buffer(value: Placeholder, build: Build) -> Any:
    raw, dtype, shape, order = value.args
    check(order in ("C", "F"))
    return filled(build(shape), build(dtype), build(raw), order)


def _scalar(value: Placeholder, build: Build) -> Any:
    dtype, raw = value.args
    return filled((1,), build(dtype), build(raw), "C")[0]


# What makes data of what a pickle calls; what is there raises a ValueError or the like where it is
# not as NumPy writes it.
ARRAY_BUILDERS: dict[tuple[str, str], Callable[[Placeholder, Build], Any]] = {
    ("_codecs", "encode"): _encoded,
    ("builtins", "bytearray"): _bytes,
    ("builtins", "bytes"): _bytes,
    ("numpy", "dtype"): _dtype,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _array for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _scalar for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _array_of_buffer for core in ("core", "_core")},
}
