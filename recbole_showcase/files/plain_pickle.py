"""Pickles of plain data: lists, tuples, mappings, sets, texts and numbers, and nothing else.

A pickle is a program, which may import and call whatever it names. Here the instructions that build
plain values are carried out, and any other ends the reading. They are carried out in Python, as by
:mod:`recbole_showcase.files.recorded`, whose memory of values is a mapping: the compiled reader
takes as many places as the highest number that a file makes up.
"""

from __future__ import annotations

import pickle
import pickletools
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from recbole_showcase.files.recorded import RecordingUnpickler, SizedFile

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
_NAMES = {ord(opcode.code): opcode.name for opcode in pickletools.opcodes}


class NotPlain(pickle.UnpicklingError):
    """A pickle asks for more than plain data."""


def _refuse(code: int) -> Callable[[Any], None]:
    def refuse(unpickler: Any) -> None:
        raise NotPlain(f"it asks for {_NAMES[code]}, and is read only if it holds plain data")

    return refuse


class _PlainUnpickler(RecordingUnpickler):
    """The unpickler with the instructions that make plain values, and no other."""

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = {
        code: RecordingUnpickler.dispatch[code] if name in _PLAIN else _refuse(code)
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
            return _PlainUnpickler(SizedFile(file), encoding="utf-8").load()
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
