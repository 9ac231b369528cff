"""Values of the placeholders that stand for data: tensors, arrays, sparse matrices and the like.

Each is made by a function of this module from arguments that it checks. The names that a file
gives only choose among these functions. What users admit by ``torch.serialization.safe_globals``
is called as they said.
"""

from __future__ import annotations

import math
import pickle
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch

from recbole_showcase.files.recorded import Placeholder
from recbole_showcase.files.recorded_arrays import ARRAY_BUILDERS, Build, check, whole

_SCALARS = (type(None), bool, int, float, complex, str, bytes, bytearray)
_DTYPES = {name: value for name, value in vars(torch).items() if isinstance(value, torch.dtype)}
_LAYOUTS = {
    f"torch.sparse_{form}": getattr(torch, f"sparse_{form}")
    for form in ("coo", "csr", "csc", "bsr", "bsc")
}


class Rebuilder:
    """Makes values of what :func:`~recbole_showcase.integration.unpickle.read_recorded` gives.

    Args:
        strict: Whether what is no data is refused; else its name stands for it.
    """

    def __init__(self, strict: bool = True) -> None:
        self.strict = strict
        self._built: dict[int, tuple[Any, Any]] = {}  # with the original, so that ids stay taken
        self._admitted = dict(map(_named, torch.serialization.get_safe_globals()))

    def __call__(self, value: Any, where: str = "") -> Any:
        """The value of a recorded one.

        Args:
            value: Any nesting of what is read.
            where: Where it stands in the file, for messages.

        Raises:
            pickle.UnpicklingError: If there is something that is no data, or no such data.
        """
        if type(value) in _SCALARS:
            return value
        if id(value) in self._built:
            return self._built[id(value)][1]
        if type(value) is dict:
            return self._fill(value, {}, value.items(), where)
        if type(value) is list:
            made = self._remember(value, [])
            made.extend(self(item, f"{where}[{n}]") for n, item in enumerate(value))
            return made
        if type(value) in (tuple, set, frozenset):
            items = [self(item, f"{where}[{n}]") for n, item in enumerate(value)]
            return self._remember(value, type(value)(items))
        if type(value) is Placeholder:
            return self._of_placeholder(value, where)
        return self._refused(f"a {type(value).__name__}", where)

    def _of_placeholder(self, value: Placeholder, where: str) -> Any:
        name = value.module, value.name
        if name in _MAPPINGS and value.how != "name":
            made = self._fill(value, _MAPPINGS[name](), value.pairs, where)
            for items in value.args[:1] if name[1] == "OrderedDict" else ():
                made.update(self(items, where))  # as protocols 0 and 1 write it
            if type(value.state) is dict and type(made) is OrderedDict:
                # Of a state dict: the versions of the modules.
                made._metadata = self(value.state.get("_metadata"), where)  # type: ignore[attr-defined]
            return made
        if name in _BUILDERS and value.how != "name":
            try:
                made = _BUILDERS[name](value, lambda item: self(item, where))
            except (TypeError, ValueError, AttributeError, IndexError, KeyError) as error:
                raise pickle.UnpicklingError(f"its {where or 'content'} is no {value}") from error
            return self._remember(value, made)
        if str(value) in self._admitted:
            return self._called(value, self._admitted[str(value)], where)
        if value.module == "torch" and value.how == "name" and value.name in _DTYPES:
            return _DTYPES[value.name]
        return self._refused(f"a {value}", where)

    def _called(self, value: Placeholder, admitted: Any, where: str) -> Any:
        """What users let a file have, used as pickle uses it."""
        if value.how == "name":
            return admitted
        args = self(value.args, where)
        keywords = self(value.keywords, where)
        made = (
            admitted(*args)
            if value.how == "call"
            else admitted.__new__(admitted, *args, **keywords)
        )
        self._remember(value, made)
        for key, item in value.pairs:
            made[self(key, where)] = self(item, where)
        for item in value.elements:
            (made.add if isinstance(made, set) else made.append)(self(item, where))
        if value.state is not None:
            _set_state(made, self(value.state, where))
        return made

    def _fill(self, value: Any, made: Any, pairs: Any, where: str) -> Any:
        self._remember(value, made)
        for key, item in pairs:
            inside = f"{where}[{key!r}]" if where else str(key)
            made[self(key, where)] = self(item, inside)
        return made

    def _remember(self, value: Any, made: Any) -> Any:
        self._built[id(value)] = value, made
        return made

    def _refused(self, what: str, where: str) -> Any:
        if not self.strict:
            return what.removeprefix("a ")
        raise pickle.UnpicklingError(
            f"its {where or 'content'} is {what}, which only running code could restore; if you "
            "trust the file, allow the name by torch.serialization.safe_globals, or load it with "
            "trusted=True"
        )


