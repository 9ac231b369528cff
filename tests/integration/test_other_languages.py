"""examples/other_languages: the whole way from reviews that are not English to texts like them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "other_languages"
LANGUAGES = ("arabic", "chinese", "japanese", "russian", "thai")
QUICK = {
    "epochs": 12,
    "eval_step": 6,
    "showcase_learning_rate": 0.01,
    "explainer_hidden_size": 32,
    "explainer_attention_layers": 1,
    "explainer_decoder_layers": 1,
    "show_progress": False,
}
TEXT_METRICS = ["bleu1", "rouge1", "rougel", "meteorstem", "cider", "distinct2", "fmr", "fcr"]


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setattr(sys, "argv", sys.argv[:1])  # which RecBole reads settings from
    import train

    yield train
    for name in ("train", "phrases"):
        del sys.modules[name]


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_run(example: ModuleType, tmp_path: Path, name: str) -> None:
    assert sorted(example.LANGUAGES) == sorted(LANGUAGES)
    language = example.LANGUAGES[name]
    reviews = example.draw_reviews(language, n_users=16, n_items=8, seed=0)
    example.write_dataset(reviews, language, tmp_path / "data" / name, side=32)
    result, recommender = example.train(tmp_path / "data" / name, tmp_path, **QUICK)
    for metric in TEXT_METRICS:
        assert result[metric] > 0, (metric, result)
    assert result["fmr"] <= 1 and result["bleu1"] <= 100

    shown = recommender.user_showcases(top_k=2, n_users=16)
    texts = {one.text for user in shown for one in (*user.recommended, *user.held_out)}
    assert texts - {""}
    known = {character for text in reviews["text"] for character in text}
    for text in texts:
        assert "\ufffd" not in text and set(text) <= known, text
    true = {*reviews["explanation"]}
    assert texts & true, "some texts are those of somebody"
