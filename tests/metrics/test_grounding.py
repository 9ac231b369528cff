from __future__ import annotations

import math

import numpy as np
import pytest

from recbole_showcase.errors import DataError
from recbole_showcase.metrics import (
    grounding,
    hallucination_rate,
    photo_support,
    text_change,
    text_change_values,
    text_gap,
)
from tests.metrics.test_text_metrics import literal_rouge
from tests.metrics.texts import draw


@pytest.mark.parametrize("seed", range(4))
def test_change_equals_a_literal_version(seed: int) -> None:
    texts, changed = draw(seed)
    swapped = np.random.default_rng(seed).random(len(texts)) < 0.7
    expected = [
        1 - literal_rouge(first.lower().split(), second.lower().split(), "rougeL")
        for first, second in zip(texts, changed, strict=True)
    ]
    assert text_change(texts, changed) == pytest.approx(np.mean(expected), abs=1e-12)
    expected = np.where(swapped, expected, np.nan)
    found = text_change_values(texts, changed, swapped)
    assert found == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_change_of_few() -> None:
    assert text_change(["", "Soup "], ["", "soup"]) == 0
    assert text_change(["", "a b"], ["soup", "c d"]) == 1
    assert text_change(["a b c", "x"], ["a c", "y"], [True, False]) == pytest.approx(1 / 5)
    assert math.isnan(text_change(["a"], ["b"], [False]))
    assert math.isnan(text_change([], []))
    with pytest.raises(DataError, match="texts has 1, swapped has 2"):
        text_change(["a"], ["b"], [True, True])


@pytest.mark.parametrize("seed", range(4))
def test_gap_equals_a_literal_version(seed: int) -> None:
    texts, references = draw(seed)
    given = texts[::-1]

    def score(side: list[str]) -> float:
        pairs = zip(side, references, strict=True)
        words = [[[w for w in t.lower().split() if w.isalpha()] for t in pair] for pair in pairs]
        return 100 * float(np.mean([literal_rouge(*pair, "rougeL") for pair in words]))

    expected = score(given) - score(texts)
    assert text_gap(texts, given, references) == pytest.approx(expected, abs=1e-9)


def test_gap_of_few() -> None:
    # F of two of three words is 2/3, of all words 1.
    assert text_gap(["a b x"], ["a b c"], ["a b c"]) == pytest.approx(100 / 3)
    assert text_gap(["a b c", ""], ["x", ""], ["a b c", "d"]) == -50
    assert math.isnan(text_gap([], [], []))
    with pytest.raises(DataError, match="texts has 1, from_given has 2"):
        text_gap(["a"], ["a", "b"], ["a"])


@pytest.mark.parametrize("seed", range(4))
def test_hallucination_equals_a_literal_version(seed: int) -> None:
    rng = np.random.default_rng(seed)
    said, known = rng.random((30, 8)) < 0.2, rng.random((30, 8)) < 0.6
    values = [
        sum(not known[n, f] for f in np.flatnonzero(said[n])) / said[n].sum()
        for n in range(30)
        if said[n].any()
    ]
    assert 0 < len(values) < 30
    assert hallucination_rate(said, known) == pytest.approx(np.mean(values), abs=1e-12)


def test_hallucination_of_nothing() -> None:
    assert math.isnan(hallucination_rate([[0, 0]], [[1, 1]]))
    assert math.isnan(hallucination_rate(np.zeros((0, 2)), np.zeros((0, 2))))
    assert hallucination_rate([[1, 0], [0, 0]], [[0, 0], [0, 0]]) == 1
    with pytest.raises(DataError, match=r"mentions \(1, 1\), supported \(1, 2\)"):
        hallucination_rate([[1]], [[1, 1]])


@pytest.mark.parametrize("chunk", [3, 8192])
@pytest.mark.parametrize("seed", range(3))
def test_photo_support_equals_a_literal_version(
    monkeypatch: pytest.MonkeyPatch, seed: int, chunk: int
) -> None:
    monkeypatch.setattr(grounding, "_CHUNK", chunk)
    rng = np.random.default_rng(seed)
    phrases, photos = rng.normal(size=(5, 6)), rng.normal(size=(20, 6))
    owners = rng.integers(0, 7, 20)
    expected = np.zeros((8, 5), dtype=bool)
    for photo, owner in zip(photos, owners, strict=True):
        for n, phrase in enumerate(phrases):
            cosine = photo @ phrase / (np.linalg.norm(photo) * np.linalg.norm(phrase))
            expected[owner, n] |= cosine >= 0.4
    assert expected.any() and not expected.all()
    assert (photo_support(phrases, photos, owners, 8, 0.4) == expected).all()


def test_photo_support_refuses_what_does_not_fit() -> None:
    none = photo_support(np.ones((2, 3)), np.zeros((0, 3)), [], 4, 0.3)
    assert none.shape == (4, 2) and not none.any()
    with pytest.raises(DataError, match=r"\(1, 2\) and photo features \(1, 3\)"):
        photo_support(np.ones((1, 2)), np.ones((1, 3)), [0], 1, 0.3)
    with pytest.raises(DataError, match="owners are 4 to 4; allowed: 0 to 3"):
        photo_support(np.ones((1, 2)), np.ones((1, 2)), [4], 4, 0.3)