def is_module(value: Any) -> bool:
    """Whether a placeholder stands for a module of PyTorch's, or for its class."""
    if type(value) is not Placeholder:
        return False
    if type(value.state) is dict and {"_parameters", "_modules"} <= set(value.state):
        return True
    return f"{value}".startswith(("torch.nn.", "recbole.model.")) and value.how != "call"


def _named(admitted: Any) -> tuple[str, Any]:
    if isinstance(admitted, tuple):
        return admitted[1], admitted[0]
    return f"{admitted.__module__}.{admitted.__qualname__}", admitted


def _set_state(made: Any, state: Any) -> None:
    if hasattr(made, "__setstate__"):
        made.__setstate__(state)
        return
    state, slots = state if isinstance(state, tuple) and len(state) == 2 else (state, None)
    made.__dict__.update(state or {})
    for key, value in (slots or {}).items():
        setattr(made, key, value)


def _of_items(kind: Any) -> Callable[[Placeholder, Build], Any]:
    def made(value: Placeholder, build: Build) -> Any:
        (items,) = build(value.args) or ((),)
        check(isinstance(items, (list, tuple)))
        return kind(items)

    return made


def _complex(value: Placeholder, build: Build) -> complex:
    real, imaginary = value.args
    check(type(real) is float and type(imaginary) is float)
    return complex(real, imaginary)


def _path(value: Placeholder, build: Build) -> Path:
    check(all(type(part) is str for part in value.args))
    return Path(*value.args)


def _member(value: Placeholder, build: Build) -> Any:
    """A member of one of RecBole's enums, by its value."""
    from recbole.utils import enum_type

    (number,) = value.args
    return getattr(enum_type, value.name)(number)


# PyTorch


def _size(value: Placeholder, build: Build) -> torch.Size:
    return torch.Size(whole(*value.args))


def _device(value: Placeholder, build: Build) -> torch.device:
    kind, *index = value.args
    check(type(kind) is str and all(type(n) is int for n in index))
    return torch.device(kind, *index)


def _tensor(value: Placeholder, build: Build) -> torch.Tensor:
    storage, offset, size, stride, requires_grad, _hooks, *rest = value.args
    check(type(storage) is torch.storage.TypedStorage)
    (offset,), size, stride = whole([offset]), whole(build(size)), whole(build(stride))
    dtype = build(rest.pop(0)) if value.name == "_rebuild_tensor_v3" else storage.dtype
    metadata = build(rest[0]) if rest else None
    check(isinstance(dtype, torch.dtype) and len(size) == len(stride))
    check(metadata is None or all(type(bit) is bool for bit in metadata.values()))
    reach = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True)) + 1
    check(math.prod(size) == 0 or reach * dtype.itemsize <= storage._untyped_storage.nbytes())
    rebuild: Any = getattr(torch._utils, value.name)
    more = (dtype,) if value.name == "_rebuild_tensor_v3" else ()
    hooks: OrderedDict[str, Any] = OrderedDict()
    return rebuild(storage, offset, size, stride, requires_grad is True, hooks, *more, metadata)  # type: ignore[no-any-return]


def _parameter(value: Placeholder, build: Build) -> torch.nn.Parameter:
    tensor, requires_grad, *_ = value.args
    tensor = build(tensor)
    check(isinstance(tensor, torch.Tensor))
    return torch.nn.Parameter(tensor, requires_grad is True)


