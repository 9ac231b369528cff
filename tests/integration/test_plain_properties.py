"""Anything that a model may keep, as plain data and back; anything that is pickled, as data."""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from recbole_showcase.integration.plain import _SPARSE, from_plain, to_plain
from recbole_showcase.integration.rebuild import Rebuilder
from recbole_showcase.integration.unpickle import RecordingUnpickler

NUMBERS = st.one_of(st.integers(-(2**70), 2**70), st.floats(), st.booleans())
SCALARS = st.one_of(st.none(), NUMBERS, st.text(max_size=5))
DTYPES = st.sampled_from(["bool", "int8", "int64", "uint8", "float16", "float32", "float64"])
SHAPES = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
ARRAYS = DTYPES.flatmap(lambda dtype: arrays.arrays(dtype, SHAPES))
VIEWS = ARRAYS.map(lambda array: array.T[::-1] if array.ndim else array)
SPARSE_DTYPES = st.sampled_from(["int64", "float32", "float64", "bool"])


@st.composite
def sparse(draw: st.DrawFn) -> Any:
    """A matrix of any form, also one without entries."""
    shape = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    dense = draw(arrays.arrays(draw(SPARSE_DTYPES), shape))
    return _SPARSE[draw(st.sampled_from(sorted(_SPARSE)))](dense)


def nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Lists, tuples and mappings of leaves, in any depth."""
    keys = st.one_of(st.text(max_size=4), st.integers(0, 9))
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.lists(inner, max_size=3).map(tuple),
            st.dictionaries(keys, inner, max_size=3),
        ),
        max_leaves=8,
    )


def same(one: Any, other: Any) -> bool:
    """Whether two values are of one type and hold the same, NaN equal to itself."""
    if type(one) is not type(other):
        return False
    if sp.issparse(one):  # before dict, which one form of them is
        one, other = one.toarray(), other.toarray()
    if isinstance(one, dict):
        return [*one] == [*other] and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, torch.Tensor):
        one, other = one.numpy(), other.numpy()
    if isinstance(one, np.ndarray | np.generic):
        kinds = one.dtype == other.dtype and one.shape == other.shape
        exact = one.dtype.kind not in "fc"
        return kinds and np.array_equal(one, other, equal_nan=not exact)
    return one == other or (one != one and other != other)


@given(nested(st.one_of(SCALARS, ARRAYS, VIEWS, sparse())))
def test_there_and_back(value: Any) -> None:
    file = io.BytesIO()
    torch.save(to_plain(value, "value"), file)
    file.seek(0)
    assert same(from_plain(torch.load(file, weights_only=True)), value)


PICKLED = st.one_of(
    SCALARS,
    st.complex_numbers(),
    st.binary(max_size=5),
    st.binary(max_size=5).map(bytearray),
    st.frozensets(st.integers(0, 9), max_size=3),
    st.sets(st.text(max_size=3), max_size=3),
    ARRAYS,
    VIEWS,
    ARRAYS.filter(np.ndim).map(lambda array: array.ravel()[:1]),
    st.dictionaries(st.text(max_size=3), SCALARS, max_size=3).map(OrderedDict),
    arrays.arrays(st.sampled_from([">i4", "<f8", "U3", "S2"]), st.integers(0, 3)),
    sparse().filter(lambda matrix: matrix.format != "dok"),
)


@given(nested(PICKLED), st.sampled_from([2, 4, 5]))
def test_what_is_pickled_is_read_as_data(value: Any, protocol: int) -> None:
    recorded = RecordingUnpickler(io.BytesIO(pickle.dumps(value, protocol))).load()
    assert same(Rebuilder()(recorded), value)
