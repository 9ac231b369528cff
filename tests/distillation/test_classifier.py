from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from demo_world import WorldSettings
from demo_world.alignment_training import training_drawings
from demo_world.settings import HELD_OUT_SEED
from recbole_showcase.distillation import (
    AlignmentClassifier,
    LabelledPairs,
    classifier_for,
    cross_validate,
    evaluate_scorer,
    train_classifier,
)
from recbole_showcase.distillation.classifier import FORMS, pair_features
from recbole_showcase.encoders import ClipEncoder
from recbole_showcase.errors import DataError, FeatureStoreError, SettingsError
from recbole_showcase.resources import weights_path
from tests.distillation.conftest import matching_pairs

META = {"encoder": "topics", "weights_digest": "sha256:topics"}


def test_features_side_by_side() -> None:
    t, v = np.array([[1.0, 2.0]]), np.array([[3.0, -1.0]])
    assert pair_features(t, v, "concatenation").tolist() == [[1, 2, 3, -1]]
    assert pair_features(t, v, "interaction").tolist() == [[1, 2, 3, -1, 3, -2, 2, 3]]


@pytest.mark.parametrize("form", FORMS)
def test_the_layer_is_what_scikit_learn_fits(matching: LabelledPairs, form) -> None:
    """With the standardisation folded in, and scored in chunks."""
    rows = pair_features(matching.sentences, matching.photos, form).astype(np.float64)
    fitted = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    expected = fitted.fit(rows, matching.labels).predict_proba(rows)[:, 1]
    scorer = train_classifier(matching, form, regularization=10.0)
    many = (np.tile(matching.sentences, (5, 1)), np.tile(matching.photos, (5, 1)))
    found = scorer.confidence(*many)
    assert found.dtype == np.float32
    assert np.allclose(found, np.tile(expected, 5), atol=2e-3)
    by_hand = 1 / (1 + np.exp(-(rows[7] @ scorer.weight.astype(np.float64) + scorer.bias)))
    assert found[7] == pytest.approx(by_hand, abs=1e-5)


def test_only_interactions_let_one_layer_tell_a_match(matching: LabelledPairs) -> None:
    fresh = matching_pairs(n=800)  # other pairs of the same topics
    scores = {
        form: cross_validate(matching, partial(train_classifier, form=form)).summary()
        for form in FORMS
    }
    assert scores["interaction"]["auc"] > 0.99 and scores["interaction"]["f1"] > 0.95
    assert scores["concatenation"]["auc"] < 0.6
    assert evaluate_scorer(train_classifier(matching), fresh).auc > 0.99


def test_folds_share_no_group_and_are_scored_unseen(matching: LabelledPairs) -> None:
    seen: list[set[int]] = []

    def fit(pairs: LabelledPairs) -> AlignmentClassifier:
        seen.append(set(pairs.groups.tolist()))
        return train_classifier(pairs)

    found = cross_validate(matching, fit, folds=4)
    left_out = [set(matching.groups.tolist()) - groups for groups in seen]
    assert len(found.folds) == 4
    assert sum(map(len, left_out)) == len(set.union(*left_out)) == matching.groups.max() + 1
    values = [fold.auc for fold in found.folds]
    assert found.summary()["auc"] == pytest.approx(np.mean(values), abs=1e-4)
    assert found.summary()["auc_std"] == pytest.approx(np.std(values, ddof=1), abs=1e-4)
    assert cross_validate(matching, folds=4) == cross_validate(matching, folds=4)


def test_scores_are_scikit_learns(matching: LabelledPairs) -> None:
    scorer = train_classifier(matching, "concatenation")
    confidence = scorer.confidence(matching.sentences, matching.photos)
    said = confidence >= 0.5
    hits = (said & matching.labels).sum()
    found = evaluate_scorer(scorer, matching)
    assert found.f1 == pytest.approx(2 * hits / (said.sum() + matching.labels.sum()))
    assert found.auc == pytest.approx(roc_auc_score(matching.labels, confidence))


