"""Reading a pickle as data: nothing that a file names is imported, and nothing in it is called.

:class:`RecordingUnpickler` notes what the file wants: every name, call and state becomes a
:class:`Placeholder`. Who knows what the file ought to hold makes values of those few placeholders
that stand for data: :mod:`recbole_showcase.files.recorded_arrays` arrays,
:mod:`recbole_showcase.files.pickled_frames` frames of pandas, and
:mod:`recbole_showcase.integration.rebuild` what RecBole saves.
"""

from __future__ import annotations

import os
import pickle
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

_LARGEST_KEY = 1 << 10  # values
_LONGEST_LINE = 1 << 20  # of a protocol that writes texts and numbers as lines


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

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = dict(pickle._Unpickler.dispatch)
    stack: list[Any]
    append: Callable[[Any], None]
    read: Callable[[int], bytes]
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
            to.update(_hashable(elements))
        else:
            _placeholder(to, "adds to").elements.extend(elements)

    def _load_bytearray8(self) -> None:
        # Python's own makes room for as much as the file says before it reads.
        (size,) = struct.unpack("<Q", self.read(8))
        self.append(bytearray(self.read(size)))

    def _load_setitem(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set([key, value])

    def _load_setitems(self) -> None:
        self._set(self.pop_mark())

    def _set(self, items: list[Any]) -> None:
        to, pairs = self.stack[-1], list(zip(items[::2], items[1::2], strict=True))
        if type(to) is dict:
            _hashable(items[::2])
            to.update(pairs)
        else:
            _placeholder(to, "sets items of").pairs.extend(pairs)

    def _load_dict(self) -> None:
        items = self.pop_mark()
        self.append(dict(zip(_hashable(items[::2]), items[1::2], strict=True)))

    def _load_frozenset(self) -> None:
        elements = self.pop_mark()  # first: it changes where `append` leads
        self.append(frozenset(_hashable(elements)))

    dispatch.update(
        {
            pickle.DICT[0]: _load_dict,
            pickle.FROZENSET[0]: _load_frozenset,
            pickle.REDUCE[0]: _load_reduce,
            pickle.NEWOBJ[0]: _load_newobj,
            pickle.NEWOBJ_EX[0]: _load_newobj_ex,
            pickle.BUILD[0]: _load_build,
            pickle.APPEND[0]: _load_append,
            pickle.APPENDS[0]: _load_appends,
            pickle.ADDITEMS[0]: _load_appends,
            pickle.BYTEARRAY8[0]: _load_bytearray8,
            pickle.SETITEM[0]: _load_setitem,
            pickle.SETITEMS[0]: _load_setitems,
        }
    )


class SizedFile:
    """A file of which no more is asked than it holds, as a damaged or hostile pickle would."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._left = os.fstat(file.fileno()).st_size

    def read(self, size: int) -> bytes:
        """So many bytes, as of a file."""
        if not 0 <= size <= self._left:
            raise pickle.UnpicklingError("it is cut off, or gives a size that it does not have")
        self._left -= size
        return self._file.read(size)

    def readline(self) -> bytes:
        """Up to the end of a line, as of a file."""
        line = self._file.readline(_LONGEST_LINE)
        self._left -= len(line)
        return line


def _hashable(values: list[Any]) -> list[Any]:
    """Keys of a mapping, or what stands in a set.

    A tuple that holds another twice, and that one another, is a few bytes of a file, and takes
    twice as long to hash for each.

    Raises:
        pickle.UnpicklingError: One is a tuple of more than a thousand values, counted as often as
            they stand in it.
    """
    for value in values:
        left, parts = _LARGEST_KEY, [value] if type(value) in (tuple, frozenset) else []
        while parts:
            own = parts.pop()
            left -= len(own) + 1
            if left < 0:
                raise pickle.UnpicklingError("it has a key of too many values")
            parts += (part for part in own if type(part) in (tuple, frozenset))
    return values


def read_pickle(path: Path) -> Any:
    """What a pickle records: plain data, and placeholders for all else.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no pickle, is cut off, or asks for what no pickler writes.
    """
    with path.open("rb") as file:
        try:
            return RecordingUnpickler(SizedFile(file)).load()
        except OSError:
            raise
        except Exception as error:  # what is no pickle raises nearly anything
            said = str(error).partition("\n")[0] or type(error).__name__
            raise ValueError(f"it is no pickle that can be read: {said}") from error


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
