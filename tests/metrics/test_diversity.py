from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from scipy.stats import entropy

from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.metrics import (
    distinct_n,
    empty_text_values,
    empty_texts,
    entropy_n,
    mean_over_groups,
    self_bleu,
    unique_sentence_ratio,
)
from tests.metrics.texts import draw


@pytest.mark.parametrize("n", [1, 2, 4])
@pytest.mark.parametrize("seed", range(3))
def test_entropy_equals_scipys(seed: int, n: int) -> None:
    texts, _ = draw(seed)
    words = [text.lower().split() for text in texts]
    grams = Counter(tuple(w[i : i + n]) for w in words for i in range(len(w) - n + 1))
    assert entropy_n(texts, n) == pytest.approx(entropy(list(grams.values())), abs=1e-12)


def test_entropy_by_hand() -> None:
    assert entropy_n(["a b c d"], 1) == pytest.approx(math.log(4))
    assert entropy_n(["a a", "a"], 1) == 0
    assert math.isnan(entropy_n(["a"], 2))
    assert math.isnan(entropy_n([], 1))


@pytest.mark.parametrize("max_order", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", range(4))
def test_self_bleu_equals_nltk_against_all_others(seed: int, max_order: int) -> None:
    texts, _ = draw(seed, pairs=20)
    words = [text.lower().split() for text in texts]
    assert [] in words
    expected = [
        sentence_bleu(
            words[:n] + words[n + 1 :],
            words[n],
            weights=[1 / max_order] * max_order,
            smoothing_function=SmoothingFunction().method1,
        )
        for n in range(len(words))
    ]
    assert self_bleu(texts, max_order=max_order) == pytest.approx(100 * np.mean(expected), abs=1e-9)


def test_self_bleu_by_hand() -> None:
    assert self_bleu(["good soup"] * 3, max_order=2) == pytest.approx(100)
    assert self_bleu(["good soup", "bad pizza"], max_order=1) == 0
    assert self_bleu(["", ""], max_order=1) == 0
    # "soup soup" is clipped at the one "soup" elsewhere; 2 words against 1 take no penalty.
    assert self_bleu(["soup soup", "soup"], max_order=1) == pytest.approx(
        100 * (1 / 2 + math.exp(1 - 2)) / 2
    )
    assert math.isnan(self_bleu(["good soup"]))
    assert math.isnan(self_bleu([]))


@pytest.mark.parametrize("seed", range(3))
def test_unique_sentences_equal_a_literal_version(seed: int) -> None:
    texts, _ = draw(seed)
    unique: list[list[str]] = []
    for text in texts:
        if text.lower().split() not in unique:
            unique.append(text.lower().split())
    assert unique_sentence_ratio(texts) == pytest.approx(len(unique) / len(texts), abs=1e-12)


def test_unique_sentences_of_few() -> None:
    assert unique_sentence_ratio([""]) == 1
    assert math.isnan(unique_sentence_ratio([]))


@pytest.mark.parametrize("metric", [unique_sentence_ratio, lambda texts: distinct_n(texts, 2)])
@pytest.mark.parametrize("seed", range(3))
def test_groups_equal_a_literal_version(seed: int, metric) -> None:
    texts, _ = draw(seed)
    groups = np.random.default_rng(seed).integers(0, 12, len(texts))
    values = []
    for group in set(groups.tolist()):
        own = [text for text, other in zip(texts, groups, strict=True) if other == group]
        if len(own) > 1 and not math.isnan(metric(own)):
            values.append(metric(own))
    assert len(values) < len(set(groups.tolist()))
    found = mean_over_groups(metric, texts, groups)
    assert found == pytest.approx(sum(values) / len(values), abs=1e-12)


def test_pairs_without_a_text_are_counted() -> None:
    texts = ["good soup", "", "\u3000\n", "。", "nice"]
    assert empty_text_values(texts).tolist() == [0.0, 1.0, 1.0, 0.0, 0.0]
    assert empty_texts(texts) == 0.4 and math.isnan(empty_texts([]))
    with pytest.raises(DataError, match="hypotheses is a single text"):
        empty_texts("abc")


def test_groups_of_one_and_none() -> None:
    assert math.isnan(mean_over_groups(unique_sentence_ratio, ["a", "b"], [1, 2]))
    assert math.isnan(mean_over_groups(unique_sentence_ratio, [], []))
    assert mean_over_groups(unique_sentence_ratio, ["a", "a"], ["u", "u"]) == 0.5
    with pytest.raises(DataError, match="hypotheses has 1, groups has 2 entries"):
        mean_over_groups(unique_sentence_ratio, ["a"], [1, 2])


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(SettingsError, match="n is 0"):
        entropy_n(["a"], 0)
    with pytest.raises(SettingsError, match="max_order is 5"):
        self_bleu(["a", "b"], max_order=5)
    for metric in (unique_sentence_ratio, self_bleu):
        with pytest.raises(DataError, match="hypotheses is a single text"):
            metric("abc")
