"""Test cases of authorship in an evaluation, read slowly off the data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from recbole_showcase.data.corpus import TEST, TRAIN, VALID
from tests.metrics.test_in_recbole import evaluate
from tests.tiny import TinyWorld

NAMES = ["MRecall", "MNDCG", "MAUC", "MRecallCases", "MAUCCases"]


def slow_cases(found, model) -> list[tuple[int, np.ndarray, np.ndarray, int]]:
    """Pair, scores with the posted photo first, which is the posted one, and training photos."""
    data = model.showcase.data
    photos, inter = data.photos, data.corpus.interactions
    scores = {}
    for places, candidates, relevance in model.photo_relevance(found.pairs):
        for n, place in enumerate(places):
            real = candidates[n] >= 0
            scores[place] = dict(zip(candidates[n][real], relevance[n][real], strict=True))
    cases = []
    for pair, row in enumerate(found.pairs.rows):
        user, item = inter.users[row], inter.items[row]
        own = [p for p in range(len(photos.rows)) if photos.rows[p] == row]
        rivals = [
            p
            for p in range(len(photos.rows))
            if photos.items[p] == item
            and inter.users[photos.rows[p]] != user
            and inter.splits[photos.rows[p]] in (TRAIN, VALID)
        ]
        known = sum(
            inter.users[photos.rows[p]] == user and inter.splits[photos.rows[p]] == TRAIN
            for p in range(len(photos.rows))
        )
        for photo in own:
            shown = np.array([scores[pair][p] for p in [photo, *rivals]])
            if rivals and known:
                cases.append((pair, shown, np.arange(len(shown)) == 0, known))
    return cases


@pytest.mark.parametrize("few", [False, True])
def test_figures_are_those_of_the_cases(tiny_world: TinyWorld, tmp_path: Path, few: bool) -> None:
    result, found, trainer = evaluate(
        tiny_world,
        tmp_path,
        metrics=NAMES,
        topk=[1, 5],
        showcase_relevance="random",
        showcase_case_photos=9 if few else 2,
        showcase_case_author_photos=5,
    )
    assert (trainer.model.showcase.data.corpus.interactions.splits[found.pairs.rows] == TEST).all()
    cases = slow_cases(found, trainer.model)
    auc = np.mean([roc_auc_score(truth, scores) for _, scores, truth, _ in cases])
    assert result["mauc"] == pytest.approx(auc, abs=1e-4)
    assert result["mauccases"] == len(cases) > 30
    least = 9 if few else 2
    hard = [scores for _, scores, _, known in cases if len(scores) >= least and known >= 5]
    assert result["mrecallcases"] == len(hard) > 0
    assert (len(hard) < len(cases)) == few
    for k in (1, 5):
        places = np.array([(scores[1:] > scores[0]).sum() + 1 for scores in hard])
        assert result[f"mrecall@{k}"] == pytest.approx((places <= k).mean(), abs=1e-4)
        gains = np.where(places <= k, 1 / np.log2(1 + places), 0)
        assert result[f"mndcg@{k}"] == pytest.approx(gains.mean(), abs=1e-4)
    users, user_sums = trainer.evaluator.user_sums()
    assert {"mauc", "mrecall@5", "mndcg@5"} <= set(user_sums), "kept for significance"
    assert len(users) == len(set(found.users.tolist()))
