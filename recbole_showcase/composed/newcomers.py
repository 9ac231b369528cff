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

    def made(self, store: FeatureStore) -> bool:
        """Whether it is the encoder of a store, in the same form."""
        keys = ("encoder", "architecture", "weights", "weights_digest", "dim", "dtype")
        return all(self._store.meta[key] == store.meta[key] for key in keys)

    def load(self) -> ClipEncoder:
        """The encoder that made the features, loaded once.

        Raises:
            FeatureStoreError: It cannot be loaded, or is another one now.
        """
        return self._encoder

    def pixels(self, photos: Sequence[GivenPhoto], pixel_limit: int = PIXEL_LIMIT) -> np.ndarray:
        """Photos as the encoder looks at them (H, h, w, 3) uint8; any thread may ask.

        One is decoded and made small before the next, so that of no more than one all pixels are in
        memory.

        Args:
            photos: Files, what is in files, or what Pillow has opened.
            pixel_limit: Width times height above which a photo is refused.

        Raises:
            FeatureStoreError: As :meth:`load`.
            DataError: One cannot be used; it is named by its place.
        """
        encoder = self._encoder
        found = np.empty((len(photos), *encoder.image_size, 3), dtype=np.uint8)
        for number, photo in enumerate(photos):
            try:
                found[number] = encoder.pixels(_decoded(photo, encoder.image_size, pixel_limit))
            except (PhotoError, RuntimeError, ValueError) as error:  # extreme shapes are refused
                raise DataError(f"photos[{number}] cannot be used: {error}"[:300]) from error
        return found

    def newcomer(self, texts: Sequence[str], pixels: np.ndarray) -> Newcomer:
        """Somebody's taste, the latest first.

        Args:
            texts: Reviews (R), none of them blank.
            pixels: Photos (H, h, w, 3) uint8, as :meth:`pixels` gives them.

        Raises:
            FeatureStoreError: As :meth:`load`.
        """
        encoder = self._encoder
        images = encoder.encode_images(encoder.normalise(torch.from_numpy(pixels)))
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


def _decoded(photo: GivenPhoto, smallest: tuple[int, int], pixel_limit: int) -> np.ndarray:
    """Pixels (h, w, 3) uint8 of a photo."""
    if isinstance(photo, Image.Image):
        return pixels_of(photo, pixel_limit)
    return read_photo(photo, smallest, pixel_limit)
