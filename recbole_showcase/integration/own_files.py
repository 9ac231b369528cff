"""Checkpoints of this process: names that it has claimed, and files that it wrote."""

from __future__ import annotations

import os
import weakref
from contextlib import suppress
from typing import Any

import torch

_Identity = tuple[int, int, int]
_WRITTEN: dict[str, _Identity] = {}


def claimed(path: str, owner: object) -> str:
    """A path that no other run has: the given one, or numbered if that is taken.

    The file is made, empty, so that a run that begins in the same second does not take it too.

    Args:
        path: Where to save, in a folder that exists.
        owner: Who saves. When it is gone and has saved nothing, the empty file goes too.
    """
    stem, suffix = os.path.splitext(path)
    number = 1
    while True:
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            break
        except FileExistsError:
            number += 1
            path = f"{stem}-{number}{suffix}"
    weakref.finalize(owner, _remove_if_empty, os.path.abspath(path), os.getpid())
    return path


def save_and_note(value: Any, file: Any, *args: Any, **kwargs: Any) -> None:
    """``torch.save``, and remember the file as one that this process wrote."""
    torch.save(value, file, *args, **kwargs)
    if isinstance(file, (str, os.PathLike)):
        note_written(file)


def note_written(path: str | os.PathLike[str]) -> None:
    """Remember a file as one that this process wrote, as it is now."""
    _WRITTEN[os.path.realpath(path)] = _identity(path)


def written_here(path: str | os.PathLike[str]) -> bool:
    """Whether this process noted the file as its own, and nobody wrote it since."""
    return _WRITTEN.get(os.path.realpath(path)) == _identity(path)


def _identity(path: str | os.PathLike[str]) -> _Identity:
    found = os.stat(path)
    return found.st_ino, found.st_size, found.st_mtime_ns


def _remove_if_empty(path: str, process: int) -> None:
    if os.getpid() != process:  # a copy of the owner, in a process that was forked
        return
    with suppress(OSError):
        if os.path.getsize(path) == 0:
            os.remove(path)
