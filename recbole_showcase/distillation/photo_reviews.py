"""What a distillation works on: the reviews of a data set and the features of their photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from recbole_showcase.atomic import read_atomic
from recbole_showcase.data.ragged import Ragged
from recbole_showcase.distillation.reviews import ReviewRow, find_columns, read_rows
from recbole_showcase.encoders import ClipEncoder, FeatureStore


class PhotoReviews:
    """Reviews on disk, the photos posted with each, and the encoder of their features.

    Only ids and row numbers are kept in memory; texts and features stay on disk.

    Attributes:
        path: The ``.review`` file.
        store: Features of the photos.
        encoder: The encoder that made them.
        photos: For each review with photos, rows of the store.
    """

    def __init__(
        self, dataset_dir: Path, encoder: str = "showcase-tiny", device: str = "cpu"
    ) -> None:
        """Open a data set.

        Args:
            dataset_dir: ``DATA/NAME`` with ``NAME.review``, ``NAME.image`` and features.
            encoder: Name of the feature store.
            device: Where sentences are encoded.

        Raises:
            DataError: A file or a column is missing or damaged.
            FeatureStoreError: The features are missing, do not fit the data set, or their encoder
                cannot be loaded.
        """
        dataset_dir = Path(dataset_dir)
        stem = dataset_dir / dataset_dir.resolve().name
        self.path = Path(f"{stem}.review")
        find_columns(self.path)
        self.store = FeatureStore.open(dataset_dir, encoder, "image")
        images = read_atomic(f"{stem}.image", ["image_id", "review_id"])
        rows = self.store.rows(images["image_id"])
        usable = (rows >= 0) & (images["review_id"] != "").to_numpy()
        codes, names = pd.factorize(images["review_id"].to_numpy(dtype=object)[usable])
        self.photos = Ragged.from_pairs(codes, rows[usable], len(names))
        self._reviews = pd.Index(names, dtype=object)
        self.encoder = ClipEncoder.of_store(self.store, device)

    def numbers_of(self, rows: list[ReviewRow]) -> np.ndarray:
        """Keys (B,) of reviews in ``photos``; -1 where a review has no text or no photos."""
        found = self._reviews.get_indexer(pd.Index([row.review_id for row in rows], dtype=object))
        has_text = np.array([bool(row.text.strip()) for row in rows], dtype=bool)
        return np.where(has_text, found, -1)

    def features(self, rows: np.ndarray) -> np.ndarray:
        """Features (M, D) float32 of rows (M,) of the store."""
        return self.store.matrix[rows].astype(np.float32)

    def sample(self, size: int, random: np.random.Generator) -> list[ReviewRow]:
        """Draw reviews with text and photos, each as likely as any other, in one pass.

        Algorithm R of Vitter, "Random Sampling with a Reservoir", 1985.
        """
        chosen: list[ReviewRow] = []
        seen = 0
        for row in read_rows(self.path):
            if row.review_id not in self._reviews or not row.text.strip():
                continue
            seen += 1
            if len(chosen) < size:
                chosen.append(row)
            elif (place := int(random.integers(seen))) < size:
                chosen[place] = row
        return chosen
