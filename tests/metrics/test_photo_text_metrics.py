from __future__ import annotations

import math

import numpy as np
import pytest

from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.metrics import clip_score
from recbole_showcase.metrics import photo_text as module


def literal(
    sentences: np.ndarray, owners: np.ndarray, photos: np.ndarray, mask: np.ndarray, over: str
) -> float:
    def cosine(a: np.ndarray, b: np.ndarray) -> float:
        return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))

    best = []
    for pair in range(len(photos)):
        said = list(sentences[owners == pair])
        shown = list(photos[pair][mask[pair]])
        outer, inner = (said, shown) if over == "sentences" else (shown, said)
        if inner:
            best += [max(cosine(a, b) for b in inner) for a in outer]
    return 100 * sum(best) / len(best)


@pytest.mark.parametrize("over", ["sentences", "photos"])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(np.float64, 1e-10), (np.float32, 1e-4), (np.float16, 1e-4)]
)
@pytest.mark.parametrize("chunk", [7, 4096])
def test_equal_to_a_literal_version(
    monkeypatch: pytest.MonkeyPatch, chunk: int, dtype: type, tolerance: float, over
) -> None:
    monkeypatch.setattr(module, "_CHUNK", chunk)
    rng = np.random.default_rng(chunk)
    photos = rng.normal(size=(12, 4, 9)).astype(dtype)
    sentences = rng.normal(size=(25, 9)).astype(dtype)
    owners = rng.integers(0, 11, size=25)  # unsorted; the last pair has no sentence
    mask = rng.random((12, 4)) < 0.6
    mask[owners[0]] = False  # a pair with sentences and without photos
    expected = literal(*(a.astype(np.float64) for a in (sentences,)), owners,
                       photos.astype(np.float64), mask, over)  # fmt: skip
    photos[~mask] = np.nan
    assert clip_score(sentences, owners, photos, mask, over=over) == pytest.approx(
        expected, abs=tolerance
    )


def test_hand_computed_values() -> None:
    photos = [[[1, 0], [0.6, 0.8]], [[-2, 0], [9, 9]]]
    mask = [[True, True], [True, False]]
    sentences, owners = [[0, 3], [1, 0], [1, 0]], [0, 0, 1]
    # Best photo of each sentence: 0.8, 1, -1. Best sentence of each photo: 1, 0.8, -1.
    assert clip_score(sentences, owners, photos, mask) == pytest.approx(100 * 0.8 / 3)
    del sentences[1], owners[1]
    assert clip_score(sentences, owners, photos, mask) == pytest.approx(100 * (0.8 - 1) / 2)
    found = clip_score(sentences, owners, photos, mask, over="photos")
    assert found == pytest.approx(100 * (0 + 0.8 - 1) / 3)


@pytest.mark.parametrize("over", ["sentences", "photos"])
def test_single_pair_and_nothing_at_all(over) -> None:
    assert clip_score([[2, 0]], [0], [[[1, 0]]], [[True]], over=over) == pytest.approx(100)
    assert math.isnan(clip_score([[2, 0]], [0], [[[1, 0]]], [[False]], over=over))
    assert math.isnan(clip_score(np.zeros((0, 2)), [], [[[1, 0]]], [[True]], over=over))
    assert math.isnan(clip_score([[2, 0]], [0], np.zeros((1, 0, 2)), np.zeros((1, 0)), over=over))


def test_what_does_not_fit_is_refused() -> None:
    photos, mask = np.ones((2, 3, 4)), np.ones((2, 3), bool)
    with pytest.raises(DataError, match="sentence_features has 2, owners has 1 entries"):
        clip_score(np.ones((2, 4)), [0], photos, mask)
    with pytest.raises(
        DataError, match=r"sentence features \(1, 5\) and photo features \(2, 3, 4\)"
    ):
        clip_score(np.ones((1, 5)), [0], photos, mask)
    with pytest.raises(DataError, match="owners, row 1: pair 2; allowed are 0 to 1"):
        clip_score(np.ones((2, 4)), [0, 2], photos, mask)
    with pytest.raises(DataError, match="owners, row 0: pair -1"):
        clip_score(np.ones((1, 4)), [-1], photos, mask)
    with pytest.raises(DataError, match="type float64; allowed are"):
        clip_score(np.ones((1, 4)), [0.0], photos, mask)
    with pytest.raises(SettingsError, match="over is 'pairs'"):
        clip_score(np.ones((1, 4)), [0], photos, mask, over="pairs")  # type: ignore[arg-type]
