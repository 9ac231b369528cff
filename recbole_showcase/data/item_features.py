"""What items look like and what is written of them: a vector an item from the feature store.

The features are those that explainers read, one a photo and one a review; here they are averaged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from recbole_showcase.data.corpus import TRAIN, Features, PhotoTable, ReviewCorpus

Seen = Literal["image", "review"]  # modalities that items have features of
_BLOCK_BYTES = 1 << 24  # of features in memory at a time
_CONSTANT = 1e-6  # a dimension that varies less is not divided by how much it varies


@dataclass(frozen=True)
class ItemFeatures:
    """Features of the items in one modality.

    Attributes:
        vectors: By internal item id (n_items, D), float32; each dimension has mean 0 and variance 1
            over the items that are known, the others have zeros.
        known: Whether there is anything to see (n_items,), bool; never for the padding.
    """

    vectors: np.ndarray
    known: np.ndarray


def item_features(modality: Seen, reviews: ReviewCorpus, photos: PhotoTable) -> ItemFeatures:
    """The mean feature of each item's photos or reviews that the training split knows.

    These are the photos that were posted with training rows or with no row at all, and the reviews
    of past rows: of the training split, and profiles of items where the data set has some. What a
    held-out visit has brought is none of it: that would tell who is to be found there.

    Args:
        modality: ``image`` or ``review``.
        reviews: The reviews of the data set.
        photos: Its photos.
    """
    if modality == "image":
        splits = reviews.interactions.splits[photos.rows]
        features, entries = photos.features, np.flatnonzero((photos.rows == 0) | (splits == TRAIN))
        items = photos.items[entries]
    else:
        features, entries = reviews.features, reviews.past_rows
        items = reviews.interactions.items[entries]
    own = np.flatnonzero(items > 0)
    means, counts = _means(features, entries[own], items[own], len(reviews.item_tokens))
    return ItemFeatures(_standardised(means, counts > 0), counts > 0)


def _means(
    features: Features, entries: np.ndarray, items: np.ndarray, n_items: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean feature (n_items, D) and number of features (n_items,) of each item.

    The store is read once from its beginning to its end, a block at a time.

    Args:
        features: Of a table.
        entries: Positions in the table (M,), all with a feature.
        items: The item of each (M,).
        n_items: The number of items.
    """
    sums = np.zeros((n_items, features.dim), dtype=np.float32)
    counts = np.bincount(items, minlength=n_items)
    in_store_order = np.argsort(features.rows[entries], kind="stable")
    step = max(1, _BLOCK_BYTES // (4 * max(1, features.dim)))
    for start in range(0, len(entries), step):
        block = in_store_order[start : start + step]
        block = block[np.argsort(items[block], kind="stable")]
        first = np.flatnonzero(np.diff(items[block], prepend=-1))
        sums[items[block[first]]] += np.add.reduceat(features[entries[block]], first, axis=0)
    sums /= np.maximum(counts, 1)[:, None].astype(np.float32)
    return sums, counts


def _standardised(vectors: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Vectors with mean 0 and variance 1 in each dimension over the known rows, the others zero."""
    if not known.any():
        return vectors
    mean = vectors[known].mean(axis=0, dtype=np.float64).astype(np.float32)
    spread = vectors[known].std(axis=0, dtype=np.float64).astype(np.float32)
    vectors -= mean
    vectors /= np.where(spread > _CONSTANT, spread, 1.0)
    vectors[~known] = 0.0
    return vectors
