"""Read photos that nobody has vetted: any of them may be missing, damaged or huge."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import numpy as np
import simplejpeg
from PIL import Image, ImageOps

# Pillow finds the format by content, whatever the name says; formats that start other
# programs or hold no photo (EPS, PDF …) are left out. "JPEG" covers several photos in one file.
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")

PIXEL_LIMIT = 80_000_000  # Pillow warns of anything above 89 million

# Reduction inside the JPEG decoder keeps at least this many times what will be looked at: on noise,
# the hardest of photos, the vectors' cosine falls to 0.997 with 3 and stays above 0.9996 with 4.
_MARGIN = 4

# A file that holds one of these may need turning or has colours that only Pillow handles.
_NOT_PLAIN = (b"Exif", b"Orientation", b"Adobe")
_PLAIN_BYTES = 1 << 20


class PhotoError(Exception):
    """A photo cannot be used; the text says why and is short enough for a list."""


def read_photo(
    path: Path, smallest: tuple[int, int] | None = None, pixel_limit: int = PIXEL_LIMIT
) -> Image.Image:
    """Decode a photo to RGB, upright, with transparent parts on white.

    Args:
        path: The file.
        smallest: (height, width) in pixels that will be looked at. A JPEG of at least eight
            times that is decoded at a half, a quarter or an eighth of its size, which takes a
            fraction of the time.
        pixel_limit: Width times height above which a photo is not decoded.

    Raises:
        PhotoError: The photo is missing, damaged, or larger than the limit.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise PhotoError("not a file")
        with Image.open(path, formats=_FORMATS) as image:
            width, height = image.size
            if width * height > pixel_limit:
                raise PhotoError(f"huge: {width}×{height} pixels, the limit is {pixel_limit:,}")
            if smallest is not None:
                image.draft(None, (_MARGIN * max(smallest), _MARGIN * max(smallest)))
            image.load()
            return _to_rgb(image)
    except PhotoError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PhotoError(f"huge: {error}") from error
    except FileNotFoundError as error:
        raise PhotoError("missing") from error
    except Exception as error:  # damaged files raise nearly anything in Pillow's decoders
        reason = str(error).replace(str(path), "the file") or type(error).__name__
        raise PhotoError(f"cannot be decoded: {reason}"[:200]) from error


def read_pixels(
    path: Path, smallest: tuple[int, int] | None = None, pixel_limit: int = PIXEL_LIMIT
) -> np.ndarray:
    """Decode a photo to (H, W, 3) uint8, to the same values as :func:`read_photo`.

    A small JPEG without EXIF, which most photos of the web are, goes past Pillow, whose
    opening and copying take as long as the decoding.

    Raises:
        PhotoError: See :func:`read_photo`.
    """
    try:
        about = os.stat(path)
        small = stat.S_ISREG(about.st_mode) and about.st_size <= _PLAIN_BYTES
        content = path.read_bytes() if small else b""
    except OSError:
        content = b""
    pixels = _plain_jpeg(content, smallest, pixel_limit)
    # A copy, since Pillow's memory is not for writing.
    return np.array(read_photo(path, smallest, pixel_limit)) if pixels is None else pixels


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
        pixels: np.ndarray = simplejpeg.decode_jpeg(content)
    except ValueError:  # damaged, or a rare kind: Pillow reads it or says why not
        return None
    return pixels


def _to_rgb(image: Image.Image) -> Image.Image:
    ImageOps.exif_transpose(image, in_place=True)
    if image.mode == "RGB" and not image.has_transparency_data:
        return image
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    if image.mode == "I" or image.mode.startswith("I;16"):
        # Pillow clips grey of 16 bits when it converts, which turns nearly all of it white.
        grey = np.asarray(image).astype(np.int64) >> 8
        return Image.fromarray(grey.clip(0, 255).astype(np.uint8)).convert("RGB")
    return image.convert("RGB")