def test_what_cannot_be_learned_from_is_refused(matching: LabelledPairs) -> None:
    alike = replace(matching, labels=np.ones(len(matching), bool))
    with pytest.raises(DataError, match="1200 labelled pairs, 1200 of them 1; pairs of both"):
        train_classifier(alike)
    one = replace(matching, groups=np.zeros(len(matching), np.int64))
    with pytest.raises(DataError, match="5 folds need 5 groups of reviews or more; the labels ha"):
        cross_validate(one)
    with pytest.raises(SettingsError, match="folds is 1; allowed are 2 or more"):
        cross_validate(matching, folds=1)
    with pytest.raises(SettingsError, match="form is 'sum'; allowed: interaction, concatenation"):
        train_classifier(matching, "sum")  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="regularization is 0"):
        train_classifier(matching, regularization=0)


@pytest.mark.parametrize("form", FORMS)
def test_what_is_saved_is_what_is_loaded(matching: LabelledPairs, tmp_path: Path, form) -> None:
    scorer = train_classifier(matching, form)
    scorer.save(tmp_path / "scorer")
    scorer.save(tmp_path / "scorer")  # in the place of an earlier one
    again = AlignmentClassifier.load(tmp_path / "scorer")
    both = matching.sentences, matching.photos
    assert np.array_equal(again.confidence(*both), scorer.confidence(*both))
    assert (again.form, again.encoder, again.record) == (form, "topics", scorer.record)
    assert [path.name for path in tmp_path.iterdir()] == ["scorer"]
    assert not any(b"pickle" in path.read_bytes() for path in (tmp_path / "scorer").iterdir())


def test_another_folder_is_left_alone(matching: LabelledPairs, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    with pytest.raises(DataError, match="holds no classifier; name another folder"):
        train_classifier(matching).save(tmp_path / "precious")
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


def damage(folder: Path, what: str) -> None:
    described = json.loads((folder / "classifier.json").read_text())
    if what == "weights":
        (folder / "classifier.safetensors").write_bytes(b"nothing")
    elif what == "missing":
        (folder / "classifier.json").unlink()
    else:
        described |= {"dim": {"dim": 7}, "form": {"form": "sum"}, "format": {"format": "x"}}[what]
        (folder / "classifier.json").write_text(json.dumps(described))


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("weights", r"classifier\.safetensors: cannot be read"),
        ("missing", r"classifier\.json: cannot be read"),
        ("dim", r"it must have weight \(28,\) and bias \(1,\)"),
        ("form", "'form' is 'sum'; allowed: interaction, concatenation"),
        ("format", "is no alignment classifier of the format"),
    ],
)
def test_damage_is_named(matching: LabelledPairs, tmp_path: Path, what: str, message: str) -> None:
    train_classifier(matching).save(tmp_path / "scorer")
    damage(tmp_path / "scorer", what)
    with pytest.raises(DataError, match=message):
        AlignmentClassifier.load(tmp_path / "scorer")


def test_features_of_another_encoder_are_refused(matching: LabelledPairs, tmp_path: Path) -> None:
    train_classifier(matching).save(tmp_path / "scorer")
    assert classifier_for(META, tmp_path / "scorer").encoder == "topics"
    for change in ({"encoder": "ViT-B-32--laion"}, {"weights_digest": "sha256:other"}):
        with pytest.raises(FeatureStoreError) as error:
            classifier_for(META | change, tmp_path / "scorer")
        assert all(value in str(error.value) for value in (*META.values(), *change.values()))
        assert "recbole-showcase distill" in str(error.value)
    with pytest.raises(FeatureStoreError, match=r"no alignment classifier ships for .*'topics'"):
        classifier_for(META)


def test_the_shipped_classifier_fits_the_shipped_encoder() -> None:
    scorer = classifier_for(ClipEncoder.load().provenance())
    assert scorer.form == "interaction"
    assert not {WorldSettings().seed, HELD_OUT_SEED} & set(scorer.record["seeds"])
    folder = weights_path() / "showcase-tiny" / "alignment"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 200_000
    assert scorer.record["cross_validation"]["auc"] > 0.99


@pytest.mark.parametrize("seed", [WorldSettings().seed, HELD_OUT_SEED])
def test_drawings_to_measure_on_are_not_trained_on(seed: int, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"seed {seed} is for measuring"):
        training_drawings([201, seed], tmp_path)
