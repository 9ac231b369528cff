"""Read photos that nobody has vetted: any of them may be missing, damaged or huge."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

# Pillow finds the format by content, whatever the name says; formats that start other
# programs or hold no photo (EPS, PDF …) are left out. "JPEG" covers several photos in one file.
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")

PIXEL_LIMIT = 80_000_000  # Pillow warns of anything above 89 million


class PhotoError(Exception):
    """A photo cannot be used; the text says why and is short enough for a list."""


def read_photo(
    path: Path, smallest: tuple[int, int] | None = None, pixel_limit: int = PIXEL_LIMIT
) -> Image.Image:
    """Decode a photo to RGB, upright, with transparent parts on white.

    Args:
        path: The file.
        smallest: (height, width) in pixels that will be looked at. A JPEG of more than twice
            that is decoded at a half, a quarter or an eighth of its size, which takes a
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
                image.draft(None, (2 * max(smallest), 2 * max(smallest)))
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
