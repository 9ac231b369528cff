"""The photos that ``.image`` lists: which of them are there, and which to ask for."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from recbole_showcase.atomic import PhotoFolder, line_blocks, read_fields, read_in_parts
from recbole_showcase.atomic.photos import PHOTO_SUFFIXES
from recbole_showcase.download.account import Kind, Outcome
from recbole_showcase.errors import DataError

_READ_TOGETHER = 65_536  # rows
_LOOKED_TOGETHER = 1024


class Row(NamedTuple):
    """What ``.image`` says of a photo that matters here."""

    image_id: str
    path: str
    url: str


class Listing:
    """The rows of an ``.image`` file that knows URLs."""

    def __init__(self, dataset_dir: Path) -> None:
        """Look at the file.

        Args:
            dataset_dir: ``DATA/NAME``.

        Raises:
            DataError: There is no such file, or it tells no URLs.
        """
        self.path = dataset_dir / f"{dataset_dir.name}.image"
        types = {field.name: field.type for field in read_fields(self.path)}
        if "url" not in types:
            raise DataError(
                f"{self.path} has no column url, which says where its photos are; it has "
                f"{', '.join(types)}; a conversion without --photos writes it where the source "
                "tells URLs"
            )
        if types["url"] != "token":
            raise DataError(
                f"{self.path}, line 1: column url is of the type {types['url']}; allowed: token"
            )

    def __len__(self) -> int:
        with self.path.open("rb") as file:
            return sum(block.count(b"\n") for block in line_blocks(file)) - 1

    def blocks(self) -> Iterator[list[Row]]:
        """The rows in their order, about a thousand at a time."""
        for part in read_in_parts(self.path, Row._fields, _READ_TOGETHER):
            for start in range(0, len(part), _LOOKED_TOGETHER):
                block = part.slice(start, _LOOKED_TOGETHER)
                columns = (block[name].to_pylist() for name in Row._fields)
                yield list(map(Row, *columns))


def look(
    rows: Sequence[Row], photos: PhotoFolder, was_gone: Callable[[str], bool]
) -> list[tuple[Row, Outcome | Path]]:
    """Tell of each row what is known without asking for it, or the place that its photo goes to."""
    return [(row, _look_at(row, photos, was_gone)) for row in rows]


def _look_at(row: Row, photos: PhotoFolder, was_gone: Callable[[str], bool]) -> Outcome | Path:
    try:
        place = photos.resolve(row.path)
    except DataError as error:
        return Outcome(Kind.REFUSED, f"path not allowed: {error}")
    try:
        about = place.stat()
    except (FileNotFoundError, NotADirectoryError):
        about = None
    if about is not None and stat.S_ISREG(about.st_mode) and about.st_size:
        return Outcome(Kind.THERE)
    if about is not None and not stat.S_ISREG(about.st_mode):
        return Outcome(Kind.REFUSED, f"path not allowed: {row.path!r} is there and is no file")
    if not row.url:
        return Outcome(Kind.NO_URL)
    if PurePosixPath(row.path).suffix.lower() not in PHOTO_SUFFIXES:
        allowed = ", ".join(PHOTO_SUFFIXES)
        return Outcome(
            Kind.REFUSED, f"path not allowed: {row.path!r} does not end in one of {allowed}"
        )
    return Outcome(Kind.GONE, "gone before") if was_gone(row.url) else place
