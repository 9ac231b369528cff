from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.metrics import (
    explained_hit_share,
    joint_hit,
    rightly_explained,
    score_sentiment_agreement,
    sentiment,
)

NAN = math.nan


def literal_right(said, true, selected, relevant, k: int, truth: str) -> list[float]:
    values = []
    for names, wanted, shown, posted in zip(said, true, selected, relevant, strict=True):
        features, own = set(np.flatnonzero(wanted)), {p for p in posted if p >= 0}
        text = bool(features & set(np.flatnonzero(names))) if features else None
        photo = bool(own & set(shown[:k])) if own else None
        if truth == "text":
            answer = text
        elif truth == "photos":
            answer = photo
        elif text is None or photo is None:
            answer = None
        else:
            answer = (text and photo) if truth == "both" else (text or photo)
        values.append(NAN if answer is None else float(answer))
    return values


@pytest.mark.parametrize("truth", ["text", "photos", "both", "either"])
@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_joint_metrics_equal_literal_versions(seed: int, k: int, truth) -> None:
    rng = np.random.default_rng(seed)
    said, true = rng.random((40, 6)) < 0.3, rng.random((40, 6)) < 0.3
    selected = rng.permuted(np.tile(np.arange(-1, 5), (40, 1)), axis=1)[:, :4]
    relevant = rng.integers(-1, 5, size=(40, 2))
    ranks = rng.integers(0, 8, size=40)
    right = literal_right(said, true, selected, relevant, k, truth)
    found = rightly_explained(said, true, selected, relevant, k, truth=truth)
    assert found.tolist() == pytest.approx(right, nan_ok=True)
    known = [(r, e) for r, e in zip(ranks, right, strict=True) if not math.isnan(e)]
    both = [float(1 <= r <= 5 and e == 1) for r, e in known]
    hits = [e for r, e in known if 1 <= r <= 5]
    assert joint_hit(ranks, found, 5) == pytest.approx(np.mean(both), abs=1e-12)
    assert explained_hit_share(ranks, found, 5) == pytest.approx(np.mean(hits), abs=1e-12)


def test_joint_metrics_by_hand() -> None:
    ranks, right = [1, 3, 0, 2, 1], [1, 1, 1, 0, NAN]
    assert joint_hit(ranks, right, 2) == 1 / 4
    assert explained_hit_share(ranks, right, 2) == 1 / 2
    assert joint_hit(ranks, right, 3) == 2 / 4
    assert explained_hit_share(ranks, right, 3) == 2 / 3
    assert math.isnan(explained_hit_share([0, 4], [1, 1], 3))
    assert joint_hit([0, 4], [1, 1], 3) == 0
    assert math.isnan(joint_hit(np.zeros(0, int), [], 3))
    assert math.isnan(joint_hit([1], [NAN], 3))


def test_joint_arguments_that_do_not_fit_are_refused() -> None:
    with pytest.raises(SettingsError, match="truth is 'none'"):
        rightly_explained([[1]], [[1]], [[1]], [[1]], 1, truth="none")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="texts has 1, photos has 2 entries"):
        rightly_explained([[1]], [[1]], [[1], [2]], [[1], [2]], 1)
    with pytest.raises(DataError, match="ranks has 1, explained has 2 entries"):
        joint_hit([1], [1, 0], 1)
    with pytest.raises(DataError, match="integers from 1"):
        joint_hit([-1], [1], 1)
    with pytest.raises(SettingsError, match="k is 0"):
        joint_hit([1], [1], 0)


def literal_tau(first: list[float], second: list[float]) -> float:
    signs = [
        (np.sign(first[a] - first[b]), np.sign(second[a] - second[b]))
        for a, b in combinations(range(len(first)), 2)
    ]
    norm = math.prod(math.sqrt(sum(pair[n] != 0 for pair in signs)) for n in (0, 1))
    return sum(a * b for a, b in signs) / norm if norm else NAN


@pytest.mark.parametrize("seed", range(4))
def test_agreement_equals_a_literal_version(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 9, 60) / 4  # with ties
    feelings = np.where(rng.random(60) < 0.5, scores, rng.normal(size=60).round(1))
    users = rng.integers(0, 15, 60)
    assert score_sentiment_agreement(scores, feelings) == pytest.approx(
        literal_tau(scores.tolist(), feelings.tolist()), abs=1e-12
    )
    taus = [literal_tau(scores[users == u].tolist(), feelings[users == u].tolist())
            for u in range(15)]  # fmt: skip
    found = score_sentiment_agreement(scores, feelings, users)
    assert found == pytest.approx(np.nanmean(taus), abs=1e-12)


def test_agreement_of_few() -> None:
    assert score_sentiment_agreement([1, 2], [0.5, 0.7]) == 1
    assert score_sentiment_agreement([1, 2, NAN], [0.7, 0.5, 9]) == -1
    assert math.isnan(score_sentiment_agreement([1], [1]))
    assert math.isnan(score_sentiment_agreement([1, 1], [0.5, 0.7]))
    assert math.isnan(score_sentiment_agreement([], [], []))
    assert score_sentiment_agreement([1, 2, 5], [1, 2, 0], ["u", "u", "v"]) == 1
    with pytest.raises(DataError, match="scores has 1, sentiments has 2"):
        score_sentiment_agreement([1], [1, 2])


def test_sentiment() -> None:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    texts = ["The soup was GREAT!!", "Not good, the staff was rude.", "", "Soup."]
    score = SentimentIntensityAnalyzer().polarity_scores
    found = sentiment(texts)
    assert found.tolist() == [score(text)["compound"] for text in texts]
    assert found[0] > 0 > found[1] and found[2] == found[3] == 0
    assert sentiment([]).shape == (0,)
