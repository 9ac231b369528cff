"""What users' own photos have in common, and that nothing held out is looked at."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from recbole_showcase.data.corpus import TRAIN
from recbole_showcase.data.ragged import Ragged
from recbole_showcase.data.taste import taste_of
from tests.integration.test_training import prepare
from tests.tiny import TinyWorld


class Rows(SimpleNamespace):
    """Features in memory, as a table's: zeros at -1."""

    def __getitem__(self, index: np.ndarray) -> np.ndarray:
        return np.where((index >= 0)[..., None], self.matrix[index], 0).astype(np.float32)


def slow_taste(photos: np.ndarray, quantile: float) -> tuple[np.ndarray, float]:
    unit = [photo / np.linalg.norm(photo) for photo in photos]
    centre = np.mean(unit, axis=0)
    centre = centre / np.linalg.norm(centre)
    return centre, float(np.quantile([photo @ centre for photo in unit], quantile))


@pytest.mark.parametrize("at_once", [1, 7, 10_000])
@pytest.mark.parametrize("quantile", [0.0, 0.1, 0.5])
def test_it_is_that_of_a_slow_reading(at_once: int, quantile: float) -> None:
    random = np.random.default_rng(0)
    owners = np.array([1, 3, 1, 1, 4, 3, 4, 4, 4, 1])
    features = Rows(matrix=random.normal(size=(len(owners), 5)), dim=5)
    of_user = Ragged.from_pairs(owners, np.arange(len(owners)), 6)
    users = np.array([3, 1, 5, 3, 4])
    centres, cosines = taste_of(users, of_user, features, quantile, at_once)
    for user, centre, cosine in zip(users, centres, cosines, strict=True):
        if user == 5:  # without a photo
            assert not centre.any() and cosine == 1
            continue
        expected = slow_taste(features.matrix[owners == user], quantile)
        np.testing.assert_allclose(centre, expected[0], atol=1e-6)
        assert cosine == pytest.approx(expected[1], abs=1e-6)


def test_training_batches_tell_it_of_training_photos_alone(
    tiny_world: TinyWorld, tmp_path: Path
) -> None:
    changes = {"showcase_relevance": "brie", "relevance_negatives": "likely"}
    trainer, _ = prepare("ShowcaseBPR", tiny_world, tmp_path, **changes)
    data = trainer.model.showcase.data
    rows = data.selection_rows[:6]
    batch, again = (data.training_selection(rows, np.random.default_rng(seed)) for seed in (0, 1))
    assert batch.taste.equal(again.taste) and batch.taste_cosine.equal(again.taste_cosine)
    inter, photos = data.corpus.interactions, data.photos
    for n, row in enumerate(rows):
        own = [
            p
            for p in range(len(photos.rows))
            if inter.users[photos.rows[p]] == inter.users[row]
            and inter.splits[photos.rows[p]] == TRAIN
        ]
        centre, cosine = slow_taste(photos.features[np.array(own)], 0.1)
        np.testing.assert_allclose(batch.taste[n].numpy(), centre, atol=1e-6)
        assert float(batch.taste_cosine[n]) == pytest.approx(cosine, abs=1e-6)
    data.taste_quantile = None
    assert data.training_selection(rows, np.random.default_rng(0)).taste.shape == (0, 0)
