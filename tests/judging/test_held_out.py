"""Test pairs as a judge reads them: the texts of the test, and nothing that came later."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from recbole_showcase.cli import app
from recbole_showcase.data.corpus import TEST, TRAIN
from recbole_showcase.errors import SettingsError
from recbole_showcase.evaluation.results import load_result
from recbole_showcase.judging import read_results
from recbole_showcase.judging.held_out import held_out_pairs
from recbole_showcase.metrics import corpus_bleu
from recbole_showcase.recommender import ShowcaseRecommender, load_explainer
from tests.offline.conftest import checkpoint  # noqa: F401

METRICS = ["bleu1", "ImageF1"]


@pytest.fixture(scope="module")
def recommender(checkpoint: Path) -> ShowcaseRecommender:  # noqa: F811
    return load_explainer(checkpoint)


def test_the_pairs_of_the_test_with_what_was_known_then(
    recommender: ShowcaseRecommender,
    checkpoint: Path,  # noqa: F811
) -> None:
    pairs = held_out_pairs(recommender, metrics=METRICS, progress=False)
    figures = load_result(checkpoint)
    assert figures is not None
    # They are the pairs and texts of the test: its figures follow from them.
    bleu = corpus_bleu([p.text for p in pairs], [p.reference for p in pairs], max_order=1)
    assert figures["bleu1"] == pytest.approx(bleu, abs=1e-4)
    f1 = np.mean([p.metrics["ImageF1"] for p in pairs])  # type: ignore[misc]
    assert figures["imagef1@3"] == pytest.approx(f1, abs=1e-4)
    corpus = recommender.model.showcase.data.corpus
    inter, texts = corpus.interactions, np.asarray(list(corpus.texts))

    def latest_first(rows: np.ndarray) -> np.ndarray:
        return rows[np.lexsort((-rows, -inter.times[rows]))]

    for pair in pairs:
        user = recommender.find("user", [pair.user])[0]
        item = recommender.find("item", [pair.item])[0]
        (row,) = np.flatnonzero(
            (inter.users == user) & (inter.items == item) & (inter.splits == TEST)
        )
        before = (inter.splits == TRAIN) & (inter.times < inter.times[row])
        others = np.flatnonzero(before & (inter.items == item) & (inter.users != user))
        assert list(pair.evidence) == list(texts[latest_first(others)])[:10]
        own = np.flatnonzero(before & (inter.users == user))
        assert list(pair.history) == list(texts[latest_first(own)])[:10]
    assert any(pair.evidence for pair in pairs) and all(pair.history for pair in pairs)


def test_some_of_them_drawn_alike(recommender: ShowcaseRecommender) -> None:
    every = held_out_pairs(recommender, progress=False)
    some = held_out_pairs(recommender, most=7, progress=False)
    assert len(some) == 7 and some == held_out_pairs(recommender, most=7, progress=False)
    assert {(pair.user, pair.item) for pair in some} < {(pair.user, pair.item) for pair in every}


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ("BLUE1", "there is no metric 'BLUE1'; allowed: "),
        ("Distinct1", "'Distinct1' is of all texts together"),
        ("JointHit", "'JointHit' is of recommendations"),
    ],
)
def test_metrics_without_a_value_of_a_pair(
    recommender: ShowcaseRecommender, metric: str, said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        held_out_pairs(recommender, most=3, metrics=[metric], progress=False)


def test_the_command(checkpoint: Path, tmp_path: Path) -> None:  # noqa: F811
    words = ["judge", "pairs", str(checkpoint), "--out", str(tmp_path / "ours.jsonl")]
    ended = CliRunner().invoke(app, [*words, "--pairs", "5", "--metric", "BLEU1"])
    assert ended.exit_code == 0, ended.exception
    assert "5 pairs of 5 users" in ended.stdout
    found = read_results(tmp_path / "ours.jsonl")
    assert len(found.pairs) == 5 and set(found.pairs[0].metrics) == {"BLEU1"}
    refused = CliRunner().invoke(app, ["judge", "pairs", str(checkpoint), "--out", "ours.csv"])
    assert "ends with .jsonl" in str(refused.exception)