def _tensor_with_attributes(value: Placeholder, build: Build) -> torch.Tensor:
    """A tensor without the attributes that somebody has given it."""
    function, kind, args, _ = value.args
    check(str(kind) in ("torch.Tensor", "torch.nn.parameter.Parameter"))
    tensor = build(Placeholder(function.module, function.name, "call", args))
    check(isinstance(tensor, torch.Tensor))
    return tensor


def _layout(value: Placeholder, build: Build) -> torch.layout:
    return _LAYOUTS[value.args[0]]


def _sparse_tensor(value: Placeholder, build: Build) -> torch.Tensor:
    layout, data = build(value.args)
    if layout is torch.sparse_coo:
        indices, values, size, *coalesced = data
        made = torch.sparse_coo_tensor(indices, values, whole(size), check_invariants=True)
        return made.coalesce() if coalesced == [True] else made
    outer, inner, values, size = data
    return torch.sparse_compressed_tensor(
        outer, inner, values, whole(size), layout=layout, check_invariants=True
    )


# SciPy


def _sparse_matrix(value: Placeholder, build: Build) -> Any:
    kind, state = getattr(sp, value.name), value.state
    shape = whole(build(state.get("_shape", state.get("shape"))))
    form = value.name.partition("_")[0]
    if form == "lil":
        rows, data = (_lists(state[key], build) for key in ("rows", "data"))
        check(len(rows) == len(data) == shape[0])
        lengths = [len(row) for row in rows]
        entries = np.concatenate([np.empty(0, build(state["dtype"])), *map(np.array, data)])
        places = np.repeat(np.arange(len(rows)), lengths), np.concatenate([[], *rows]).astype(int)
        coo = sp.coo_matrix((entries, places), shape, dtype=build(state["dtype"]))
        return kind(coo)
    data = build(state["data"])
    if form == "coo":
        places = state["coords"] if "coords" in state else (state["row"], state["col"])
        return kind((data, build(places)), shape)
    if form == "dia":
        return kind((data, build(state["offsets"])), shape)
    made = kind((data, build(state["indices"]), build(state["indptr"])), shape)
    made.check_format(full_check=True)
    return made


def _lists(value: Placeholder, build: Build) -> list[list[Any]]:
    """The rows of a matrix of lists, which NumPy holds as an array of objects."""
    lists = build(value.state[4])
    check(isinstance(lists, list) and all(isinstance(row, list) for row in lists))
    return lists


_MAPPINGS: Mapping[tuple[str, str], Callable[[], Any]] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("collections", "defaultdict"): dict,
}
_ENUMS = (
    "EvaluatorType",
    "FeatureSource",
    "FeatureType",
    "InputType",
    "KGDataLoaderState",
    "ModelType",
)
_BUILDERS: dict[tuple[str, str], Callable[[Placeholder, Build], Any]] = {
    **ARRAY_BUILDERS,
    ("builtins", "complex"): _complex,
    ("builtins", "frozenset"): _of_items(frozenset),
    ("builtins", "set"): _of_items(set),
    ("torch", "Size"): _size,
    ("torch", "device"): _device,
    ("torch._tensor", "_rebuild_from_type_v2"): _tensor_with_attributes,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): _parameter,
    ("torch._utils", "_rebuild_sparse_tensor"): _sparse_tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_tensor_v3"): _tensor,
    ("torch.serialization", "_get_layout"): _layout,
    **{("recbole.utils.enum_type", name): _member for name in _ENUMS},
    **{
        (module, f"{flavour}Path"): _path
        for module in ("pathlib", "pathlib._local")
        for flavour in ("", "Posix", "Windows", "Pure", "PurePosix", "PureWindows")
    },
    **{
        (f"scipy.sparse.{private}{form}", f"{form}_{kind}"): _sparse_matrix
        for private in ("", "_")
        for form in ("bsr", "coo", "csc", "csr", "dia", "lil")
        for kind in ("matrix", "array")
    },
}
