"""Bring a photo to the size that an encoder looks at, as open_clip does but in a fifth of the time.

open_clip resizes with Pillow. PyTorch has the same filter (bicubic or bilinear, antialiased,
with the same rounding between its two passes) in vector instructions: the values differ by one
of 255 in a few of a thousand places, and the vectors have a cosine above 0.9999.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from torch.nn import functional
from torchvision.transforms import Compose

from recbole_showcase.files.photos import PIXEL_LIMIT, PhotoError


@dataclass(frozen=True)
class Geometry:
    """Resize and crop of one encoder.

    Make one with :meth:`of`.

    Attributes:
        size: (height, width) of the result.
        interpolation: ``bicubic`` or ``bilinear``.
        keep_ratio: Whether the shorter side is fitted and the longer one cropped, instead of
            both being fitted.
        rare: open_clip's own steps where they are neither of the two; else None.
    """

    size: tuple[int, int]
    interpolation: str
    keep_ratio: bool
    rare: Compose | None

    @classmethod
    def of(cls, preprocessing: dict[str, Any]) -> Geometry:
        """Read it from open_clip's description of an encoder's preprocessing."""
        config = PreprocessCfg(**preprocessing)
        height, width = (
            (config.size, config.size) if isinstance(config.size, int) else config.size[-2:]
        )
        mode = config.resize_mode or "shortest"
        common = mode == "squash" or (mode == "shortest" and height == width)
        # Less its last two steps: to a tensor, normalise.
        steps = image_transform_v2(config, is_train=False).transforms[:-2]
        interpolation = "bilinear" if config.interpolation == "bilinear" else "bicubic"
        rare = None if common else Compose(steps)
        return cls((height, width), interpolation, mode == "shortest", rare)

    def __call__(self, photo: np.ndarray) -> np.ndarray:
        """Turn a photo (h, w, 3) uint8 into pixels (H, W, 3) uint8.

        Raises:
            PhotoError: With its shorter side fitted, the photo would be huge.
        """
        height, width = self._resized(photo.shape[0], photo.shape[1])
        if height * width > PIXEL_LIMIT:
            raise PhotoError(f"too thin: {photo.shape[1]}×{photo.shape[0]} pixels")
        if self.rare is not None:
            return np.asarray(self.rare(Image.fromarray(photo)))
        if (height, width) != photo.shape[:2]:
            # Seen as channels last, (1, 3, h, w): nothing is moved, and this is the fast case.
            seen = torch.from_numpy(photo).permute(2, 0, 1)[None]
            resized = functional.interpolate(
                seen, size=(height, width), mode=self.interpolation, antialias=True
            )
            photo = resized[0].permute(1, 2, 0).numpy()  # (height, width, 3)
        top, left = round((height - self.size[0]) / 2), round((width - self.size[1]) / 2)
        return photo[top : top + self.size[0], left : left + self.size[1]]

    def _resized(self, height: int, width: int) -> tuple[int, int]:
        if not self.keep_ratio:
            return self.size
        short = self.size[0]
        if height <= width:
            return short, int(short * width / height)
        return int(short * height / width), short
