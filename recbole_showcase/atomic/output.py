"""A data set's folder that appears whole or not at all, and never takes another's place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recbole_showcase.atomic.account import is_ours
from recbole_showcase.atomic.photos import CONVERSION_FILE
from recbole_showcase.errors import DataError
from recbole_showcase.files.replace import replaced_folder


@contextmanager
def output_folder(out: Path, overwrite: bool) -> Iterator[Path]:
    """Give a folder beside ``out`` to write to, and put it in its place at the end.

    What is in ``out`` stays untouched until everything is written. When ours is
    overwritten, what the converter did not write (such as ``photos``) moves to the new
    folder; features do not, since they belong to the old texts.

    Args:
        out: The data set's folder, ``DATA/NAME``.
        overwrite: Replace a data set that a converter wrote.

    Raises:
        DataError: ``out`` has no name, or is there and not ours, or ours without
            ``overwrite``.
    """
    _check(out, overwrite)
    stem = re.escape(out.name)
    tables = rf"{stem}(\.(train|valid|test))?\.inter|{stem}\.(item|review|image|features)"
    written = re.compile(rf"{tables}|{re.escape(CONVERSION_FILE)}")
    with replaced_folder(out, keep=lambda name: not written.fullmatch(name)) as partial:
        yield partial
        _check(out, overwrite)


def _check(out: Path, overwrite: bool) -> None:
    if not out.name or out.name in (".", ".."):
        raise DataError(f"{out} does not name a data set; expected a folder such as DATA/NAME")
    if not out.exists() and not out.is_symlink():
        return
    if not out.is_dir():
        raise DataError(f"{out} is there and is no folder")
    if not any(out.iterdir()):
        return
    if not is_ours(out):
        raise DataError(f"{out} is there and was not written by a converter: it is left alone")
    if not overwrite:
        raise DataError(f"{out} is there; --overwrite replaces it")
