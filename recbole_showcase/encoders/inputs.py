"""Turn photos and texts into batches that an encoder takes; runs in threads ahead of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from recbole_showcase.atomic import PhotoFolder
from recbole_showcase.encoders.clip import ClipEncoder
from recbole_showcase.encoders.plan import Source
from recbole_showcase.files.photos import PhotoError, read_photo


@dataclass(frozen=True)
class Batch:
    """Input of the encoder.

    Attributes:
        inputs: Pixels (B, H, W, 3) uint8 or token numbers (B, L); in order.
        candidates: How many photos or texts it was made from, B plus the failed ones.
        failed: Tokens of the photos that cannot be used, and why.
    """

    inputs: torch.Tensor
    candidates: int
    failed: dict[str, str]


Prepare = Callable[[np.ndarray], Batch]


def photo_batches(
    encoder: ClipEncoder, folder: PhotoFolder | None, source: Source, pixel_limit: int
) -> Prepare:
    """Make a function that decodes the photos at some positions of ``source``.

    The function raises DataError if a path leaves the folder.
    """
    pinned = encoder.device.type == "cuda"

    def prepare(positions: np.ndarray) -> Batch:
        assert folder is not None  # there are photos, so their folder was looked up
        # Bytes cross to the device, floats are made there: a quarter of the traffic.
        pixels = torch.empty(
            len(positions), *encoder.image_size, 3, dtype=torch.uint8, pin_memory=pinned
        )
        failed: dict[str, str] = {}
        count = 0
        for position in positions:
            path = folder.resolve(source.values[position])
            try:
                pixels.numpy()[count] = _pixels(encoder, path, pixel_limit)
            except PhotoError as error:
                failed[source.tokens[position]] = str(error)
            else:
                count += 1
        return Batch(pixels[:count], len(positions), failed)

    return prepare


def _pixels(encoder: ClipEncoder, path: Path, pixel_limit: int) -> np.ndarray:
    """A photo as the encoder looks at it (H, W, 3).

    Raises:
        PhotoError: It cannot be read, or not be brought to the size.
    """
    photo = read_photo(path, encoder.image_size, pixel_limit)
    try:
        return encoder.pixels(photo)
    except (RuntimeError, ValueError) as error:  # PyTorch and Pillow refuse some extreme shapes
        raise PhotoError(f"cannot be resized: {error}"[:200]) from error


def text_batches(encoder: ClipEncoder, source: Source) -> Prepare:
    """Make a function that tokenizes the texts at some positions of ``source``."""
    pinned = encoder.device.type == "cuda"

    def prepare(positions: np.ndarray) -> Batch:
        tokens = encoder.tokenize(source.values[positions].tolist())
        return Batch(tokens.pin_memory() if pinned else tokens, len(positions), {})

    return prepare
