"""People whom a data set has not: what they say of their taste, in the space of its features."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from recbole_showcase.data.corpus import TRAIN, Interactions
from recbole_showcase.data.profiles import Newcomer
from recbole_showcase.encoders.clip import ClipEncoder
from recbole_showcase.encoders.store import FeatureStore
from recbole_showcase.errors import DataError, FeatureStoreError
from recbole_showcase.files.limits import PIXEL_LIMIT
from recbole_showcase.files.photos import PhotoError, pixels_of, read_photo

GivenPhoto = Path | bytes | Image.Image


class NewcomerEncoder:
    """Encodes reviews and photos as those of the data set were; loaded when first asked."""

    def __init__(self, store: FeatureStore, device: str) -> None:
        """Keep which encoder it is.

        Args:
            store: Features of the data set.
            device: Where to encode.
        """
        self._store, self._device = store, device

    def load(self) -> ClipEncoder:
        """The encoder that made the features, loaded once.

        Raises:
            FeatureStoreError: It cannot be loaded, or is another one now.
        """
        return self._encoder

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) in pixels of what the encoder looks at."""
        return self._encoder.image_size

    def newcomer(self, texts: Sequence[str], photos: Sequence[np.ndarray]) -> Newcomer:
        """Somebody's taste, the latest first.

        Args:
            texts: Reviews (R), none of them blank.
            photos: Decoded photos (H), each (h, w, 3) uint8.

        Raises:
            FeatureStoreError: As :meth:`load`.
            DataError: A photo cannot be brought to the encoder's size.
        """
        encoder = self._encoder
        pixels = [_resized(encoder, number, photo) for number, photo in enumerate(photos)]
        stack = np.stack(pixels) if pixels else np.empty((0, *encoder.image_size, 3), np.uint8)
        images = encoder.encode_images(encoder.normalise(torch.from_numpy(stack)))
        return Newcomer(
            tuple(texts),
            self._as_stored(encoder.encode_texts(list(texts))),
            self._as_stored(images),
        )

    @cached_property
    def _encoder(self) -> ClipEncoder:
        encoder = ClipEncoder.of_store(self._store, self._device)
        if encoder.dim != self._store.dim:
            raise FeatureStoreError(
                f"{self._store.folder}: its features are {self._store.dim} wide, and those of the "
                f"encoder '{encoder.name}' that it names {encoder.dim}: who is in no file cannot "
                "be encoded"
            )
        return encoder

    def _as_stored(self, rows: torch.Tensor) -> np.ndarray:
        """Rows (N, D) float32 with the rounding that the store's have."""
        stored: np.ndarray = rows.cpu().numpy().astype(self._store.matrix.dtype)
        return stored.astype(np.float32)


def decoded(
    photos: Sequence[GivenPhoto], smallest: tuple[int, int], pixel_limit: int = PIXEL_LIMIT
) -> list[np.ndarray]:
    """Photos (h, w, 3) uint8 of files, of what is in files, or of what Pillow has opened.

    Args:
        photos: The photos.
        smallest: See :func:`~recbole_showcase.files.photos.read_photo`.
        pixel_limit: Width times height above which a photo is refused.

    Raises:
        DataError: One cannot be used; it is named by its place.
    """
    found = []
    for number, photo in enumerate(photos):
        try:
            if isinstance(photo, Image.Image):
                found.append(pixels_of(photo, pixel_limit))
            else:
                found.append(read_photo(photo, smallest, pixel_limit))
        except PhotoError as error:
            raise DataError(f"photos[{number}] cannot be used: {error}") from error
    return found


def popular_items(interactions: Interactions, n_items: int, k: int) -> np.ndarray:
    """Internal ids (<= k,) of the items with the most training rows, the first of equals first.

    Args:
        interactions: What is known of each row.
        n_items: The number of internal item ids, padding included.
        k: The most items.
    """
    rows = interactions.splits == TRAIN
    counts = np.bincount(interactions.items[rows], minlength=n_items)
    return 1 + np.argsort(-counts[1:], kind="stable")[:k]


def _resized(encoder: ClipEncoder, number: int, photo: np.ndarray) -> np.ndarray:
    try:
        return encoder.pixels(photo)
    except (PhotoError, RuntimeError, ValueError) as error:  # extreme shapes are refused
        raise DataError(f"photos[{number}] cannot be resized: {error}"[:300]) from error
