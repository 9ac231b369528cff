"""Features of items: means of what may be seen, with nothing of what is held out."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recbole_showcase.data import item_features as module
from recbole_showcase.data.corpus import TRAIN
from recbole_showcase.data.item_features import item_features
from tests.recommenders.conftest import BLIND, COLD, built
from tests.tiny import TinyWorld


@pytest.fixture(scope="module")
def data(seen_world: TinyWorld, tmp_path_factory: pytest.TempPathFactory) -> Any:
    _, loaders = built("VBPR", seen_world, tmp_path_factory.mktemp("work"))
    return loaders[0]._dataset


def literal(vectors: list[list[np.ndarray]]) -> np.ndarray:
    """Means and standardisation, item by item and number by number."""
    means = {i: np.mean(own, axis=0) for i, own in enumerate(vectors) if own}
    out = np.zeros((len(vectors), len(next(iter(means.values())))))
    for axis in range(out.shape[1]):
        column = [mean[axis] for mean in means.values()]
        for item, mean in means.items():
            out[item, axis] = (mean[axis] - np.mean(column)) / np.std(column)
    return out


@pytest.mark.parametrize("block", [1 << 24, 256])
@pytest.mark.parametrize("modality", ["image", "review"])
def test_they_are_standardised_means(
    data: Any, modality: Any, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BLOCK_BYTES", block)
    own: list[list[np.ndarray]] = [[] for _ in data.reviews.item_tokens]
    inter = data.reviews.interactions
    if modality == "image":
        photos = data.photos
        for entry, (item, row) in enumerate(zip(photos.items, photos.rows, strict=True)):
            if row == 0 or inter.splits[row] == TRAIN:
                own[item].append(photos.features[np.array([entry])][0])
    else:
        for row in np.flatnonzero(inter.splits == TRAIN):
            own[inter.items[row]].append(data.reviews.features[np.array([row])][0])
    found = item_features(modality, data.reviews, data.photos)
    assert found.vectors.dtype == np.float32
    np.testing.assert_array_equal(found.known, [bool(part) for part in own])
    np.testing.assert_allclose(found.vectors, literal(own), atol=2e-5)


def test_what_is_not_seen_is_zero(data: Any) -> None:
    number = data.token2id(data.iid_field, [BLIND, COLD])
    for modality, unknown in (("image", number[0]), ("review", number[1])):
        found = item_features(modality, data.reviews, data.photos)
        assert set(np.flatnonzero(~found.known)) == {0, unknown}
        assert not found.vectors[[0, unknown]].any()


@pytest.mark.parametrize("modality", ["image", "review"])
def test_what_is_held_out_changes_nothing(
    seen_world: TinyWorld, data: Any, tmp_path: Path, modality: Any
) -> None:
    """Their features are turned into something else in the store, and nobody notices."""
    world = TinyWorld(tmp_path / "data", "seen", {})
    shutil.copytree(seen_world.folder, world.folder)
    path = world.folder / "seen.features" / "topics" / f"{modality}.npy"
    inter, matrix = data.reviews.interactions, np.load(path)
    rows = np.arange(len(inter.splits)) if modality == "review" else data.photos.rows
    store = data.reviews.features if modality == "review" else data.photos.features
    held_out = store.rows[np.flatnonzero(inter.splits[rows] > TRAIN)]
    matrix[held_out] = np.eye(matrix.shape[1])[-1]
    np.save(path, matrix)
    _, loaders = built("VBPR", world, tmp_path / "work")
    changed = loaders[0]._dataset
    before, after = (item_features(modality, d.reviews, d.photos) for d in (data, changed))
    np.testing.assert_array_equal(before.vectors, after.vectors)
    np.testing.assert_array_equal(before.known, after.known)
    training = store.rows[np.flatnonzero((rows > 0) & (inter.splits[rows] == TRAIN))[:1]]
    matrix[training] = np.eye(matrix.shape[1])[-1]
    np.save(path, matrix)
    assert (item_features(modality, changed.reviews, changed.photos).vectors != after.vectors).any()
