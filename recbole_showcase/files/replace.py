"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


@contextmanager
def replaced(path: Path, sync: bool = False) -> Iterator[Path]:
    """Give a path beside ``path`` to write to, and put what is there in its place at the end.

    If writing fails, ``path`` stays as it was and nothing is left beside it.

    Args:
        path: The file, in a folder that exists.
        sync: Whether the content must have reached the disk before it takes the place, so that
            not even a power cut leaves an empty file.
    """
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        yield partial
        if sync:
            with partial.open("r+b") as file:
                sync_to_disk(file)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def replace_text(path: Path, text: str) -> None:
    """Write a text as UTF-8, whole or not at all."""
    with replaced(path) as partial:
        partial.write_text(text, encoding="utf-8")


@contextmanager
def replaced_folder(
    folder: Path, keep: Callable[[str], bool] = lambda name: False
) -> Iterator[Path]:
    """Give an empty folder to fill, and put it in the place of ``folder`` at the end.

    If filling fails, ``folder`` stays as it was and nothing is left beside it.

    Args:
        folder: The folder; the folders above it are made.
        keep: Tells by name what moves from the old folder to the new one, unless the new one
            has something of that name.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.partial-", dir=folder.parent))
    new, old = aside / "new", aside / "old"
    new.mkdir()
    try:
        yield new
        put_in_place(new, folder, old)
        if old.exists():
            _move_kept(old, folder, keep)
        shutil.rmtree(aside)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        with suppress(OSError):  # what could not be moved out of the old folder is not deleted
            aside.rmdir()


def put_in_place(new: Path, folder: Path, old: Path) -> None:
    """Rename a folder to ``folder``; what was there becomes ``old``, or stays if that fails."""
    if not folder.exists():
        os.rename(new, folder)
        return
    os.rename(folder, old)
    try:
        os.rename(new, folder)
    except OSError:
        os.rename(old, folder)
        raise


def sync_to_disk(file: IO[bytes] | IO[str]) -> None:
    """Return when all that was written to a file has reached the disk."""
    file.flush()
    os.fsync(file.fileno())


def _move_kept(old: Path, folder: Path, keep: Callable[[str], bool]) -> None:
    for entry in old.iterdir():
        if keep(entry.name) and not (folder / entry.name).exists():
            os.rename(entry, folder / entry.name)
