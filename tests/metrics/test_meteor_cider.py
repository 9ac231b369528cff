from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from types import SimpleNamespace

import nltk.corpus
import numpy as np
import pytest
from nltk.stem.porter import PorterStemmer

from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.metrics import cider, cider_values, meteor, meteor_values
from tests.metrics.texts import draw


def literal_meteor(hypothesis: list[str], reference: list[str]) -> float:
    """Stage by stage the last word that is left takes the last equal one that is left."""
    stem = PorterStemmer().stem
    pairs: list[tuple[int, int]] = []
    for form in (str, stem):
        for i in reversed(range(len(hypothesis))):
            for j in reversed(range(len(reference))):
                taken = any(i == pair[0] or j == pair[1] for pair in pairs)
                if not taken and form(hypothesis[i]) == form(reference[j]):
                    pairs.append((i, j))
    if not pairs:
        return 0.0
    pairs.sort()
    chunks = 1 + sum((b[0] - a[0], b[1] - a[1]) != (1, 1) for a, b in pairwise(pairs))
    precision, recall = len(pairs) / len(hypothesis), len(pairs) / len(reference)
    f_mean = precision * recall / (0.9 * precision + 0.1 * recall)
    return 100 * f_mean * (1 - 0.5 * (chunks / len(pairs)) ** 3)


@pytest.mark.parametrize("seed", range(4))
def test_meteor_equals_a_literal_version(seed: int) -> None:
    hypotheses, references = draw(seed)
    hypotheses[1:3] = ["the soups was spiced and noodle", "a noodle was spicy spicy"]
    expected = [
        literal_meteor(text.lower().split(), true.lower().split())
        for text, true in zip(hypotheses, references, strict=True)
    ]
    found = meteor_values(hypotheses, references, synonyms=False)
    assert found == pytest.approx(expected, abs=1e-9)
    assert meteor(hypotheses, references, synonyms=False) == pytest.approx(np.mean(expected))


def test_meteor_by_hand() -> None:
    # 3 of 4 words in 2 chunks, precision 3/4, recall 3/3: F = 10 P R / (R + 9 P) = 7.5 / 7.75.
    expected = 100 * 7.5 / 7.75 * (1 - 0.5 * (2 / 3) ** 3)
    found = meteor(["good soups very hot"], ["good soup hot"], synonyms=False)
    assert found == pytest.approx(expected)


def test_meteor_names_the_data_that_synonyms_need(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise LookupError("corpora/wordnet")

    monkeypatch.setattr(nltk.corpus, "wordnet", SimpleNamespace(ensure_loaded=missing))
    with pytest.raises(SettingsError, match=r"nltk.downloader wordnet.*METEORStem"):
        meteor(["a"], ["a"], synonyms=True)


def test_meteor_matches_synonyms(monkeypatch: pytest.MonkeyPatch) -> None:
    def synsets(word: str) -> list[SimpleNamespace]:
        lemmas = [SimpleNamespace(name=lambda: "soup")] if word == "broth" else []
        return [SimpleNamespace(lemmas=lambda: lemmas)]

    reader = SimpleNamespace(ensure_loaded=lambda: None, synsets=synsets)
    monkeypatch.setattr(nltk.corpus, "wordnet", reader)
    texts = ["the broth was good"], ["the soup was good"]
    same = meteor(texts[1], texts[1], synonyms=False)
    assert meteor(*texts, synonyms=True) == pytest.approx(same)
    assert meteor(*texts, synonyms=False) < same


def literal_cider(hypotheses: list[str], references: list[str]) -> list[float]:
    """The definition with dictionaries, pair by pair."""

    def grams(text: str, n: int) -> Counter[tuple[str, ...]]:
        words = text.lower().split()
        return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))

    values = []
    for text, true in zip(hypotheses, references, strict=True):
        total = 0.0
        for n in range(1, 5):
            documents = Counter(gram for other in references for gram in grams(other, n))

            def weigh(text: str, n: int = n, documents=documents) -> dict[tuple[str, ...], float]:
                return {
                    gram: count * math.log(len(references) / max(1, documents[gram]))
                    for gram, count in grams(text, n).items()
                }

            said, told = weigh(text), weigh(true)
            dot = sum(min(said.get(gram, 0), weight) * weight for gram, weight in told.items())
            lengths = [math.sqrt(sum(w * w for w in side.values())) for side in (said, told)]
            total += dot / math.prod(lengths) if all(lengths) else 0.0
        gap = len(text.split()) - len(true.split())
        values.append(10 * total / 4 * math.exp(-(gap**2) / 72))
    return values


@pytest.mark.parametrize("seed", range(4))
def test_cider_equals_a_literal_version(seed: int) -> None:
    hypotheses, references = draw(seed)
    expected = literal_cider(hypotheses, references)
    assert max(expected) > 5
    assert cider_values(hypotheses, references) == pytest.approx(expected, abs=1e-9)
    assert cider(hypotheses, references) == pytest.approx(np.mean(expected), abs=1e-9)


def test_cider_by_hand() -> None:
    # Unigrams: soup, was, good of soup, was, really, good; "the" is in both references.
    orders = [3 / math.sqrt(3 * 4), 2 / math.sqrt(3 * 4), 1 / math.sqrt(2 * 3), 0.0]
    references = ["the soup was really good", "a pizza from the oven"]
    found = cider_values(["the soup was good", "the"], references)
    assert found == pytest.approx([10 * sum(orders) / 4 * math.exp(-1 / 72), 0.0])


def test_cider_of_one_pair_weighs_nothing() -> None:
    assert cider(["good soup"], ["good soup"]) == 0


@pytest.mark.parametrize("metric", [cider, lambda texts, true: meteor(texts, true, synonyms=False)])
def test_pairs_of_one_kind(metric) -> None:
    assert metric(["", "soup"], ["good soup", ""]) == 0
    assert metric(["", ""], ["", ""]) == 0
    assert math.isnan(metric([], []))
    with pytest.raises(DataError, match="hypotheses has 1, references has 2 entries"):
        metric(["a"], ["a", "b"])
    with pytest.raises(DataError, match="references is a single text"):
        metric(["a"], "a")
