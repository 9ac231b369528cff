"""Raw files: found by name or pattern, and cut into plain pieces while they are decompressed."""

from __future__ import annotations

import errno
import glob
import gzip
import mmap
import queue
import re
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from recbole_showcase.errors import DataError
from recbole_showcase.files.plain import parse_json

READ_BYTES = 1 << 20
# A small gz file may hold GBs without a line's end; no review is that long.
LONGEST_LINE = 1 << 26
# What writing beside a file that is read may end with, and reading never.
_OF_WRITING = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
_GZIP_MAGIC = b"\x1f\x8b"
_HIGH, _LOW = rb"\\u[dD][89abAB][0-9a-fA-F]{2}", rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
# Quick, and right but for a backslash that is escaped itself.
_HALF_PAIR = re.compile(rb"%b(?!%b)|%b(?<!%b%b)" % (_HIGH, _LOW, _LOW, _HIGH, _LOW))
_ESCAPE = re.compile(rb"%b%b|(%b|%b)|\\." % (_HIGH, _LOW, _HIGH, _LOW))


@dataclass(frozen=True)
class Piece:
    """Some whole lines of a raw file, as a plain file of their own.

    Attributes:
        source: The raw file.
        path: The piece.
        first_line: Number of its first line in the raw file, from 1.
        position: How far (in bytes on disk) the raw file had been read.
    """

    source: Path
    path: Path
    first_line: int
    position: int


def expand(patterns: Sequence[str | Path], what: str) -> list[Path]:
    """Find files by name or pattern, each once, in the order given (patterns sorted).

    Raises:
        DataError: They are no list, a file is missing or a folder, or a pattern matches nothing.
    """
    if isinstance(patterns, str | Path) or not isinstance(patterns, Iterable):
        raise DataError(f"{what} files are {str(patterns)!r}; allowed is a list of files")
    files: dict[Path, None] = {}
    for pattern in patterns:
        if Path(pattern).is_file():
            files[Path(pattern)] = None
            continue
        found = [Path(name) for name in sorted(glob.glob(str(pattern), recursive=True))]
        found = [path for path in found if path.is_file()]
        if not found and Path(pattern).is_dir():
            raise DataError(f"{what} file '{pattern}' is a folder; a file is meant")
        if not found:
            raise DataError(f"no {what} file {pattern}")
        files.update(dict.fromkeys(found))
    return list(files)


def open_plain(path: Path) -> tuple[BinaryIO, BinaryIO]:
    """Open a gz or plain file; return its plain content and the file on disk below it.

    ISA-L decompresses nearly three times as fast as zlib; it has no wheel for every machine.
    """
    reader: Any = gzip.GzipFile
    with suppress(ImportError):
        reader = import_module("isal.igzip").IGzipFile
    below = path.open("rb")
    magic = below.read(2)
    below.seek(0)
    if magic == _GZIP_MAGIC:
        return reader(fileobj=below, mode="rb"), below
    return below, below


def first_row(path: Path) -> dict[str, Any]:
    """The first object of a file of JSON lines; an empty one if its first line is none.

    Raises:
        DataError: The file cannot be decompressed or read.
    """
    plain, below = open_plain(path)
    with below, plain, decompressing(path):
        line = plain.readline(READ_BYTES)
    with suppress(ValueError):
        found = parse_json(line)
        return found if isinstance(found, dict) else {}
    return {}


@contextmanager
def decompressing(source: Path) -> Iterator[None]:
    """Turn what goes wrong while a file is read and decompressed into an error that names it.

    Raises:
        DataError: The file is cut off or damaged, or the disk cannot read it.
    """
    damage: tuple[type[Exception], ...] = (EOFError, gzip.BadGzipFile, zlib.error)
    with suppress(ImportError):
        damage = (*damage, import_module("isal.isal_zlib").error)
    try:
        yield
    except damage as error:
        raise DataError(f"{source} cannot be decompressed: {error}") from error
    except OSError as error:
        if error.filename is not None or error.errno in _OF_WRITING:
            raise
        raise DataError(f"{source} cannot be read: {error}") from error


