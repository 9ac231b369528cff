"""Cosines of candidates with profiles, from which learned relevance starts."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import pytest

from recbole_showcase.data import cosines
from recbole_showcase.data.corpus import TRAIN, Features
from recbole_showcase.data.cosines import profile_cosines
from recbole_showcase.data.explanation import ExplanationData
from tests.integration.test_training import prepare
from tests.tiny import TinyWorld


class Changed:
    """Features of another encoder: the same rows, changed."""

    def __init__(self, features: Features, change: Callable[[np.ndarray], np.ndarray]) -> None:
        self.values = change(features[np.arange(len(features.rows))]).astype(np.float32)
        self.dim = self.values.shape[1]

    def __getitem__(self, index: np.ndarray) -> np.ndarray:
        return np.where((index >= 0)[..., None], self.values[index], 0.0)


@pytest.fixture(scope="module")
def data(tiny_world: TinyWorld, tmp_path_factory: pytest.TempPathFactory) -> ExplanationData:
    trainer, _ = prepare("ShowcaseBPR", tiny_world, tmp_path_factory.mktemp("cosines"))
    return trainer.model.showcase.data


def changed(
    data: ExplanationData,
    photos: Callable[[np.ndarray], np.ndarray],
    reviews: Callable[[np.ndarray], np.ndarray],
) -> ExplanationData:
    other = copy.copy(data)
    other.photos, other.corpus = copy.copy(data.photos), copy.copy(data.corpus)
    other.photos.features = Changed(data.photos.features, photos)
    other.corpus.features = Changed(data.corpus.features, reviews)
    return other


def literal(data: ExplanationData) -> list[tuple[float, float]]:
    """Pair by pair; the tiny world's rows are fewer than the sample."""
    found: dict[str, list[float]] = {"photo": [], "review": []}
    means = {"photo": data.photo_statistics()[0], "review": data.review_statistics()[0]}
    for row in data.selection_rows:
        batch = data.training_selection(np.array([row]), np.random.default_rng(0))
        profile = {
            "photo": batch.history_photo_features[0][batch.history_photo_mask[0]],
            "review": batch.review_features[0][batch.review_mask[0]],
        }
        for photo in batch.candidate_features[0][batch.candidate_mask[0]].numpy():
            for kind, entries in profile.items():
                for entry in entries.numpy():
                    a, b = photo - means["photo"], entry - means[kind]
                    found[kind].append(float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))
    return [(float(np.mean(values)), float(np.std(values))) for values in found.values()]


def test_they_are_those_of_every_candidate_and_entry(data: ExplanationData) -> None:
    found = profile_cosines(data)
    assert found.dtype == np.float32 and (found[:, 1] > 0.1).all()
    np.testing.assert_allclose(found, literal(data), rtol=1e-4, atol=1e-5)


def test_a_cone_a_scale_and_a_rotation_change_nothing(data: ExplanationData) -> None:
    rng = np.random.default_rng(0)
    cone, turn = rng.normal(size=data.feature_dim), rng.normal(size=(data.feature_dim, 24))
    turn = np.linalg.qr(turn.T)[0].T  # (D, 24): into more dimensions, lengths and angles kept
    expected = profile_cosines(data)
    for change in (lambda x: x + 3.0 * cone, lambda x: 5.0 * x, lambda x: x @ turn):
        found = profile_cosines(changed(data, change, change))
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_they_follow_the_encoder(data: ExplanationData) -> None:
    """Noise beside what the features say: nothing is as like as before, and the start follows."""
    rng = np.random.default_rng(0)

    def noisy(x: np.ndarray) -> np.ndarray:
        return np.concatenate([x, rng.normal(size=(len(x), 200)) * 0.2], axis=1)

    found = profile_cosines(changed(data, noisy, noisy))
    assert (found[:, 1] < 0.5 * profile_cosines(data)[:, 1]).all()


def test_nothing_held_out_is_looked_at(data: ExplanationData) -> None:
    splits = data.corpus.interactions.splits
    held_out = {
        "photos": splits[data.photos.rows] != TRAIN,
        "reviews": ~np.isin(np.arange(len(splits)), data.corpus.past_rows),
    }
    assert all(hidden.any() for hidden in held_out.values())

    def blind(kind: str) -> Callable[[np.ndarray], np.ndarray]:
        return lambda x: np.where(held_out[kind][: len(x), None], np.nan, x)

    found = profile_cosines(changed(data, blind("photos"), blind("reviews")))
    np.testing.assert_array_equal(found, profile_cosines(data))


def test_of_many_rows_an_even_sample_is_looked_at(
    data: ExplanationData, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, seen = profile_cosines(data), []
    monkeypatch.setattr(cosines, "SAMPLE", 50)
    take = ExplanationData.training_selection

    def counted(self: ExplanationData, rows: np.ndarray, random: np.random.Generator) -> object:
        seen.extend(rows)
        return take(self, rows, random)

    monkeypatch.setattr(ExplanationData, "training_selection", counted)
    found = profile_cosines(data)
    assert 25 <= len(seen) <= 50 and set(seen) <= set(data.selection_rows)
    np.testing.assert_allclose(found, whole, atol=0.1)
    np.testing.assert_array_equal(found, profile_cosines(data))


def test_without_cosines_the_start_is_that_of_random_directions(data: ExplanationData) -> None:
    empty = copy.copy(data)
    vars(empty)["selection_rows"] = data.selection_rows[:0]
    spread = data.feature_dim**-0.5
    np.testing.assert_allclose(profile_cosines(empty), [[0.0, spread]] * 2, rtol=1e-6)
