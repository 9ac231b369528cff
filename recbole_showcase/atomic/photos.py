"""Where the photos of a data set are, and how a path from data is kept inside that folder."""

from __future__ import annotations

import errno
import glob
import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from recbole_showcase.arguments import name_of
from recbole_showcase.atomic.reader import read_fields
from recbole_showcase.errors import DataError
from recbole_showcase.files.plain import read_json

PHOTO_SUFFIXES: tuple[str, ...] = (".jpg", ".jpeg", ".png", ".webp")
CONVERSION_FILE = "conversion.json"
_SHOWN = 100  # characters of a path in an error


class PhotoFolder:
    """A folder of photos that no path from a data file can leave."""

    def __init__(self, root: str | Path) -> None:
        """Open a folder.

        Args:
            root: The folder that the paths of an ``.image`` file are relative to.

        Raises:
            DataError: There is no such folder.
        """
        self.root = Path(root)
        if not self.root.is_dir():
            raise DataError(f"there is no photo folder {self.root}")
        self._real_root = self.root.resolve()
        self._real_folders: dict[PurePosixPath, Path] = {}

    def resolve(self, relative: str) -> Path:
        """Return the file that a path of the ``.image`` file names (it may not exist).

        Raises:
            DataError: The path is empty or absolute, goes up, leaves the folder through a
                symbolic link, or no file can be called so.
        """
        shown = repr(relative if len(relative) <= _SHOWN else f"{relative[:_SHOWN]}…")
        pure = PurePosixPath(relative)
        # An escape for Windows is an escape in a file that travels: no backslash or drive.
        foreign = "\\" in relative or "\0" in relative or relative[1:2] == ":"
        if not relative or pure.is_absolute() or ".." in pure.parts or foreign:
            raise DataError(
                f"photo path {shown} is not allowed: it must be relative to "
                f"{self.root} and stay inside it"
            )
        try:
            path = self._real_folder(pure.parent) / pure.name
            if _is_link(path):
                path = Path(os.path.realpath(path))
                if _is_link(path):  # still, which a circle is
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        except OSError as error:  # a name too long, or a circle of links
            circle = error.errno == errno.ELOOP
            reason = "its links lead in a circle" if circle else error.strerror
            raise DataError(f"photo path {shown} cannot be followed: {reason}") from error
        if not path.is_relative_to(self._real_root):
            raise DataError(f"photo path {shown} leaves {self.root}: it leads to {path}")
        return path

    def _real_folder(self, inside: PurePosixPath) -> Path:
        """Where a folder of the photos is; most photos share theirs, and resolving takes long."""
        if inside not in self._real_folders:
            # Path.resolve makes an error of a circle of links on some Pythons and not on others.
            self._real_folders[inside] = Path(os.path.realpath(self._real_root / inside))
        return self._real_folders[inside]

    def files(self) -> Iterator[tuple[str, str]]:
        """Yield (photo id, path relative to the root) of every photo, in a stable order.

        The id is the file's name without its suffix; the depth of the folders is free. Files whose
        path is not UTF-8 are left out: an atomic file could not name them.
        """
        for folder, folders, names in os.walk(self.root):
            folders.sort()
            inside = os.path.relpath(folder, self.root)
            for name in sorted(names):
                stem, suffix = os.path.splitext(name)
                path = name if inside == "." else f"{Path(inside).as_posix()}/{name}"
                if suffix.lower() in PHOTO_SUFFIXES and _is_utf8(path):
                    yield stem, path


def _is_link(path: Path) -> bool:
    """Whether a path is a symbolic link; newer Pythons' ``is_symlink`` hides the errors.

    Raises:
        OSError: The path cannot be followed so far, by its length or a circle of links.
    """
    try:
        return stat.S_ISLNK(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _is_utf8(path: str) -> bool:
    """Whether a path has no bytes that Python could only keep as surrogates."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def photo_folder(dataset_dir: str | Path) -> PhotoFolder:
    """Return the photos of a data set: its own ``photos``, else those it was converted with.

    Raises:
        DataError: The data set has no photos on this machine.
    """
    dataset_dir = Path(dataset_dir)
    own = dataset_dir / "photos"
    if own.is_dir():
        return PhotoFolder(own)
    _tell_of_stranded(dataset_dir)
    account = dataset_dir / CONVERSION_FILE
    recorded: object = None
    if account.is_file():
        try:
            content = read_json(account)
            if not isinstance(content, dict):
                raise ValueError(f"it holds a {type(content).__name__}, not an object")
            recorded = content.get("photo_folder")
        except (OSError, ValueError) as error:
            raise DataError(
                f"{account} cannot be read: {error}; put the photos into {own}, or name their "
                "folder with --photos"
            ) from error
    if not isinstance(recorded, str):
        raise DataError(
            f"{dataset_dir} has no photos: there is no folder {own}, and {account} names none; put "
            f"them there, or name their folder with --photos{download_hint(dataset_dir)}"
        )
    _refuse_everything(Path(recorded), account)
    return PhotoFolder(recorded)


def download_hint(dataset_dir: Path) -> str:
    """The command that downloads photos, to stand at the end of what says that they are not there.

    Nothing where ``.image`` has no URLs.
    """
    try:
        names = {field.name for field in read_fields(dataset_dir / f"{name_of(dataset_dir)}.image")}
    except DataError:
        return ""
    command = shlex.join(["recbole-showcase", "photos", str(dataset_dir)])
    return f"; those with a URL are downloaded by: {command}" if "url" in names else ""


def _tell_of_stranded(dataset_dir: Path) -> None:
    """Say where the photos are if a conversion was killed before it had moved them.

    Raises:
        DataError: They are in a hidden folder beside the data set.
    """
    place = dataset_dir.absolute()
    for stranded in sorted(place.parent.glob(f".{glob.escape(place.name)}.partial-*/old/photos")):
        raise DataError(
            f"the photos of {dataset_dir} are in {stranded}, where a conversion that was killed "
            "left them; the same conversion with --overwrite puts them back, or "
            f"mv {shlex.quote(str(stranded))} {shlex.quote(str(place / 'photos'))}"
        )


def _refuse_everything(folder: Path, account: Path) -> None:
    """Refuse a recorded folder that holds a whole machine or the user's own files.

    Raises:
        DataError: A data set of somebody else's would choose photos from anywhere to be shown.
    """
    found, home = Path(os.path.realpath(folder)), Path.home().resolve()
    if found == Path(found.anchor) or home.is_relative_to(found):
        raise DataError(
            f"{account} names '{folder}' as the folder of the photos, which holds more than "
            f"photos; allowed: a folder of photos, or put them into {account.parent / 'photos'}"
        )


def photo_folder_or_none(dataset_dir: str | Path) -> PhotoFolder | None:
    """The photos of a data set; None where it has none, or they are on another machine."""
    try:
        return photo_folder(dataset_dir)
    except DataError:
        return None
