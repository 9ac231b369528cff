from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.metrics import (
    LikelihoodModel,
    bart_score,
    bart_score_values,
    pretrained,
)
from tests.metrics.models import write_seq2seq
from tests.metrics.texts import draw


def literal_log_likelihood(model: LikelihoodModel, source: str, target: str) -> float:
    """The target's tokens one at a time, each after those before it, and no batch."""
    read = model.tokenizer(source, return_tensors="pt")
    wanted = model.tokenizer(target)["input_ids"]
    written = [model.model.config.decoder_start_token_id]
    total = 0.0
    for token in wanted:
        with torch.no_grad():
            logits = model.model(**read, decoder_input_ids=torch.tensor([written])).logits
        total += float(logits[0, -1].double().log_softmax(dim=-1)[token])
        written.append(token)
    return total / len(wanted)


@pytest.mark.parametrize("kind", ["bart", "t5"])
def test_it_equals_a_literal_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(pretrained, "_BATCH", 3)
    write_seq2seq(tmp_path / kind, kind)
    model = LikelihoodModel(str(tmp_path / kind))
    hypotheses, references = draw(0, pairs=8)
    pairs = list(zip(hypotheses, references, strict=True))
    expected = {
        "precision": [literal_log_likelihood(model, true, said) for said, true in pairs],
        "recall": [literal_log_likelihood(model, said, true) for said, true in pairs],
    }
    expected["f"] = np.mean([expected["precision"], expected["recall"]], axis=0).tolist()
    for direction, values in expected.items():
        found = bart_score_values(hypotheses, references, model, direction=direction)  # type: ignore[arg-type]
        np.testing.assert_allclose(found, values, rtol=1e-4)
    assert bart_score(hypotheses, references, model) == pytest.approx(np.mean(expected["f"]))
    assert abs(np.mean(expected["precision"]) - np.mean(expected["recall"])) > 1e-3


def test_a_model_that_finds_all_words_alike(tmp_path: Path) -> None:
    write_seq2seq(tmp_path / "bart")
    model = LikelihoodModel(str(tmp_path / "bart"))
    torch.nn.init.zeros_(model.model.model.shared.weight)  # tied to the output
    words = len(model.tokenizer)
    assert bart_score(["the soup"], ["a good soup"], model) == pytest.approx(-math.log(words))


def test_what_it_refuses(tmp_path: Path) -> None:
    write_seq2seq(tmp_path / "bart")
    model = LikelihoodModel(str(tmp_path / "bart"))
    model.try_out()
    with pytest.raises(SettingsError, match=r"direction is 'both'; allowed .*precision"):
        bart_score(["a"], ["a"], model, direction="both")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="hypotheses has 1, references has 2"):
        bart_score(["a"], ["a", "a"], model)
    assert math.isnan(bart_score([], [], model))
    with pytest.raises(SettingsError, match=r"sequence-to-sequence model '.*no' cannot be loaded"):
        LikelihoodModel(str(tmp_path / "no"))
