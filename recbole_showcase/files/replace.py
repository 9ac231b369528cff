"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, cast

from filelock import FileLock

from recbole_showcase.errors import DataError

_LOCK = "lock"


@contextmanager
def replaced(path: Path, sync: bool = False) -> Iterator[Path]:
    """Give a path beside ``path`` to write to, and put what is there in its place at the end.

    If writing fails, ``path`` stays as it was and nothing is left beside it. What a run that was
    killed has left there is cleared first.

    Args:
        path: The file, in a folder that exists.
        sync: Whether the content must have reached the disk before it takes the place, so that
            not even a power cut leaves an empty file.

    Raises:
        OSError: Something that is no file is there, or the disk is full or cannot be written.
    """
    require_replaceable(path)
    with _aside(path) as aside, _telling(path):
        partial = aside / path.name
        yield partial
        if sync:
            with partial.open("r+b") as file:
                sync_to_disk(file)
        os.replace(partial, path)


@contextmanager
def replaced_stream(path: Path) -> Iterator[IO[bytes]]:
    """The same as a stream to write to, for writers that hide what the disk says.

    Raises:
        OSError: As :func:`replaced`, whatever the writer has made of it.
    """
    with replaced(path) as partial, partial.open("wb") as file:
        kept = _KeepingItsError(file)
        try:
            yield cast(IO[bytes], kept)
        except Exception:
            if kept.error is not None:
                raise kept.error from None
            raise


class _KeepingItsError:
    """A file to write to that remembers the first error of the disk."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, content: bytes) -> int:
        try:
            written = self._file.write(content)
            self._file.flush()
        except OSError as error:
            self.error = self.error or error
            raise
        return written

    def flush(self) -> None:
        self._file.flush()


def require_replaceable(path: Path) -> None:
    """Refuse to put a file in the place of a folder, a pipe or a device such as ``/dev/null``.

    Raises:
        OSError: There is one, or the path cannot be looked at.
    """
    try:  # `exists` of Python 3.14 passes over errors such as a name that is too long
        mode = path.stat().st_mode
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            return
        raise
    if not stat.S_ISREG(mode):
        raise FileExistsError(errno.EEXIST, "Something that is no file is there", str(path))


def require_writable(out: Path) -> None:
    """Check early, before anything slow, that a file can be put at ``out``.

    Raises:
        DataError: The folder is missing or not writable, or ``out`` is there and no file.
    """
    try:
        if out.is_dir():
            raise DataError(f"{out} is a folder; name the file to write")
        if not out.parent.is_dir():
            raise DataError(f"cannot write {out}: the folder {out.parent} does not exist")
        require_replaceable(out)
        with tempfile.TemporaryFile(dir=out.parent):  # root may write anywhere, says os.access
            pass
    except OSError as error:
        raise DataError(f"cannot write {out}: {error.strerror}") from error


def replace_text(path: Path, text: str) -> None:
    """Write a text as UTF-8, whole or not at all."""
    with replaced(path) as partial:
        partial.write_text(text, encoding="utf-8")


@contextmanager
def replaced_folder(
    folder: Path, keep: Callable[[str], bool] = lambda name: False
) -> Iterator[Path]:
    """Give an empty folder to fill, and put it in the place of ``folder`` at the end.

    If filling fails, ``folder`` stays as it was and nothing is left beside it. What a run that was
    killed has left there is cleared first; if that run had already taken the old folder away, the
    old one is put back.

    Args:
        folder: The folder; the folders above it are made.
        keep: Tells by name what moves from the old folder to the new one, unless the new one
            has something of that name.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _aside(folder, keep) as aside:
        new, old = aside / "new", aside / "old"
        with _telling(folder):
            new.mkdir()
            yield new
            put_in_place(new, folder, old)
        if old.exists():
            _move_kept(old, folder, keep)
        shutil.rmtree(aside)


@contextmanager
def arriving(folder: Path) -> Iterator[Path]:
    """Give a hidden folder inside ``folder``, to write files in that are renamed to their places.

    For very many files of one folder, which :func:`replaced` would look through for each of them.
    At the end it is deleted with what is left in it; what a run that was killed has left there is
    cleared first.
    """
    inside = folder / ".arriving"
    inside.mkdir(exist_ok=True)
    try:
        with _aside(inside / "files") as aside:
            yield aside
    finally:
        with suppress(OSError):  # another run is at work in it
            inside.rmdir()


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Add what is kept to an error of the disk, with its file if it does not say, and to Ctrl-C."""
    try:
        yield
    except (OSError, KeyboardInterrupt) as error:
        if isinstance(error, OSError) and error.errno is not None and error.filename is None:
            error.filename = str(path)
        error.add_note(f"{path} was left as it was")
        raise


@contextmanager
def _aside(path: Path, keep: Callable[[str], bool] = lambda name: False) -> Iterator[Path]:
    """Give a hidden folder beside ``path``, locked by this process, and delete it at the end.

    What is called ``old`` in it is not deleted: what could not be moved out of it is still
    wanted. The lock is there before the name is, so that nobody takes the folder for a dead run's.
    """
    with _telling(path):
        _clear(path, keep)
        made = Path(tempfile.mkdtemp(prefix=f".{path.name}.begun-", dir=path.parent))
    aside = made.with_name(made.name.replace(".begun-", ".partial-"))
    lock = FileLock(made / _LOCK, thread_local=False)
    try:
        with suppress(OSError, NotImplementedError):  # a disk without locks: nothing is cleared
            lock.acquire()
        os.rename(made, aside)
        yield aside
    finally:
        left = aside / "old"
        shutil.rmtree(aside / "new" if left.exists() else aside, ignore_errors=True)
        shutil.rmtree(made, ignore_errors=True)
        lock.release()
        if left.exists():
            (aside / _LOCK).unlink(missing_ok=True)
            if not path.exists():  # says that nothing has taken the place of the old one
                (aside / "new").mkdir(exist_ok=True)


def _clear(path: Path, keep: Callable[[str], bool]) -> None:
    """Clear what runs that are gone have left beside ``path``."""
    for entry in sorted(path.parent.iterdir()) if os.access(path.parent, os.R_OK) else ():
        if entry.name.startswith(f".{path.name}.partial-"):
            with suppress(OSError, NotImplementedError):  # a run is at work, or nobody can tell
                _clear_one(entry, path, keep)


def _clear_one(aside: Path, path: Path, keep: Callable[[str], bool]) -> None:
    """Clear what one run has left; raises an OSError if that run is still at work."""
    if not aside.is_dir():  # of an earlier version of this package, as folders without a lock are
        aside.unlink()
        return
    with FileLock(aside / _LOCK, timeout=0):
        old = aside / "old"
        if old.exists() and not path.exists():
            os.rename(old, path)
        elif old.exists() and (aside / "new").exists():
            return  # somebody else's has taken the place since: the old one is not ours to delete
        elif old.exists():
            _move_kept(old, path, keep)
        shutil.rmtree(aside)


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
