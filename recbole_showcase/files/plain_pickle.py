"""Pickles of plain data: lists, tuples, mappings, sets, texts and numbers, and nothing else.

A pickle is a program, which may import and call whatever it names. Here the instructions that build
plain values are carried out, and any other ends the reading. They are carried out in Python, whose
memory of values is a mapping: the compiled reader takes as many places as the highest number that a
file makes up.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

LARGEST = 1 << 32  # bytes of a file; what it holds takes several times as much memory
_PLAIN = {
    "PROTO", "FRAME", "STOP", "MARK", "POP", "POP_MARK", "DUP", "PUT", "BINPUT", "LONG_BINPUT",
    "MEMOIZE", "GET", "BINGET", "LONG_BINGET", "NONE", "NEWTRUE", "NEWFALSE", "INT", "BININT",
    "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING",
    "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES",
    "SHORT_BINBYTES", "BINBYTES8", "EMPTY_LIST", "LIST", "APPEND", "APPENDS", "EMPTY_DICT",
    "DICT", "SETITEM", "SETITEMS", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3",
    "EMPTY_SET", "ADDITEMS", "FROZENSET",
}  # fmt: skip
_HASHING = {"SETITEM", "SETITEMS", "DICT", "ADDITEMS", "FROZENSET"}
_KEYS = {str, bytes, int, float, bool, type(None)}
_NAMES = {ord(opcode.code): opcode.name for opcode in pickletools.opcodes}


class NotPlain(pickle.UnpicklingError):
    """A pickle asks for more than plain data."""


def _refuse(code: int) -> Callable[[Any], None]:
    def refuse(unpickler: Any) -> None:
        raise NotPlain(f"it asks for {_NAMES[code]}, and is read only if it holds plain data")

    return refuse


def _hashing(code: int) -> Callable[[Any], None]:
    """An instruction that hashes what lies on the stack, of which each value is looked at first.

    A tuple that holds another twice, and that one another, takes twice as long for each to hash.
    """
    carry_out = pickle._Unpickler.dispatch[code]

    def hash_plain(unpickler: Any) -> None:
        one = _NAMES[code] == "SETITEM"
        values = unpickler.stack[-2:-1] if one else unpickler.stack
        step = 2 if _NAMES[code] in ("SETITEMS", "DICT") else 1
        for value in values[::step]:
            if type(value) not in _KEYS:
                kind = type(value).__name__
                raise NotPlain(
                    f"it has a {kind} as a key or in a set, where only texts and numbers are"
                )
        carry_out(unpickler)

    return hash_plain


class _PlainUnpickler(pickle._Unpickler):
    """Python's unpickler with the instructions that make plain values, and no other."""

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = {
        code: (
            _refuse(code)
            if name not in _PLAIN
            else _hashing(code)
            if name in _HASHING
            else pickle._Unpickler.dispatch[code]
        )
        for code, name in _NAMES.items()
    }

    def find_class(self, module: str, name: str) -> Any:
        """Nothing that is named is looked up.

        Raises:
            NotPlain: Always.
        """
        raise NotPlain(f"it names {module}.{name}, and is read only if it holds plain data")


def read_plain_pickle(path: Path) -> Any:
    """The value of a pickle that holds plain data.

    One value may stand in several places of it, so that it may be far larger than the file, or a
    part of itself: look at no more of it than is needed, and count what is looked at.

    Args:
        path: The file, not compressed. Texts of Python 2 are read as UTF-8.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no pickle, is cut off, asks for anything but plain data, or is larger than
            4 GiB.
    """
    size = path.stat().st_size
    if size > LARGEST:
        raise ValueError(f"it is of {size:,} bytes; at most {LARGEST:,} are read")
    with path.open("rb") as file:
        try:
            return _PlainUnpickler(_Ending(file, size), encoding="utf-8").load()
        except OSError:
            raise
        except NotPlain as error:
            raise ValueError(str(error)) from error
        except KeyError as error:  # of an instruction, or of a value that is to be remembered
            raise ValueError("it is no pickle") from error
        except (
            pickle.UnpicklingError, EOFError, AttributeError, IndexError, TypeError,
            ValueError, MemoryError, OverflowError, RecursionError, struct.error,
        ) as error:  # fmt: skip
            said = str(error).partition("\n")[0][:200] or type(error).__name__
            raise ValueError(f"it is no whole pickle of plain data: {said}") from error


class _Ending:
    """A file of which nobody asks for more than is left of it, which would be made room for."""

    def __init__(self, file: io.BufferedReader, size: int) -> None:
        self._file, self._size = file, size
        self.readline, self.readinto = file.readline, file.readinto

    def read(self, size: int) -> bytes:
        """Read so many bytes; raises EOFError if there are not as many."""
        if size > 1 << 16 and size > self._size - self._file.tell():
            raise EOFError("it is cut off")
        return self._file.read(size)
