"""Shortcuts give what the packages give text by text, whatever the texts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rouge_score.tokenize import tokenize
from sacrebleu.metrics.bleu import BLEU
from scipy.stats import kendalltau
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from recbole_showcase import metrics
from recbole_showcase.metrics.bleu import _sacre_tokenizer
from recbole_showcase.metrics.words import rouge_words

# What tokenizers treat in ways of their own, beside letters of any script.
MARKS = [*" \t\n\x1c\xa0.,-&;<>/'\"$%0123abéİß面", "&quot;", "&amp;", "-\n", "<skipped>"]
VADER = SentimentIntensityAnalyzer()
texts = st.lists(st.one_of(st.sampled_from(MARKS), st.characters()), max_size=30).map("".join)


@settings(max_examples=150, deadline=None)
@given(texts)
@example("a-\nb . ,1 .5- 3-x.. .")
@example("&amp;quot; a&lt;b <skipped>-\n")
def test_sacrebleu_words_of_parts_are_those_of_the_text(text: str) -> None:
    assert list(_sacre_tokenizer("13a")(text)) == BLEU(tokenize="13a").tokenizer(text).split()


@settings(max_examples=150, deadline=None)
@given(texts)
def test_rouge_words_of_parts_are_those_of_the_text(text: str) -> None:
    if text.isascii() and tokenize(text, None):
        assert rouge_words(text) == tokenize(text, None)
    ours = rouge_words(f"a few English words before {text}")
    if "few" in ours and text.isascii():
        assert ours == tokenize(f"a few English words before {text}", None)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-2, 2), st.integers(-2, 2)), max_size=90))
def test_tau_of_users_is_scipys(rows: list[tuple[int, int, int]]) -> None:
    users, first, second = (np.array([row[n] for row in rows], dtype=float) for n in range(3))
    values = []
    for user in np.unique(users):
        one, other = first[users == user], second[users == user]
        if len(one) > 1 and np.ptp(one) and np.ptp(other):
            values.append(kendalltau(one, other).statistic)
    expected = np.mean(values) if values else np.nan
    found = metrics.score_sentiment_agreement(first, second, users)
    assert found == pytest.approx(expected, abs=1e-15, nan_ok=True)


OPINIONS = """good GREAT bad awful no not never isn't without doubt so this but very kind of least
at the bomb soup Soup ! ? :) 😀 don't cannot"""
said_words = st.sampled_from(OPINIONS.split())


@settings(max_examples=150, deadline=None)
@given(st.lists(said_words, max_size=12).map(" ".join))
def test_sentiment_is_vaders(text: str) -> None:
    expected = VADER.polarity_scores(text)["compound"]
    assert metrics.sentiment([text, "good", text]).tolist() == [expected, 0.4404, expected]


def test_remembered_counts_are_those_of_the_texts_at_hand() -> None:
    """Metrics of one corpus in any order, with another in between, as each of them alone."""
    said, true = ["good hot soup", "a soup", "good soup"], ["good soup", "a hot soup", "the soup"]
    others = [text[::-1] for text in said]
    fresh = [metrics.corpus_bleu([*said], [*true], max_order=n) for n in (1, 2)]
    metrics.cider(others, true)
    metrics.self_bleu(others)
    metrics.entropy_n(said, 2)
    assert [metrics.corpus_bleu(said, true, max_order=n) for n in (2, 1)] == fresh[::-1]
    said[0] = "nothing of that"  # the same list, other texts
    assert metrics.corpus_bleu(said, true, max_order=1) < fresh[0]
