"""A whole run on reviews in a language without spaces."""

from __future__ import annotations

from pathlib import Path

from recbole_showcase.data.pairs import Pairs
from tests.integration.test_training import prepare
from tests.tiny import TinyWorld

DISHES = ("牛肉面", "披萨", "沙拉", "汉堡")


def test_a_run_on_chinese_reviews(tmp_path: Path) -> None:
    world = TinyWorld.write(
        tmp_path / "data", topics=DISHES, texts=("我去过那里。这家的{}真好吃！", "这家的{}真好吃！")
    )
    trainer, (train, valid, test) = prepare(
        "ShowcaseBPR",
        world,
        tmp_path,
        metrics=["Recall", "BLEU1", "ROUGEL", "Distinct2", "FMR"],
        learning_rate=0.03,
        showcase_vocab_size=400,
        showcase_max_tokens=20,
    )
    trainer.fit(train, valid)
    result = trainer.evaluate(test)
    model = trainer.model
    pairs = Pairs.of_rows(model.showcase.data.corpus, test._dataset.showcase_rows)
    texts = model.explain(pairs).texts
    assert not any(text.endswith("\ufffd") for text in texts)
    lexicon = trainer.eval_collector.resources.lexicon(model.showcase.data)
    assert {*DISHES} <= {*lexicon} and min(map(len, lexicon)) > 1
    for name, most in (("bleu1", 100), ("rougel", 100), ("distinct2", 1), ("fmr", 1)):
        assert 0 < result[name] < most, (name, result)
