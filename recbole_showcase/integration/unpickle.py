"""Reading a pickle as data: nothing that a file names is imported, and nothing in it is called.

RecBole saves with pickle protocol 4, which PyTorch's own reader of plain data does not know. Here
reading has two steps. :class:`RecordingUnpickler` notes what the file wants: every name, call and
state becomes a :class:`Placeholder`. :mod:`recbole_showcase.integration.rebuild` then makes values
of those few placeholders that stand for data.
"""

from __future__ import annotations

import os
import pickle
import types
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch


@dataclass(eq=False, repr=False)
class Placeholder:
    """What a pickle names, and what it would do with it.

    Attributes:
        module: The module that the file gives for the name.
        name: The name, dotted if it is inside a class.
        how: ``name`` if nothing is done with it, ``call`` if it would be called, ``new`` if an
            instance would be made without calling it.
        args: The arguments of the call.
        keywords: Its named arguments.
        state: What the instance would be given as its state.
        pairs: Keys and values that would be set in it.
        elements: What would be added to it.
    """

    module: str
    name: str
    how: str = "name"
    args: tuple[Any, ...] = ()
    keywords: dict[Any, Any] = field(default_factory=dict)
    state: Any = None
    pairs: list[tuple[Any, Any]] = field(default_factory=list)
    elements: list[Any] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"{self.module}.{self.name}"


class RecordingUnpickler(pickle._Unpickler):
    """An unpickler that records what :class:`pickle.Unpickler` would import, call and set.

    Only lists, tuples, sets, mappings, strings and numbers are made while reading.
    """

    sizes: ClassVar[dict[str, int]] = {}  # of the members of the archive, in bytes
    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = dict(pickle._Unpickler.dispatch)
    stack: list[Any]
    append: Callable[[Any], None]
    pop_mark: Callable[[], list[Any]]

    def find_class(self, module: str, name: str) -> Placeholder:
        """A placeholder for the name, whatever it is."""
        return Placeholder("builtins" if module == "__builtin__" else module, name)

    def get_extension(self, code: int) -> None:
        """A placeholder for a name that ``copyreg`` has a number for."""
        self.append(Placeholder("copyreg", f"extension {code}"))

    def _instantiate(self, named: Any, args: list[Any]) -> None:
        self.append(_recorded(named, "call", tuple(args)))

    def _load_reduce(self) -> None:
        args, named = self.stack.pop(), self.stack.pop()
        self.append(_recorded(named, "call", args))

    def _load_newobj(self) -> None:
        args, named = self.stack.pop(), self.stack.pop()
        self.append(_recorded(named, "new", args))

    def _load_newobj_ex(self) -> None:
        keywords, args, named = self.stack.pop(), self.stack.pop(), self.stack.pop()
        if type(keywords) is not dict:
            raise pickle.UnpicklingError("it gives named arguments that are no mapping")
        self.append(_recorded(named, "new", args, keywords))

    def _load_build(self) -> None:
        state = self.stack.pop()
        _placeholder(self.stack[-1], "sets the state of").state = state

    def _load_binpersid(self) -> None:
        self.append(self.persistent_load(_checked_storage(self.stack.pop(), self.sizes)))

    def _load_append(self) -> None:
        element = self.stack.pop()
        self._add([element])

    def _load_appends(self) -> None:
        self._add(self.pop_mark())

    def _add(self, elements: list[Any]) -> None:
        to = self.stack[-1]
        if type(to) is list:
            to.extend(elements)
        elif type(to) is set:
            to.update(elements)
        else:
            _placeholder(to, "adds to").elements.extend(elements)

    def _load_setitem(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set([key, value])

    def _load_setitems(self) -> None:
        self._set(self.pop_mark())

    def _set(self, items: list[Any]) -> None:
        to, pairs = self.stack[-1], list(zip(items[::2], items[1::2], strict=True))
        if type(to) is dict:
            to.update(pairs)
        else:
            _placeholder(to, "sets items of").pairs.extend(pairs)

    dispatch.update(
        {
            pickle.REDUCE[0]: _load_reduce,
            pickle.NEWOBJ[0]: _load_newobj,
            pickle.NEWOBJ_EX[0]: _load_newobj_ex,
            pickle.BUILD[0]: _load_build,
            pickle.BINPERSID[0]: _load_binpersid,
            pickle.APPEND[0]: _load_append,
            pickle.APPENDS[0]: _load_appends,
            pickle.ADDITEMS[0]: _load_appends,
            pickle.SETITEM[0]: _load_setitem,
            pickle.SETITEMS[0]: _load_setitems,
        }
    )


def read_recorded(path: str | os.PathLike[str], map_location: Any) -> Any:
    """Read a file of ``torch.save``: its tensors' storages, and placeholders for all but data.

    Raises:
        pickle.UnpicklingError: If it asks for what no pickler writes.
    """
    with zipfile.ZipFile(path) as archive:
        members = {item.filename.partition("/")[2]: item.file_size for item in archive.infolist()}

    class Unpickler(RecordingUnpickler):
        sizes = members

    stand_in = types.ModuleType("pickle")
    stand_in.Unpickler = Unpickler  # type: ignore[attr-defined]
    stand_in.UnpicklingError = pickle.UnpicklingError  # type: ignore[attr-defined]
    return torch.load(
        path, map_location=map_location, weights_only=False, pickle_module=stand_in, mmap=False
    )


def _recorded(
    named: Any, how: str, args: Any, keywords: dict[Any, Any] | None = None
) -> Placeholder:
    """What is made of a name; what is made of that in turn has a name that nothing has."""
    callee = _placeholder(named, "calls")
    if type(args) is not tuple:
        raise pickle.UnpicklingError(f"it gives {callee} arguments that are no tuple")
    name = callee.name if callee.how == "name" else f"{callee.name}(...)"
    return Placeholder(callee.module, name, how, args, keywords or {})


def _placeholder(value: Any, deed: str) -> Placeholder:
    if type(value) is not Placeholder:
        raise pickle.UnpicklingError(f"it {deed} a {type(value).__name__}")
    return value


def _checked_storage(key: Any, sizes: dict[str, int]) -> tuple[Any, ...]:
    """How a pickle names the numbers of a tensor; PyTorch trusts it with types and sizes."""
    if type(key) is not tuple or len(key) != 5:
        raise pickle.UnpicklingError("it names no storage of a tensor")
    kind, storage, name, location, size = key
    if type(storage) is Placeholder and storage.name == "UntypedStorage":
        storage = torch.UntypedStorage
    elif type(storage) is not torch.serialization.StorageType:
        raise pickle.UnpicklingError(f"it names a storage of the type {storage!r}")
    if not all(type(text) is str for text in (kind, name, location)) or type(size) is not int:
        raise pickle.UnpicklingError("it names no storage of a tensor")
    item = 1 if storage is torch.UntypedStorage else storage.dtype.itemsize
    if sizes.get(f"data/{name}") != size * item:
        raise pickle.UnpicklingError(f"its storage '{name}' is not as large as it says")
    return kind, storage, name, location, size
