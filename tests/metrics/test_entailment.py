from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.metrics import (
    EntailmentModel,
    entailed_share,
    entailed_share_values,
    pretrained,
)
from tests.metrics.models import KEY, write_nli
from tests.metrics.test_pretrained import write_bert
from tests.metrics.texts import WORDS


class SameWords:
    """Judges by words: a statement follows from a premise that has all of its words."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def pieces(self, sentences: Sequence[str]) -> list[str]:
        return [" ".join(sentences)] if sentences else []

    def entails(self, pairs: Sequence[tuple[str, str]]) -> np.ndarray:
        self.asked += pairs
        return np.array([set(said.split()) <= set(known.split()) for known, said in pairs], bool)


def test_values_by_hand() -> None:
    said = [["hot soup", "cold staff"], ["nice pizza"], [], ["good"]]
    true = [["hot tasty soup", "kind staff"], ["a nice pizza"], ["fine"], []]
    judge = SameWords()
    precision = entailed_share_values(said, [[text] for text in true], judge)
    np.testing.assert_array_equal(precision, [0.5, 1.0, np.nan, np.nan])
    assert entailed_share(said, [[text] for text in true], judge) == 0.75
    # Neither sentence of the first review is in its text, one word of it is not enough.
    recall = entailed_share_values(true, [[text] for text in said], judge)
    np.testing.assert_array_equal(recall, [0.0, 0.0, np.nan, np.nan])


def test_one_premise_of_several_is_enough_and_each_pair_is_judged_once() -> None:
    judge = SameWords()
    known = [["hot soup"], ["cold tea"]]
    said = [["hot soup", "cold soup", "cold"], ["hot soup"]]
    found = entailed_share_values(said, [known, known], judge)
    np.testing.assert_allclose(found, [2 / 3, 1.0])
    assert len(judge.asked) == len(set(judge.asked)) == 6


@pytest.mark.parametrize(
    "labels",
    [
        ("contradiction", "entailment", "neutral"),
        ("ENTAILMENT", "NEUTRAL", "CONTRADICTION"),
        ("not_entailment", "entailment"),
    ],
)
def test_which_label_is_entailment_stands_in_the_configuration(
    tmp_path: Path, labels: tuple[str, ...]
) -> None:
    write_nli(tmp_path / "nli", labels)
    said = [["the soup was good", f"{KEY} noodles"], ["a soup"], ["very good"]]
    premises = [[["the soup", "good"]], [["noodles"], ["very", KEY]], []]
    found = entailed_share_values(said, premises, str(tmp_path / "nli"))
    np.testing.assert_array_equal(found, [0.5, 1.0, np.nan])


def drawn(seed: int, n: int = 25) -> tuple[list[list[str]], list[list[list[str]]]]:
    """Texts as sentences, and up to three premises each, some of them long or in it twice."""
    random = np.random.default_rng(seed)

    def text(most: int) -> list[str]:
        return [
            " ".join(random.choice(WORDS, size=random.integers(1, 8)))
            for _ in range(random.integers(most))
        ]

    premises = [[text(9) for _ in range(random.integers(4))] for _ in range(n)]
    premises[5] = premises[4] * 2
    return [text(5) for _ in range(n)], premises


def literal_share(model: EntailmentModel, said: list[str], premises: list[list[str]]) -> float:
    """One statement, one premise, one run of the model at a time."""
    room = model.window - 3
    pieces: list[str] = []
    for sentences in premises:
        part: list[str] = []
        for sentence in sentences:
            if part and len(" ".join([*part, sentence]).split()) > room - room // 4:
                pieces.append(" ".join(part))
                part = []
            part.append(sentence)
        if part:
            pieces.append(" ".join(part))
    if not said or not pieces:
        return math.nan
    hits = 0
    for statement in said:
        best = []
        for piece in pieces:
            given = model.tokenizer(piece, statement, return_tensors="pt")
            with torch.no_grad():
                scores = model.model(**given).logits[0].tolist()
            best.append(scores.index(max(scores)) == model.label)
        hits += any(best)
    return hits / len(said)


@pytest.mark.parametrize("seed", [0, 1])
def test_it_equals_a_literal_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(pretrained, "_BATCH", 7)
    write_nli(tmp_path / "nli", random=True)
    model = EntailmentModel(str(tmp_path / "nli"))
    said, premises = drawn(seed)
    expected = [literal_share(model, *both) for both in zip(said, premises, strict=True)]
    found = entailed_share_values(said, premises, model)
    np.testing.assert_allclose(found, expected)
    assert 0.1 < np.nanmean(expected) < 0.9 and np.isnan(expected).any()
    assert max(len(model.pieces(text)) for texts in premises for text in texts) > 1


def test_a_long_premise_is_parted_between_sentences(tmp_path: Path) -> None:
    write_nli(tmp_path / "nli", window=16)
    model = EntailmentModel(str(tmp_path / "nli"))
    assert model.room == (10, 3)
    long = ["the soup was good", "a good soup", "very good noodles and soup", KEY]
    assert model.pieces(long) == [
        "the soup was good a good soup",
        f"very good noodles and soup {KEY}",
    ]
    assert entailed_share_values([["the soup"]], [[long]], model) == 1.0
    endless = " ".join(["soup"] * 12) + f" {KEY}"  # one sentence, which is cut before its end
    assert model.pieces(["a", endless, "b"]) == ["a", endless, "b"]
    assert entailed_share_values([["the soup"]], [[[endless]]], model) == 0.0
    late = " ".join(["soup"] * 12 + [KEY])  # of a statement too, so that the premise stays whole
    assert entailed_share_values([[late]], [[["soup"]]], model) == 0.0
    assert entailed_share_values([[late]], [[["soup " * 9 + KEY]]], model) == 1.0


def test_what_is_no_model_of_inference_is_refused(tmp_path: Path) -> None:
    for labels in (("LABEL_0", "LABEL_1"), ("positive", "not entailment"), ("entailment",)):
        write_nli(tmp_path / labels[0], labels)
        with pytest.raises(SettingsError, match=rf"labels {labels[0]}.*one of them 'entailment'"):
            EntailmentModel(str(tmp_path / labels[0]))
    with pytest.raises(SettingsError, match=r"inference '.*nothing' cannot be loaded"):
        EntailmentModel(str(tmp_path / "nothing"))
    write_bert(tmp_path / "bert")  # labels alone make no classifier
    config = tmp_path / "bert" / "config.json"
    labels = {"id2label": {"0": "entailment", "1": "neutral"}}
    config.write_text(json.dumps(json.loads(config.read_text()) | labels))
    with pytest.raises(SettingsError, match=r"has no weights for .*classifier"):
        EntailmentModel(str(tmp_path / "bert"))


def test_texts_that_are_not_given_as_sentences_are_refused() -> None:
    with pytest.raises(DataError, match="statements has 1, premises has 2"):
        entailed_share([["a"]], [[["a"]], [["a"]]], SameWords())
    with pytest.raises(DataError, match=r"statements\[0\]"):
        entailed_share(["a text"], [[["a"]]], SameWords())
    with pytest.raises(DataError, match=r"premises\[0\]"):
        entailed_share([["a"]], [["a text"]], SameWords())
    assert math.isnan(entailed_share([], [], SameWords()))