def pieces(files: Sequence[Path], folder: Path, size: int, limit: int | None) -> Iterator[Piece]:
    """Cut raw files into plain pieces of about ``size`` bytes that end at a line's end.

    A thread decompresses the next piece while the caller works on this one, so that at most
    two pieces are on disk beside it. The caller deletes a piece when it is done with it.

    Args:
        files: gz or plain files of lines.
        folder: Where the pieces are put.
        size: Bytes of a piece.
        limit: Stop after this many lines in all.

    Raises:
        DataError: A file cannot be decompressed.
    """
    done: queue.Queue[Piece | BaseException | None] = queue.Queue(maxsize=1)
    stop = threading.Event()

    def put(result: Piece | BaseException | None) -> bool:
        while not stop.is_set():
            try:
                done.put(result, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            _cut(files, folder, size, limit, put)
            put(None)
        except BaseException as error:
            put(error)

    thread = threading.Thread(target=work, name="decompress", daemon=True)
    thread.start()
    try:
        while (result := done.get()) is not None:
            if isinstance(result, BaseException):
                raise result
            yield result
    finally:
        stop.set()
        thread.join()


def mend_half_pairs(path: Path) -> None:
    """Write U+FFFD for each half of a surrogate pair in a JSON file, see half_pairs_mended."""
    with path.open("rb") as file:
        if not path.stat().st_size:
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
            if _HALF_PAIR.search(text) is None:
                return
            mended = [half_pairs_mended(line) for line in iter(text.readline, b"")]
    path.write_bytes(b"".join(mended))


def half_pairs_mended(text: bytes) -> bytes:
    r"""A part of a JSON file with U+FFFD for each half of a surrogate pair.

    Python writes such a half as ``\ud83d``, and DuckDB takes its line for broken.
    """
    if _HALF_PAIR.search(text) is None:
        return text
    return _ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], text)


def count_lines(text: bytes) -> int:
    """Count line ends; five times as fast as ``bytes.count``."""
    return int(np.count_nonzero(np.frombuffer(text, dtype=np.uint8) == ord("\n")))


def _cut(
    files: Sequence[Path],
    folder: Path,
    size: int,
    limit: int | None,
    put: Callable[[Piece], bool],
) -> None:
    """Write the pieces of all files and hand them on, until ``put`` refuses one."""
    number = 0
    for source in files:
        plain, below = open_plain(source)
        first_line, rest, ended = 1, b"", False
        with below, plain:
            while not ended and limit != 0:
                path = folder / f"piece-{number}.json"
                number += 1
                with decompressing(source), _bounded(source, first_line):
                    lines, rest, ended = _write_piece(plain, path, rest, size, limit)
                mend_half_pairs(path)
                if not put(Piece(source, path, first_line, below.tell())):
                    return
                first_line += lines
                limit = None if limit is None else limit - lines


class _TooLong(Exception):
    """A line is too long; tells how many lines of the piece stand before it."""


@contextmanager
def _bounded(source: Path, first_line: int) -> Iterator[None]:
    """Name the line that is too long.

    Raises:
        DataError: There is one.
    """
    try:
        yield
    except _TooLong as error:
        line = first_line + error.args[0]
        raise DataError(f"{source}, line {line}: longer than {LONGEST_LINE:,} bytes") from None


def _write_piece(
    plain: BinaryIO, path: Path, rest: bytes, size: int, limit: int | None
) -> tuple[int, bytes, bool]:
    """Write one piece; return its lines, what was read beyond it, and whether that was all."""
    lines = written = length = 0  # length: of the line that has not ended yet
    full = False
    text, rest = rest, b""
    with path.open("wb") as piece:
        while True:
            if limit is not None and lines + count_lines(text) >= limit:
                beyond = text.split(b"\n", limit - lines)[-1]
                piece.write(text[: len(text) - len(beyond)])
                return limit, b"", True
            if written + len(text) >= size and (cut := text.rfind(b"\n") + 1):
                text, rest, full = text[:cut], text[cut:], True
            piece.write(text)
            lines += count_lines(text)
            written += len(text)
            length = len(text) - 1 - end if (end := text.rfind(b"\n")) >= 0 else length + len(text)
            if length > LONGEST_LINE:
                raise _TooLong(lines)
            if full:
                return lines, rest, False
            unended = text and not text.endswith(b"\n")
            text = plain.read(READ_BYTES)
            if not text:
                if unended:
                    piece.write(b"\n")
                return lines + bool(unended), b"", True
