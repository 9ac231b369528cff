"""Read photos that nobody has vetted: any of them may be missing, damaged or huge."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import simplejpeg
from PIL import Image, ImageOps, UnidentifiedImageError

from recbole_showcase.files.limits import PIXEL_LIMIT

# Pillow finds the format by content, whatever the name says; formats that start other
# programs or hold no photo (EPS, PDF …) are left out. "JPEG" covers several photos in one file.
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")

# A progressive JPEG is decoded once for each of its scans, cameras and editors write up to a dozen,
# and a few hundred KB may hold thousands.
_SCAN, _MOST_SCANS = b"\xff\xda", 100

# Of photos this large one is decoded at a time, whatever the number of threads: a file of 10 KB may
# have as many pixels as the limit allows, and all of them are in memory several times over.
_LARGE = 16_000_000
_one_large = threading.Lock()

# Reduction inside the JPEG decoder keeps at least this many times what will be looked at: on noise,
# the hardest of photos, the vectors' cosine falls to 0.997 with 3 and stays above 0.9996 with 4.
_MARGIN = 4

# A file that holds one of these may need turning or has colours that only Pillow handles.
_NOT_PLAIN = (b"Exif", b"Orientation", b"Adobe")
_PLAIN_BYTES = 1 << 20


# What of a longer file is looked at to tell whether it is the same photo: this much of either end.
# An edit that leaves length and both ends as they were is not noticed.
_END_BYTES = 1 << 15
GONE = 0  # the mark of a photo that is not there


@contextmanager
def _room_for(pixels: int) -> Iterator[None]:
    """Wait until there is memory for a photo of that many pixels."""
    if pixels <= _LARGE:
        yield
        return
    with _one_large:
        yield


@cache
def readable_formats() -> tuple[str, ...]:
    """The formats that photos are read from; Pillow reads AVIF from 11.3 on, and WebP mostly."""
    known = set(Image.registered_extensions().values())
    return tuple(name for name in _FORMATS if name in known)


class PhotoError(Exception):
    """A photo cannot be used; the text says why and is short enough for a list."""


def read_photo(
    photo: Path | bytes, smallest: tuple[int, int] | None = None, pixel_limit: int = PIXEL_LIMIT
) -> np.ndarray:
    """Decode a photo to RGB pixels (H, W, 3) uint8 that may be written to.

    It is turned upright by its EXIF orientation, transparent parts become white, grey of
    16 bits is scaled to 8, and of several pictures in one file the first counts. A file that is
    cut off is no photo, even if its beginning could be shown.

    A small JPEG without EXIF, which most photos of the web are, goes past Pillow, whose
    opening and copying take as long as the decoding; the values are the same.

    Args:
        photo: The file, or what is in it.
        smallest: (height, width) in pixels that will be looked at. A JPEG of at least eight
            times that is decoded at a half, a quarter or an eighth of its size, which takes a
            fraction of the time.
        pixel_limit: Width times height above which a photo is not decoded.

    Raises:
        PhotoError: The photo is missing, damaged, larger than the limit, or costly on purpose.
    """
    pixels = _plain_jpeg(_small_content(photo), smallest, pixel_limit)
    # A copy, since Pillow's memory is not for writing.
    return np.array(_with_pillow(photo, smallest, pixel_limit)) if pixels is None else pixels


def pixels_of(image: Image.Image, pixel_limit: int = PIXEL_LIMIT) -> np.ndarray:
    """RGB pixels (H, W, 3) uint8, as :func:`read_photo` gives, of what Pillow has opened.

    Raises:
        PhotoError: The photo is damaged or larger than the limit.
    """
    _check_size(image, pixel_limit)
    try:
        return np.array(_to_rgb(image.copy()))
    except Exception as error:  # as of files: it may not have been decoded yet
        raise PhotoError(f"cannot be decoded: {error}"[:200]) from error


def _small_content(photo: Path | bytes) -> bytes:
    """What is in a photo that may go past Pillow; nothing if it is too large or cannot be read."""
    if isinstance(photo, bytes):
        return photo if len(photo) <= _PLAIN_BYTES else b""
    try:
        about = os.stat(photo)
        small = stat.S_ISREG(about.st_mode) and about.st_size <= _PLAIN_BYTES
        return photo.read_bytes() if small else b""
    except OSError:
        return b""


def content_mark(path: Path) -> int:
    """64 bits that tell whether a file still holds the same photo, wherever it lies.

    They are of its length and its content: all of it up to 64 KiB, else the first and the last
    32 KiB, so that a large collection is looked through in the time that opening its files takes.

    Returns:
        ``GONE`` if there is no such file or it cannot be read.
    """
    try:
        with path.open("rb") as file:
            length = file.seek(0, os.SEEK_END)
            file.seek(0)
            content = file.read(2 * _END_BYTES if length <= 2 * _END_BYTES else _END_BYTES)
            if length > 2 * _END_BYTES:
                file.seek(-_END_BYTES, os.SEEK_END)
                content += file.read()
    except OSError:
        return GONE
    digest = hashlib.blake2b(b"%d " % length + content, digest_size=8).digest()
    return int.from_bytes(digest) or 1


def _plain_jpeg(
    content: bytes, smallest: tuple[int, int] | None, pixel_limit: int
) -> np.ndarray | None:
    """Decode a JPEG that needs neither turning nor reducing; None if it is anything else."""
    if not content.startswith(b"\xff\xd8\xff") or any(mark in content for mark in _NOT_PLAIN):
        return None
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(content)
        if colours not in ("YCbCr", "Gray") or width * height > pixel_limit:
            return None
        if smallest is not None and min(height, width) >= 2 * _MARGIN * max(smallest):
            return None
        if content.count(_SCAN) > _MOST_SCANS:
            return None
        with _room_for(width * height):
            pixels: np.ndarray = simplejpeg.decode_jpeg(content)
    except ValueError:  # damaged, or a rare kind: Pillow reads it or says why not
        return None
    return pixels


def _with_pillow(
    photo: Path | bytes, smallest: tuple[int, int] | None, pixel_limit: int
) -> Image.Image:
    """Decode any photo, or say why it cannot be used."""
    try:
        if isinstance(photo, Path) and not stat.S_ISREG(os.stat(photo).st_mode):
            raise PhotoError("not a file")
        file = photo if isinstance(photo, Path) else BytesIO(photo)
        with Image.open(file, formats=readable_formats()) as image:
            _check_size(image, pixel_limit)
            pixels = image.width * image.height
            if image.format in ("JPEG", "MPO"):
                _check_scans(photo if isinstance(photo, bytes) else photo.read_bytes())
            if smallest is not None:
                image.draft(None, (_MARGIN * max(smallest), _MARGIN * max(smallest)))
            with _room_for(pixels):
                image.load()
                return _to_rgb(image)
    except PhotoError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PhotoError(f"huge: {error}") from error
    except FileNotFoundError as error:
        raise PhotoError("missing") from error
    except UnidentifiedImageError as error:
        read = ", ".join(readable_formats())
        raise PhotoError(
            f"cannot be decoded: no photo of a format that is read ({read})"
        ) from error
    except Exception as error:  # damaged files raise nearly anything in Pillow's decoders
        reason = str(error) or type(error).__name__
        if isinstance(photo, Path):
            reason = reason.replace(str(photo), "the file")
        raise PhotoError(f"cannot be decoded: {reason}"[:200]) from error


def _check_size(image: Image.Image, pixel_limit: int) -> None:
    width, height = image.size
    if width * height > pixel_limit:
        raise PhotoError(f"huge: {width}×{height} pixels, the limit is {pixel_limit:,}")


def _check_scans(content: bytes) -> None:
    if (scans := content.count(_SCAN)) > _MOST_SCANS:
        raise PhotoError(f"costly: {scans:,} scans, the limit is {_MOST_SCANS}")


def _to_rgb(image: Image.Image) -> Image.Image:
    ImageOps.exif_transpose(image, in_place=True)
    if image.mode == "I" or image.mode.startswith("I;16"):
        return _from_16_bits(image)
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(white, layer).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _from_16_bits(image: Image.Image) -> Image.Image:
    """Scale grey of 16 bits, which Pillow would clip: nearly all of it would be white."""
    values = np.asarray(image)
    grey = (values.astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        grey[values == clear] = 255
    return Image.fromarray(grey).convert("RGB")
