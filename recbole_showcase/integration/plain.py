"""What models keep beside their tensors, as plain data that a checkpoint may hold.

Models that fit at once, such as ItemKNN and EASE, name SciPy matrices and NumPy arrays in
``other_parameter_name``. Tensors stand for them in the file, so that reading it runs no code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch

from recbole_showcase.errors import CheckpointError

_KIND = "recbole_showcase.kind"  # marks a mapping that stands for something else
_SPARSE = {
    f"{form}_{kind}": getattr(sp, f"{form}_{kind}")
    for form in ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")
    for kind in ("matrix", "array")
}


def to_plain(value: Any, name: str) -> Any:
    """The value with tensors in place of arrays and sparse matrices.

    Modules become ``None``: what they know is in the model's ``state_dict``.

    Args:
        value: Any nesting of mappings, lists and tuples.
        name: What the value is called, for the error.

    Raises:
        CheckpointError: If the value holds anything else, which only code could restore.
    """
    if isinstance(value, np.generic):  # before float, which some of these are
        return value.item()
    if value is None or isinstance(value, (bool, int, float, str, torch.Tensor)):
        return value
    if isinstance(value, torch.nn.Module):
        return {_KIND: "module"}
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        kind = "matrix" if isinstance(value, np.matrix) else "array"
        return {_KIND: kind, "values": torch.from_numpy(np.array(value, order="C"))}
    if sp.issparse(value):
        return _sparse_to_plain(value)
    if isinstance(value, Mapping):
        return {key: to_plain(item, f"{name}[{key!r}]") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(to_plain(item, f"{name}[{n}]") for n, item in enumerate(value))
    raise CheckpointError(
        f"'{name}' is of type {type(value).__name__}, which a checkpoint cannot hold; allowed: "
        "tensors, arrays of numbers, sparse matrices, numbers, strings, and lists, tuples and "
        "mappings of these"
    )


def from_plain(value: Any) -> Any:
    """What :func:`to_plain` was given; modules are left out of the mapping that held them."""
    if isinstance(value, dict):
        kind = value.get(_KIND)
        if kind in ("array", "matrix"):
            array = value["values"].cpu().numpy()
            return array if kind == "array" else np.asmatrix(array)
        if kind in _SPARSE:
            return _sparse_from_plain(value)
        return {k: from_plain(item) for k, item in value.items() if not _is_module(item)}
    if isinstance(value, (list, tuple)):
        return type(value)(from_plain(item) for item in value)
    return value


def _is_module(value: Any) -> bool:
    return isinstance(value, dict) and value.get(_KIND) == "module"


def _sparse_to_plain(value: Any) -> dict[str, Any]:
    entries = value.tocoo()
    return {
        _KIND: type(value).__name__,
        "shape": tuple(map(int, value.shape)),
        "rows": torch.from_numpy(np.array(entries.row, dtype=np.int64)),
        "columns": torch.from_numpy(np.array(entries.col, dtype=np.int64)),
        "values": torch.from_numpy(np.array(entries.data)),
    }


def _sparse_from_plain(value: Mapping[str, Any]) -> Any:
    rows, columns, values = (value[key].cpu().numpy() for key in ("rows", "columns", "values"))
    kind = _SPARSE[value[_KIND]]
    entries = sp.coo_array if value[_KIND].endswith("array") else sp.coo_matrix
    return kind(entries((values, (rows, columns)), shape=value["shape"]))
