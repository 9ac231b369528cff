"""Photos made ready for a page: small, upright, free of metadata, each one embedded once."""

from __future__ import annotations

import base64
import io
import struct
from collections.abc import Iterable
from pathlib import Path

from PIL import Image, ImageOps
from tqdm import tqdm

from recbole_showcase.showcase import Photo, UserShowcase

# Pillow's other readers (EPS above all) start programs or are rarely exercised.
PHOTO_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
JPEG_QUALITY = 86
# Tiny pictures are shown enlarged, where artefacts would show, and cost little.
TINY_SIDE, TINY_JPEG_QUALITY = 96, 95

# What Pillow's decoders raise on damaged bytes.
_UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    struct.error,
    Image.DecompressionBombError,
)


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
    for photo in tqdm(_photos(users), desc="Photos", unit="photo", leave=False, delay=1):
        album.add(photo)
    return album


def encode_photo(path: Path, max_side: int) -> bytes | None:
    """Decode a photo and encode it anew, so that none of the file's own bytes survive.

    The picture is turned upright by its EXIF orientation, shrunk to ``max_side``
    and laid on white where it is transparent. Metadata (place, camera, comments)
    is left behind.

    Args:
        path: The photo's file.
        max_side: Longest side of the result, in pixels.

    Returns:
        A JPEG, or None when the file is missing or not a readable photo.
    """
    if not path.is_file():
        return None
    try:
        with Image.open(path, formats=PHOTO_FORMATS) as image:
            image.thumbnail((max_side, max_side))
            upright = _on_white(ImageOps.exif_transpose(image))
    except _UNREADABLE:
        return None
    upright.info.clear()  # Pillow would carry a JPEG comment over
    buffer = io.BytesIO()
    quality = TINY_JPEG_QUALITY if max(upright.size) <= TINY_SIDE else JPEG_QUALITY
    # Full colour resolution: halved, it shows as smears on pictures this small.
    upright.save(buffer, "JPEG", quality=quality, subsampling="4:4:4", optimize=True)
    return buffer.getvalue()


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    white = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(white, layer).convert("RGB")


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
