"""Which sentences get features, what they are called, and stores with and without them."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from recbole_showcase.cli import app
from recbole_showcase.data.check import check_dataset
from recbole_showcase.encoders import FeatureStore, embed_dataset
from recbole_showcase.encoders.plan import Source, hashes_of
from recbole_showcase.encoders.sentences import MOST, reviews_and_numbers, sentence_source
from recbole_showcase.errors import FeatureStoreError
from tests.encoders.conftest import Photographed
from tests.test_advice import command_in, refusal

Make = Callable[..., Photographed]


def reviews(**texts: str) -> Source:
    tokens, values = (np.array(list(part), dtype=object) for part in (texts, texts.values()))
    rows = np.arange(len(tokens)) + 1
    return Source("review", tokens, values, hashes_of(values), tokens[:0], rows)


def faults(data: Photographed) -> list[str]:
    return [error for error in check_dataset(data.folder).errors if "features" in error]


def test_sentences_of_a_fitting_length_get_a_row_under_the_number_that_they_have() -> None:
    long = "long " * 60 + "."
    found, left_out = sentence_source(
        reviews(a=f"Hi! The soup was hot. {long} We will come again.", b="Ok.", c="面很好吃。好。")
    )
    assert found.tokens.tolist() == ["a\t1", "a\t3", "c\t0"]
    assert found.values.tolist() == ["The soup was hot.", "We will come again.", "面很好吃。"]
    assert found.rows.tolist() == [1, 1, 3]
    assert "of 7 sentences" in left_out and "3 shorter" in left_out and "1 longer" in left_out


def test_of_a_long_review_the_first_sentences_get_a_row() -> None:
    text = " ".join(["Oh!", *(f"We had dish number {n}." for n in range(MOST + 3))])
    found, left_out = sentence_source(reviews(a=text, b="The soup was hot."))
    assert found.tokens.tolist() == [*(f"a\t{n + 1}" for n in range(MOST)), "b\t0"]
    assert "3 behind the first 16" in left_out


def test_tokens_are_read_back_whatever_ids_look_like() -> None:
    ids = ["r1", "a\\b", "7\u2028", "", "1 2", "été"]
    tokens = pa.array([f"{r}\t{n}" for n, r in enumerate(ids)], pa.large_string())
    found, numbers = reviews_and_numbers(tokens)
    assert found.to_pylist() == ids and numbers.tolist() == list(range(6))
    with pytest.raises(ValueError, match="'r1' is not that of a sentence"):
        reviews_and_numbers(pa.array(["r2\t0", "r1"], pa.large_string()))


def test_a_store_gains_sentences_and_keeps_them(make_dataset: Make, micro: str) -> None:
    data = make_dataset()
    data.texts["r0"] = "The soup was hot. The tea was cold."
    data.write()
    embed_dataset(data.folder, micro, progress=False)
    said = refusal(lambda: FeatureStore.open(data.folder, "micro", "sentence"))
    assert "no features of sentences" in said
    whole = {p.name: p.read_bytes() for p in data.store().iterdir() if p.name != "meta.json"}

    result = CliRunner().invoke(app, command_in(said), catch_exceptions=False)
    assert "sentences: 5 encoded, 0 reused" in result.output
    assert "images: 0 encoded, 7 reused" in result.output
    for name, content in whole.items():
        assert (data.store() / name).read_bytes() == content, name
    store = FeatureStore.open(data.folder, "micro", "sentence")
    assert store.ids.tolist()[:2] == ["r0\t0", "r0\t1"] and len(store) == 5
    assert store.meta["modalities"]["sentence"]["rule"]["most_of_a_review"] == MOST
    assert faults(data) == [], "and they are looked at"

    data.texts["r0"] = "The soup was hot. The tea was sweet."
    data.write()
    assert any("1 sentence as they are" in fault for fault in faults(data))
    report = embed_dataset(data.folder, micro, progress=False)  # without being told
    assert (report.encoded["sentence"], report.reused["sentence"]) == (1, 4)
    assert faults(data) == []
    assert "--sentences" in FeatureStore.open(data.folder, "micro", "image").command

    meta = data.store() / "meta.json"
    meta.write_bytes(meta.read_bytes()[:80])
    assert embed_dataset(data.folder, micro, progress=False).encoded["sentence"] == 5


def test_rows_are_those_of_the_sentences_alone(make_dataset: Make, micro: str) -> None:
    data = make_dataset(photos=1)
    data.texts = {"a": "The soup was hot. The tea was cold.", "b": "The tea was cold."}
    data.write()
    embed_dataset(data.folder, micro, progress=False, sentences=True)
    sentences = FeatureStore.open(data.folder, "micro", "sentence")
    review = FeatureStore.open(data.folder, "micro", "review")
    assert np.array_equal(sentences.matrix[1], sentences.matrix[2])
    assert np.array_equal(sentences.matrix[2], review.matrix[1])
    assert not np.array_equal(sentences.matrix[0], review.matrix[0])


def test_a_store_whose_sentences_are_not_counted_is_refused(make_dataset: Make, micro: str) -> None:
    data = make_dataset(photos=1)
    embed_dataset(data.folder, micro, progress=False, sentences=True)
    meta = data.store() / "meta.json"
    content = json.loads(meta.read_text())
    content["modalities"]["sentence"] = {"count": "many"}
    meta.write_text(json.dumps(content))
    with pytest.raises(FeatureStoreError, match="of sentence"):
        FeatureStore.open(data.folder, "micro", "image")
