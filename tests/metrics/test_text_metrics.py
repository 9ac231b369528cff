from __future__ import annotations

import math
import warnings
from collections import Counter

import numpy as np
import pytest

from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.metrics import corpus_bleu, distinct_n, rouge, rouge_values, sacre_bleu
from tests.metrics.texts import draw


def literal_bleu(hypotheses: list[str], references: list[str], max_order: int) -> float:
    pairs = [
        (hypothesis.lower().split(), reference.lower().split())
        for hypothesis, reference in zip(hypotheses, references, strict=True)
    ]
    logs = []
    for n in range(1, max_order + 1):
        match = total = 0
        for pair in pairs:
            said, true = (
                Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))
                for words in pair
            )
            match, total = match + (said & true).total(), total + said.total()
        logs.append(math.log(match / total))
    lengths = [sum(len(pair[side]) for pair in pairs) for side in (0, 1)]
    return 100 * math.exp(sum(logs) / max_order + min(0.0, 1 - lengths[1] / lengths[0]))


@pytest.mark.parametrize("max_order", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", range(4))
def test_corpus_bleu_equals_a_literal_version(seed: int, max_order: int) -> None:
    texts = draw(seed)
    assert "" in texts[0]
    assert corpus_bleu(*texts, max_order=max_order) == pytest.approx(
        literal_bleu(*texts, max_order), abs=1e-9
    )


@pytest.mark.parametrize("max_order", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", range(4))
def test_corpus_bleu_equals_nltk(seed: int, max_order: int) -> None:
    from nltk.translate.bleu_score import corpus_bleu as nltk_bleu

    # nltk counts a text of fewer than n words as one n-gram that does not match, so none is here.
    hypotheses, references = draw(seed, shortest=4)
    expected = nltk_bleu(
        [[text.lower().split()] for text in references],
        [text.lower().split() for text in hypotheses],
        weights=[1 / max_order] * max_order,
    )
    assert corpus_bleu(hypotheses, references, max_order=max_order) == pytest.approx(
        100 * expected, abs=1e-9
    )


@pytest.mark.parametrize("max_order", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", range(4))
def test_corpus_bleu_equals_sacrebleu_without_tokenizer_and_smoothing(
    seed: int, max_order: int
) -> None:
    from sacrebleu.metrics.bleu import BLEU

    hypotheses, references = draw(seed)
    package = BLEU(
        lowercase=True, tokenize="none", smooth_method="none", max_ngram_order=max_order, force=True
    )
    expected = package.corpus_score(hypotheses, [references]).score
    assert corpus_bleu(hypotheses, references, max_order=max_order) == pytest.approx(
        expected, abs=1e-9
    )


@pytest.mark.parametrize("seed", range(4))
def test_sacre_bleu_equals_sacrebleu(seed: int) -> None:
    from sacrebleu import corpus_bleu as package

    hypotheses, references = draw(seed)
    for size in (1, 2, 4, 30):  # few texts leave orders without a match, to be smoothed
        texts = [f"{text}!  It's (3.5) 5-star&quot;" for text in hypotheses[:size]]
        expected = package(texts, [references[:size]], force=True).score
        assert sacre_bleu(texts, references[:size]) == pytest.approx(expected, abs=1e-9)


def test_an_order_without_match_makes_corpus_bleu_zero() -> None:
    assert corpus_bleu(["b a"], ["a b"], max_order=2) == 0
    assert corpus_bleu(["b a"], ["a b"], max_order=1) == pytest.approx(100)


def test_corpus_bleu_by_hand() -> None:
    # "the" is clipped to one match: 1/4 unigrams, no brevity penalty at equal length.
    assert corpus_bleu(["the the the the"], ["the soup is hot"], max_order=1) == pytest.approx(25)
    # Unigrams 4/4, bigrams 2/3; 4 words against 5: exp(1 - 5/4).
    expected = 100 * math.exp(-0.25) * math.sqrt(2 / 3)
    found = corpus_bleu(["soup is the good"], ["the good soup is hot"], max_order=2)
    assert found == pytest.approx(expected)


def test_corpus_bleu_sums_counts_over_the_corpus() -> None:
    found = corpus_bleu(["a b c d", "x"], ["a b c d", "y"], max_order=1)
    assert found == pytest.approx(80)


def test_the_two_bleus_are_different() -> None:
    hypotheses, references = ["The soup was Very good!"], ["the soup was very good !"]
    assert corpus_bleu(hypotheses, references, max_order=1) < 100  # "good!" is one word here
    assert sacre_bleu(hypotheses, references) < corpus_bleu(
        ["the soup was very good !"], references
    )
    assert sacre_bleu(["The soup was good!"], ["The soup was good !"]) == pytest.approx(100)


def test_sacre_bleu_by_hand() -> None:
    # 13a splits the full stop off: 5/6, 3/5, 1/4 and no 4-gram of 3, smoothed to 1/2 of 1/3.
    expected = 100 * (5 / 6 * 3 / 5 * 1 / 4 * 1 / 6) ** 0.25
    assert sacre_bleu(["the soup was very good."], ["the soup was good."]) == pytest.approx(
        expected
    )


def literal_rouge(hypothesis: list[str], reference: list[str], kind: str) -> float:
    if kind == "rougeL":
        lengths = np.zeros((len(hypothesis) + 1, len(reference) + 1), int)
        for i, word in enumerate(hypothesis):
            for j, other in enumerate(reference):
                longer = max(lengths[i, j + 1], lengths[i + 1, j])
                lengths[i + 1, j + 1] = lengths[i, j] + 1 if word == other else longer
        match, total = int(lengths[-1, -1]), len(hypothesis) + len(reference)
    else:
        n = int(kind[-1])
        grams = [
            Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))
            for words in (hypothesis, reference)
        ]
        match, total = (grams[0] & grams[1]).total(), grams[0].total() + grams[1].total()
    return 2 * match / total if match else 0.0


@pytest.mark.parametrize("kind", ["rouge1", "rouge2", "rougeL"])
@pytest.mark.parametrize("seed", range(3))
def test_rouge_equals_a_literal_version(seed: int, kind) -> None:
    hypotheses, references = draw(seed)
    expected = [
        literal_rouge(*([w for w in text.lower().split() if w.isalpha()] for text in pair), kind)
        for pair in zip(hypotheses, references, strict=True)
    ]
    found = rouge(hypotheses, references, kind=kind)
    assert found == pytest.approx(100 * np.mean(expected), abs=1e-9)


@pytest.mark.parametrize("kind", ["rouge1", "rouge2", "rougeL"])
@pytest.mark.parametrize("seed", range(3))
def test_rouge_equals_rouge_score(seed: int, kind) -> None:
    from rouge_score.rouge_scorer import RougeScorer

    hypotheses, references = draw(seed)
    hypotheses[1:3] = ["It's the Crêpe-soup, 5/5!", "5 crêpes"]
    scorer = RougeScorer([kind], use_stemmer=False)
    expected = [
        100 * scorer.score(true, text)[kind].fmeasure
        for text, true in zip(hypotheses, references, strict=True)
    ]
    assert rouge_values(hypotheses, references, kind=kind) == pytest.approx(expected, abs=1e-9)


def test_rouge_by_hand_and_without_stemming() -> None:
    assert rouge(["b a c"], ["a b c d"], kind="rougeL") == pytest.approx(100 * 2 * 2 / 7)
    assert rouge(["noodles"], ["noodle"], kind="rouge1") == 0


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_distinct_equals_a_literal_version(seed: int, n: int) -> None:
    hypotheses, _ = draw(seed)
    grams = []
    for text in hypotheses:
        words = text.lower().split(" ") if text else []
        grams += [" ".join(words[i : i + n]) for i in range(len(words) - n + 1)]
    assert distinct_n(hypotheses, n) == pytest.approx(len(set(grams)) / len(grams), abs=1e-12)


def test_distinct_by_hand() -> None:
    texts = ["Good soup", "good soup .", ""]
    assert distinct_n(texts, 1) == pytest.approx(3 / 5)
    assert distinct_n(texts, 2) == pytest.approx(2 / 3)
    assert math.isnan(distinct_n(texts, 4))


@pytest.mark.parametrize("metric", [corpus_bleu, sacre_bleu, rouge])
def test_pairs_of_one_kind(metric) -> None:
    text = "the soup was very good and spicy"
    assert metric([text], [text]) == pytest.approx(100)
    assert metric([""], [text]) == 0
    assert metric([text], [""]) == 0
    assert metric([""], [""]) == 0
    assert metric([" \n"], ["东西 \U0001f35c"]) == 0
    assert math.isnan(metric([], []))


@pytest.mark.parametrize("metric", [corpus_bleu, sacre_bleu, rouge])
def test_lists_that_do_not_fit_are_refused(metric) -> None:
    with pytest.raises(DataError, match="hypotheses has 1, references has 2 entries"):
        metric(["a"], ["a", "b"])
    with pytest.raises(DataError, match="references is a single text of 3 characters"):
        metric(["a", "b", "c"], "abc")


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(SettingsError, match="max_order is 5; allowed are 1, 2, 3 and 4"):
        corpus_bleu(["a"], ["a"], max_order=5)
    with pytest.raises(SettingsError, match="kind of ROUGE is 'rouge3'"):
        rouge(["a"], ["a"], kind="rouge3")  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="n is 0"):
        distinct_n(["a"], 0)
    with pytest.raises(DataError, match="hypotheses is a single text"):
        distinct_n("abc", 1)


def test_texts_that_look_tokenised_raise_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        corpus_bleu(["the soup ."] * 200, ["the soup ."] * 200)
    assert not caplog.records
