"""What is quoted, by hand: a batch whose sentences lie where one can see them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.errors import SettingsError
from recbole_showcase.explainers import EXPLAINERS
from recbole_showcase.integration.config import part_defaults
from recbole_showcase.testing.base import WIDTH
from recbole_showcase.testing.explainers import SENTENCES, TEXTS, QuotedWords, explanation_batch
from recbole_showcase.text.tokenizer import TextTokenizer
from tests.explainers.test_explainers import INPUTS

TOKENIZER = TextTokenizer.train(TEXTS, 280)
AXES = torch.eye(WIDTH)


def build(name: str, **changes: object) -> Any:
    values = {**part_defaults("explainer", name), **changes}
    return EXPLAINERS.build(name, values, INPUTS, TOKENIZER).eval()


def batch_of(sentences: torch.Tensor, review: torch.Tensor, photo: torch.Tensor) -> Any:
    """One pair with sentences (S, D), one past review (D,) and one photo (D,), or none of zeros."""
    batch, *vectors = explanation_batch(TOKENIZER, 1)
    n = len(sentences)
    return replace(
        batch,
        photo_features=photo.view(1, 1, -1),
        photo_mask=photo.any().view(1, 1),
        review_features=review.view(1, 1, -1),
        review_mask=review.any().view(1, 1),
        sentence_features=sentences.unsqueeze(0),
        sentence_mask=torch.ones(1, n, dtype=torch.bool),
        sentences=replace(batch.sentences, positions=np.arange(n)[None]),
    ), *vectors


def quoted(explainer: Any, batch: Any) -> list[int]:
    """Which sentences are quoted, by their rows, which are those of ``QuotedWords``."""
    texts, rows = explainer.write(*batch)
    found = [int(row) - 11 for row in rows[0] if row >= 0]
    assert all(SENTENCES[n] in texts[0] for n in found)
    return found


SPREAD = torch.nn.functional.normalize(AXES[:6] + 0.1, dim=1)  # six that lie apart
NOTHING = torch.zeros(WIDTH)


def test_the_user_and_the_photos_are_what_is_quoted_for() -> None:
    one = {"explainer_sentences": 1}
    batch = batch_of(SPREAD, AXES[4], AXES[2])
    assert quoted(build("quote", **one, explainer_photo_weight=0.5), batch) == [4]
    assert quoted(build("quote", **one, explainer_photo_weight=2.0), batch) == [2]
    assert quoted(build("quote", explainer_photo_weight=2.0), batch) == [2, 4]


def test_relevance_is_the_sum_of_standardised_cosines() -> None:
    torch.manual_seed(5)
    (batch, *_) = batch_of(torch.randn(6, WIDTH), torch.randn(WIDTH), torch.randn(WIDTH))
    batch = replace(
        batch,
        review_features=torch.randn(1, 3, WIDTH),
        review_mask=torch.tensor([[True, True, False]]),
    )

    def standardised(others: torch.Tensor) -> np.ndarray:
        mean = sum(v / v.norm() for v in others)  # its length does not matter
        cosines = np.array([float(s @ mean / s.norm() / mean.norm())
                            for s in batch.sentence_features[0]])  # fmt: skip
        return (cosines - cosines.mean()) / cosines.std()

    past, photos = standardised(batch.review_features[0, :2]), standardised(batch.photo_features[0])
    found = build("quote", explainer_photo_weight=1.7).relevance(batch)[0].numpy()
    np.testing.assert_allclose(found, past + 1.7 * photos, rtol=1e-4)
    cold = replace(batch, review_mask=batch.review_mask & False)
    typical = standardised(batch.sentence_features[0])
    found = build("quote", explainer_photo_weight=1.7).relevance(cold)[0].numpy()
    np.testing.assert_allclose(found, typical + 1.7 * photos, rtol=1e-4)


def test_copies_are_quoted_last() -> None:
    """Three sentences say the same; the second one quoted says something else."""
    sentences = torch.stack([SPREAD[2], SPREAD[2], SPREAD[2], SPREAD[4]])
    found = quoted(build("quote"), batch_of(sentences, AXES[2], AXES[2]))
    assert found == [0, 3]
    assert quoted(build("quote", explainer_sentences=6), batch_of(sentences, AXES[2], AXES[2])) == [
        0, 3, 1, 2
    ]  # fmt: skip


def test_a_cold_user_without_photos_gets_what_is_typical() -> None:
    sentences = torch.stack([AXES[0], AXES[1] + AXES[2], AXES[1] - AXES[0], AXES[1] + AXES[3]])
    batch = batch_of(sentences, NOTHING, NOTHING)
    one = {"explainer_sentences": 1}
    assert quoted(build("quote", **one), batch) == quoted(build("quote_typical", **one), batch)
    means = torch.nn.functional.normalize(sentences, dim=1)
    assert quoted(build("quote_typical", **one), batch) == [int((means @ means.sum(0)).argmax())]


def test_the_most_named_feature_is_quoted() -> None:
    """Soup is named by two of the first five, pizza by one; of the two the more typical."""
    near = torch.stack([AXES[0], AXES[1], AXES[1], AXES[1] + 0.3 * AXES[0], AXES[1]])
    batch = batch_of(near, NOTHING, NOTHING)
    assert quoted(build("quote_popular", explainer_sentences=1), batch) == [3]
    assert quoted(build("quote_popular"), batch) == [3, 0]
    (own, *vectors) = batch
    none = replace(own, sentences=replace(own.sentences, lexicon=("unheard",)))
    assert quoted(build("quote_popular"), (none, *vectors)) == quoted(build("quote_typical"), batch)


def test_random_sentences_belong_to_the_pair_and_the_seed() -> None:
    batch = batch_of(SPREAD, AXES[0], AXES[0])
    draws = [quoted(build("quote_random", explainer_seed=seed), batch) for seed in range(12)]
    assert draws == [quoted(build("quote_random", explainer_seed=s), batch) for s in range(12)]
    assert len(set(map(tuple, draws))) > 5
    (own, *vectors) = batch
    others = [
        quoted(build("quote_random"), (replace(own, users=torch.tensor([u])), *vectors))
        for u in range(12)
    ]
    assert len(set(map(tuple, others))) > 5


@pytest.mark.parametrize("name", [name for name in EXPLAINERS if name.startswith("quote")])
def test_nothing_is_made_up(name: str) -> None:
    batch, *vectors = explanation_batch(TOKENIZER)
    texts, rows = build(name).write(batch, *vectors)
    known = QuotedWords()
    for pair, text in enumerate(texts):
        own = [n for n in batch.sentences.positions[pair] if n >= 0]
        kept = [int(row) - 11 for row in rows[pair] if row >= 0]
        assert len(kept) == min(len(own), build(name).settings.explainer_sentences)
        assert set(kept) <= set(own) and len(set(kept)) == len(kept)
        rest = text
        for words in known.texts(np.array(kept)):
            assert rest.startswith(words)
            rest = rest[len(words) :].removeprefix(" … ").removeprefix(" ")
        assert rest == ""
    assert not list(build(name).parameters()) and build(name)(batch, *vectors) == ()


def test_a_batch_that_never_had_sentences_has_empty_texts() -> None:
    batch, *vectors = explanation_batch(TOKENIZER)
    plain = ExplanationBatch(
        **{k: v for k, v in vars(batch).items() if not k.startswith("sentence")}
    )
    texts, rows = build("quote").write(plain, *vectors)
    assert texts == [""] * 5 and rows.shape == (5, 0)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("explainer_sentences", 0),
        ("explainer_photo_weight", -1.0),
        ("explainer_trade_off", float("nan")),
        ("explainer_trade_off", "high"),
    ],
)
def test_settings_out_of_range_are_named(key: str, value: object) -> None:
    with pytest.raises(SettingsError, match=key):
        build("quote", **{key: value})
