"""Photos made ready for a page: small, upright, free of metadata, each one embedded once."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from recbole_showcase.console import progress_bar
from recbole_showcase.files.photos import PhotoError, read_photo
from recbole_showcase.showcase import Photo, UserShowcase

JPEG_QUALITY = 86
# Tiny pictures are shown enlarged, where artefacts would show, and cost little.
TINY_SIDE, TINY_JPEG_QUALITY = 96, 95


class Album:
    """The distinct photos of a page, numbered from 0 in the order they were added.

    A photo that is missing or cannot be decoded has no number; the page shows a
    placeholder for it.

    Args:
        max_side: Longest side of an embedded photo, in pixels. Smaller photos are
            not enlarged.
    """

    def __init__(self, max_side: int) -> None:
        self._max_side = max_side
        self._number_by_path: dict[Path, int | None] = {}
        self._number_by_jpeg: dict[bytes, int] = {}

    def add(self, photo: Photo) -> None:
        """Decode and shrink a photo unless the same file has been added before."""
        if photo.path is None or photo.path in self._number_by_path:
            return
        jpeg = encode_photo(photo.path, self._max_side)
        self._number_by_path[photo.path] = (
            None if jpeg is None else self._number_by_jpeg.setdefault(jpeg, len(self))
        )

    def number(self, photo: Photo) -> int | None:
        """Number of an added photo, or None when there is nothing to show."""
        return None if photo.path is None else self._number_by_path.get(photo.path)

    def uris(self) -> list[str]:
        """Data URIs of the distinct photos, by number."""
        return [
            f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"
            for jpeg in self._number_by_jpeg
        ]

    def __len__(self) -> int:
        """How many distinct photos there are."""
        return len(self._number_by_jpeg)


def collect_album(users: Iterable[UserShowcase], max_side: int) -> Album:
    """Gather every photo that the pages of these users show."""
    album = Album(max_side)
    photos = _photos(users)
    for photo in progress_bar(photos, desc="Photos", unit="photo", leave=False, delay=1):
        album.add(photo)
    return album


def encode_photo(path: Path, max_side: int) -> bytes | None:
    """Decode a photo and encode it anew, so that none of the file's own bytes survive.

    The picture is what :func:`~recbole_showcase.files.photos.read_photo` sees, shrunk to
    ``max_side``. Metadata (place, camera, comments) is left behind.

    Args:
        path: The photo's file.
        max_side: Longest side of the result, in pixels.

    Returns:
        A JPEG, or None when the file is missing or not a readable photo.
    """
    try:
        image = Image.fromarray(read_photo(path, (max_side, max_side)))
    except PhotoError:
        return None
    image.thumbnail((max_side, max_side))
    buffer = io.BytesIO()
    quality = TINY_JPEG_QUALITY if max(image.size) <= TINY_SIDE else JPEG_QUALITY
    # Full colour resolution: halved, it shows as smears on pictures this small.
    image.save(buffer, "JPEG", quality=quality, subsampling="4:4:4", optimize=True)
    return buffer.getvalue()


def _photos(users: Iterable[UserShowcase]) -> list[Photo]:
    photos: list[Photo] = []
    for user in users:
        for review in user.history:
            photos.extend(review.photos)
        for showcase in (*user.recommended, *user.held_out):
            photos.extend(showcase.photos)
            if showcase.review is not None:
                photos.extend(showcase.review.photos)
    return photos
