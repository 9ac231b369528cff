from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recbole_showcase.atomic import read_atomic
from recbole_showcase.distillation import PhotoReviews, SimilarityScorer, similarity_scorer
from recbole_showcase.errors import DataError
from recbole_showcase.text.sentences import split_sentences


def test_the_confidence_is_a_z_score() -> None:
    sentences = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], dtype=np.float32)
    photos = np.array([[0.6, 0.8], [0.8, 0.6], [1.0, 0.0]], dtype=np.float32)
    scorer = SimilarityScorer.fit(sentences, photos)
    cosines = np.array([0.6, 0.8, 0.0])
    assert (scorer.mean, scorer.pairs) == (pytest.approx(cosines.mean()), 3)
    assert scorer.spread == pytest.approx(cosines.std())
    found = scorer.confidence(sentences, photos)
    assert np.allclose(found, (cosines - cosines.mean()) / cosines.std(), atol=1e-6)


@pytest.mark.parametrize("n", [0, 1, 3])
def test_no_spread_no_threshold(n: int) -> None:
    with pytest.raises(DataError, match=f"cosines of {n} mismatched pairs have no spread"):
        SimilarityScorer.fit(np.ones((n, 2), np.float32), np.ones((n, 2), np.float32))


def test_mismatched_pairs_are_of_different_reviews(
    drawing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every photo but those of the sentence's own review is drawn, and about equally often."""
    reviews = PhotoReviews(drawing)
    stem = drawing / drawing.name
    image = read_atomic(f"{stem}.image")
    owner_of_row = dict(zip(reviews.store.rows(image["image_id"]), image["review_id"], strict=True))
    drawn: list[np.ndarray] = []
    features = reviews.features
    monkeypatch.setattr(reviews, "features", lambda rows: drawn.append(rows) or features(rows))
    scorer = similarity_scorer(reviews, seed=3)
    review = read_atomic(f"{stem}.review")
    shown = review[review["review_id"].isin(image["review_id"])]
    _, owners = split_sentences(shown["text"].tolist())
    own = shown["review_id"].to_numpy()[owners]
    (rows,) = drawn
    assert scorer.pairs == len(rows) == len(own)  # fewer reviews than are sampled: all, in order
    photographed = np.array([owner_of_row[row] for row in rows])
    assert (photographed != own).all()
    assert len(set(rows)) > 0.8 * len(image) * (1 - np.exp(-len(rows) / len(image)))
    assert similarity_scorer(reviews, seed=3) == scorer
    assert similarity_scorer(reviews, seed=4) != scorer


def test_the_sample_is_drawn_evenly(drawing: Path) -> None:
    reviews = PhotoReviews(drawing)
    everything = [row.review_id for row in reviews.sample(10**6, np.random.default_rng(0))]
    times = dict.fromkeys(everything, 0)
    for seed in range(60):
        sample = [row.review_id for row in reviews.sample(20, np.random.default_rng(seed))]
        assert len(set(sample)) == 20
        for name in sample:
            times[name] += 1
    first, last = np.array_split(np.array([times[name] for name in everything]), 2)
    assert first.mean() == pytest.approx(last.mean(), rel=0.15)
