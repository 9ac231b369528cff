"""CLIPAlign in RecBole's list of metrics."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recbole_showcase.distillation import classifier_for
from recbole_showcase.encoders import ClipEncoder
from recbole_showcase.errors import DataError, FeatureStoreError
from recbole_showcase.metrics import clip_align
from recbole_showcase.text.sentences import split_sentences
from tests.integration.test_training import prepare
from tests.tiny import TinyWorld

RUN = {"metrics": ["Recall", "CLIPAlign"], "showcase_encoder": "showcase-tiny"}


def test_a_test_reports_it(drawing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from recbole_showcase.integration.metrics import EVALUATION

    world = TinyWorld(drawing.parent, drawing.name, {})
    trainer, (train, _, test) = prepare("ShowcaseBPR", world, tmp_path, **RUN)
    found = []
    collect = trainer.eval_collector.model_collect
    struct = trainer.eval_collector.data_struct
    monkeypatch.setattr(
        trainer.eval_collector,
        "model_collect",
        lambda model: collect(model) or found.append(struct.get(EVALUATION).evaluation),
    )
    trainer.eval_collector.data_collect(train)
    result = trainer.evaluate(test, load_best_model=False)
    (seen,) = found
    scorer, encoder = classifier_for(ClipEncoder.load().provenance()), ClipEncoder.load()
    texts, owners = split_sentences(seen.texts)
    said = encoder.encode_texts(texts).numpy()
    confidences = [
        [scorer.confidence(said[s : s + 1], v[None])[0] for v in seen.photo_features[owner]]
        for s, owner in enumerate(owners)
    ]
    assert np.allclose(seen.sentence_confidences, confidences, atol=1e-5)
    expected = clip_align(confidences, owners, seen.photos >= 0)
    assert result["clipalign"] == pytest.approx(expected, abs=1e-3)
    assert 0 <= result["clipalign"] <= 100


def test_a_missing_classifier_is_missed_before_training(
    tiny_world: TinyWorld, tmp_path: Path
) -> None:
    with pytest.raises(FeatureStoreError, match=r"'topics'; .* recbole-showcase distill"):
        prepare("ShowcaseBPR", tiny_world, tmp_path, metrics=["Recall", "CLIPAlign"])
    folder = str(tmp_path / "none")
    changes = {"metrics": ["Recall", "CLIPAlign"], "showcase_alignment": folder}
    with pytest.raises(DataError, match=r"none/classifier\.json: cannot be read"):
        prepare("ShowcaseBPR", tiny_world, tmp_path, **changes)
