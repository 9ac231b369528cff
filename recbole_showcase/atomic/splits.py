"""Gest's one object of splits, read as a stream: nothing of it is unpacked to the disk."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import groupby
from pathlib import Path

from recbole_showcase.atomic.sources import (
    LONGEST_LINE,
    READ_BYTES,
    decompressing,
    half_pairs_mended,
    open_plain,
)
from recbole_showcase.errors import DataError

# A quote inside a JSON text is escaped, so this cannot match there.
_HEAD = re.compile(rb'[{,]\s*"(train|val|test)"\s*:\s*\[')
_FIRST = re.compile(rb'\s*\{\s*"(train|val|test)"\s*:\s*\[')
_MARGIN = 1 << 16  # a head, and the end of the split before it, are shorter than this
_BETWEEN = (b",", b" ", b"]")  # no escape of a JSON text has one of these in it


def has_split(source: Path) -> bool:
    """Whether a file is one object of splits (rather than one review a line)."""
    plain, below = open_plain(source)
    with below, plain, decompressing(source):
        return _FIRST.match(plain.read(4096)) is not None


def arrays_of(source: Path) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Each split of a file by its name, as blocks of the JSON array that it is.

    The blocks of a split are to be read before the next split is asked for, as of ``groupby``.

    Raises:
        DataError: The file cannot be decompressed, is cut off, or is no object of splits.
    """
    for name, blocks in groupby(_blocks(source), key=lambda block: block[0]):
        yield name, (half_pairs_mended(text) for _, text in blocks)


def _blocks(source: Path) -> Iterator[tuple[str, bytes]]:
    """Cut the object where a split begins, and elsewhere where no escape is cut."""
    name, text = "", b""
    plain, below = open_plain(source)
    with below, plain, decompressing(source):
        while block := plain.read(READ_BYTES):
            text += block
            while head := _HEAD.search(text):
                if name:
                    yield name, _ended(text[: head.start()], rb"", source, name)
                name, text = head[1].decode(), text[head.end() - 1 :]
            last = len(text) - _MARGIN
            cut = max(text.rfind(sign, 0, last) for sign in _BETWEEN) if last > 0 else 0
            if cut > 0 and name:
                yield name, text[:cut]
                text = text[cut:]
            elif len(text) > LONGEST_LINE:
                raise DataError(f"{source}: longer than {LONGEST_LINE:,} bytes between two commas")
    yield name, _ended(text, rb"\}", source, name)


def _ended(text: bytes, closing: bytes, source: Path, name: str) -> bytes:
    """The text up to the end of its array, behind which nothing may be but what closes it."""
    end = re.search(rb"\]\s*" + closing + rb"\s*\Z", text)
    if end is None:
        raise DataError(f"{source} is cut off in the split {name!r}")
    return text[: end.start() + 1]


@contextmanager
def as_a_file(blocks: Iterable[bytes]) -> Iterator[str]:
    """Give a path that blocks can be read from once, while a thread makes them.

    Raises:
        Exception: What making them raised, rather than what the reader makes of a text cut off.
    """
    ours, theirs = os.pipe()
    failed: list[Exception] = []

    def write() -> None:
        try:
            with suppress(BrokenPipeError), os.fdopen(theirs, "wb") as file:
                file.writelines(blocks)
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=write, name="decompress", daemon=True)
    thread.start()
    try:
        try:
            yield f"/dev/fd/{ours}"
        finally:
            os.close(ours)  # whoever writes on is told so
            thread.join()
    except Exception as error:
        raise (failed or [error])[0]  # noqa: B904 - one of them is the cause of the other
    if failed:
        raise failed[0]
