from __future__ import annotations

import math

import numpy as np
import pytest

from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.metrics import clip_align


def literal(confidences: np.ndarray, owners: np.ndarray, mask: np.ndarray, over: str) -> float:
    best = []
    for pair in range(len(mask)):
        said = np.flatnonzero(owners == pair)
        shown = np.flatnonzero(mask[pair])
        if len(said) and len(shown):
            if over == "sentences":
                best += [max(confidences[s, k] for k in shown) for s in said]
            else:
                best += [max(confidences[s, k] for s in said) for k in shown]
    return 100 * sum(best) / len(best)


@pytest.mark.parametrize("over", ["sentences", "photos"])
@pytest.mark.parametrize("seed", range(3))
def test_equal_to_a_literal_version(over, seed: int) -> None:
    rng = np.random.default_rng(seed)
    confidences, mask = rng.random((25, 4)), rng.random((12, 4)) < 0.6
    owners = rng.integers(0, 11, size=25)  # unsorted; the last pair has no sentence
    mask[owners[0]] = False  # a pair with sentences and without photos
    expected = literal(confidences, owners, mask, over)
    confidences[~mask[owners]] = np.nan  # what stands at masked photos does not matter
    assert clip_align(confidences, owners, mask, over=over) == pytest.approx(expected, abs=1e-10)


def test_hand_computed_values() -> None:
    confidences = [[0.1, 0.7, 9.0], [0.3, 0.2, 9.0], [0.9, 0.0, 9.0]]
    mask = [[True, True, False], [True, True, False]]
    # Best photo of each sentence: 0.7, 0.3, 0.9. Best sentence of each photo: 0.3, 0.7; 0.9, 0.
    assert clip_align(confidences, [0, 0, 1], mask) == pytest.approx(100 * 1.9 / 3)
    found = clip_align(confidences, [0, 0, 1], mask, over="photos")
    assert found == pytest.approx(100 * 1.9 / 4)


@pytest.mark.parametrize("over", ["sentences", "photos"])
def test_single_pair_and_nothing_at_all(over) -> None:
    assert clip_align([[0.25]], [0], [[True]], over=over) == pytest.approx(25)
    assert math.isnan(clip_align([[0.25]], [0], [[False]], over=over))
    assert math.isnan(clip_align(np.zeros((0, 1)), [], [[True]], over=over))
    assert math.isnan(clip_align(np.zeros((1, 0)), [0], np.zeros((1, 0)), over=over))


def test_what_does_not_fit_is_refused() -> None:
    mask = np.ones((2, 3), bool)
    with pytest.raises(DataError, match=r"confidences \(1, 2\) and photo mask \(2, 3\)"):
        clip_align(np.ones((1, 2)), [0], mask)
    with pytest.raises(DataError, match="confidences has 2, owners has 1 entries"):
        clip_align(np.ones((2, 3)), [0], mask)
    with pytest.raises(DataError, match="owners, row 0: pair 2; allowed are 0 to 1"):
        clip_align(np.ones((1, 3)), [2], mask)
    with pytest.raises(DataError, match=r"confidences, row 0, place 1: 1\.5; allowed are 0 to 1"):
        clip_align([[1, 1.5, 2]], [0], mask)
    with pytest.raises(DataError, match="row 0, place 0: nan"):
        clip_align([[np.nan, 1, 1]], [0], mask)
    with pytest.raises(SettingsError, match="over is 'pairs'"):
        clip_align(np.ones((1, 3)), [0], mask, over="pairs")  # type: ignore[arg-type]
