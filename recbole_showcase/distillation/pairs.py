"""Labelled pairs as features, with the groups that cross-validation has to keep together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from recbole_showcase.arguments import name_of
from recbole_showcase.atomic import read_atomic
from recbole_showcase.distillation.labels import read_labels, refuse_lines
from recbole_showcase.encoders import ClipEncoder, FeatureStore
from recbole_showcase.errors import DataError, FeatureStoreError

ENCODED_AT_ONCE = 128


@dataclass(frozen=True)
class LabelledPairs:
    """P sentence–photo pairs of one encoder.

    Attributes:
        sentences: Features of the sentences (P, D) float32.
        photos: Features of the photos (P, D) float32.
        labels: Whether the sentence describes the photo (P,) bool.
        groups: Number of the group (P,) int64: two pairs that share a review, by their sentence
            or by their photo, are of the same group.
        encoder: Name of the encoder.
        weights_digest: Digest of its weights.
        without_features: Pairs left out because their photo could not be encoded.
    """

    sentences: np.ndarray
    photos: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    encoder: str
    weights_digest: str
    without_features: int = 0

    def __len__(self) -> int:
        """Return the number of pairs, P."""
        return len(self.labels)

    @classmethod
    def load(
        cls, dataset_dir: Path, labels: Path, encoder: str = "showcase-tiny", device: str = "cpu"
    ) -> LabelledPairs:
        """Look up the photos of a file of labels, and encode its sentences.

        Args:
            dataset_dir: ``DATA/NAME``, whose photos have features.
            labels: The file; see :func:`read_labels`.
            encoder: Name of the feature store.
            device: Where sentences are encoded.

        Raises:
            DataError: The file is not usable, or names a photo that the data set has not.
            FeatureStoreError: The features are missing or do not fit the data set.
        """
        store = FeatureStore.open(dataset_dir, encoder, "image")
        table = read_labels(labels)
        path = dataset_dir / f"{name_of(dataset_dir)}.image"
        images = read_atomic(path, ["image_id", "review_id"]).drop_duplicates("image_id")
        position = pd.Index(images["image_id"]).get_indexer(pd.Index(table["image_id"]))
        unknown = position < 0
        if unknown.any():
            name = table["image_id"].iat[int(unknown.argmax())]
            refuse_lines(labels, "image_id", unknown, f"photo {name!r} is not in {path}")
        owners = images["review_id"].to_numpy(dtype=object)[position]
        groups = _groups(table["review_id"].to_numpy(dtype=object), owners)
        rows = store.rows(table["image_id"])
        kept = rows >= 0
        texts, which = np.unique(table["sentence"].to_numpy(dtype=str)[kept], return_inverse=True)
        features = encode_sentences(ClipEncoder.of_store(store, device), texts.tolist())
        return cls(
            sentences=features[which],
            photos=store.matrix[rows[kept]].astype(np.float32),
            labels=table["label"].to_numpy()[kept] == 1,
            groups=groups[kept],
            encoder=store.meta["encoder"],
            weights_digest=store.meta["weights_digest"],
            without_features=int((~kept).sum()),
        )

    @classmethod
    def join(cls, parts: Sequence[LabelledPairs]) -> LabelledPairs:
        """Put the pairs of several data sets together; their groups stay apart.

        Raises:
            DataError: There are none, or they are of different encoders.
        """
        origins = {(part.encoder, part.weights_digest) for part in parts}
        if len(origins) != 1:
            found = ", ".join(f"{name} ({digest})" for name, digest in sorted(origins)) or "none"
            raise DataError(f"pairs of one encoder are needed; found {found}")
        sizes = [part.groups.max(initial=-1) + 1 for part in parts]
        shifts = np.concatenate([[0], np.cumsum(sizes)])
        return cls(
            sentences=np.concatenate([part.sentences for part in parts]),
            photos=np.concatenate([part.photos for part in parts]),
            labels=np.concatenate([part.labels for part in parts]),
            groups=np.concatenate([p.groups + s for p, s in zip(parts, shifts[:-1], strict=True)]),
            encoder=parts[0].encoder,
            weights_digest=parts[0].weights_digest,
            without_features=sum(part.without_features for part in parts),
        )


def encode_sentences(encoder: ClipEncoder, sentences: Sequence[str]) -> np.ndarray:
    """Encode sentences as vectors (S, D) float32 of length one.

    Raises:
        FeatureStoreError: The encoder gives values that are no numbers.
    """
    parts = [
        encoder.encode_texts(list(sentences[start : start + ENCODED_AT_ONCE])).cpu().numpy()
        for start in range(0, len(sentences), ENCODED_AT_ONCE)
    ]
    features = np.concatenate([np.empty((0, encoder.dim), np.float32), *parts])
    if not np.isfinite(features).all():
        raise FeatureStoreError(f"encoder '{encoder.name}' gave values that are no numbers")
    return features


def _groups(sentence_reviews: np.ndarray, photo_reviews: np.ndarray) -> np.ndarray:
    """Number the groups of pairs (P,): reviews that a pair joins, directly or by others, are one.

    A photo without a review joins nothing.
    """
    alone = photo_reviews == ""
    both = np.concatenate([sentence_reviews, np.where(alone, sentence_reviews, photo_reviews)])
    codes, names = pd.factorize(both)
    mine, other = np.split(codes, 2)
    links = coo_array((np.ones(len(mine)), (mine, other)), shape=(len(names), len(names)))
    _, component = connected_components(links, directed=False)
    return component[mine].astype(np.int64)
