"""Entities: mined from texts, found again, and replaced by others."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from recbole_showcase.errors import SettingsError
from recbole_showcase.text.entities import EntityLexicon
from tests.processes import run_python

TEXTS = [
    "The beef noodle soup was great.",
    "I loved the beef noodle soup and the pork dumplings.",
    "Pork dumplings again, and a good soup.",
    "A fine soup with fish tacos.",
    "Fish tacos on the garden patio.",
    "The garden patio is lovely.",
]


@pytest.fixture(scope="module")
def lexicon() -> EntityLexicon:
    return EntityLexicon.mine(TEXTS)


def test_noun_phrases_of_two_texts_or_more_are_mined(lexicon: EntityLexicon) -> None:
    assert {"beef noodle soup", "pork dumplings", "soup", "fish tacos", "garden patio"} == set(
        lexicon.phrases
    )
    plural = dict(zip(lexicon.phrases, lexicon.plural.tolist(), strict=True))
    assert plural["pork dumplings"] and not plural["beef noodle soup"]


def test_every_process_numbers_the_phrases_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "from recbole_showcase.text.entities import EntityLexicon\n"
        f"print(EntityLexicon.mine({TEXTS!r}).phrases)\n"
    )
    orders = set()
    for seed in ("1", "2", "3"):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        orders.add(run_python("-c", code, cwd=tmp_path, cold=True))
    assert len(orders) == 1


def test_the_longest_phrase_counts(lexicon: EntityLexicon) -> None:
    text = "Beef noodle SOUP, then soup; soups never."
    found = [(text[m.start : m.end], lexicon.phrases[m.phrase]) for m in lexicon.find(text)]
    assert found == [("Beef noodle SOUP", "beef noodle soup"), ("soup", "soup")]
    assert lexicon.find("") == []


def test_replacements_are_others_of_the_same_number(lexicon: EntityLexicon) -> None:
    random = np.random.default_rng(0)
    text = "Beef noodle soup and pork dumplings."
    mentions = lexicon.find(text)
    own = {"beef noodle soup", "pork dumplings"}
    for _ in range(50):
        other = lexicon.replace(text, mentions, random)
        assert other is not None
        named = {lexicon.phrases[m.phrase] for m in lexicon.find(other)}
        assert named and not named & own
        assert other in ("Soup and fish tacos.", "Garden patio and fish tacos.")


def test_a_text_without_another_entity_cannot_be_replaced(lexicon: EntityLexicon) -> None:
    random = np.random.default_rng(0)
    assert lexicon.replace("Nothing here.", [], random) is None
    text = "pork dumplings and fish tacos"
    assert lexicon.replace(text, lexicon.find(text), random) is None
    half = "fish tacos, pork dumplings, soup"
    other = lexicon.replace(half, lexicon.find(half), random)
    assert other in (
        "fish tacos, pork dumplings, beef noodle soup",
        "fish tacos, pork dumplings, garden patio",
    )


def test_entities_of_a_language_without_spaces() -> None:
    lexicon = EntityLexicon.mine(["这家的牛肉面很好吃", "我喜欢牛肉面和饺子", "饺子不错", "好吃！"])
    assert {"牛肉面", "饺子"} < set(lexicon.phrases) == {"牛肉", "肉面", "牛肉面", "饺子", "好吃"}
    assert not lexicon.plural.any()
    text = "他们的牛肉面和soup"
    (mention,) = lexicon.find(text)
    assert text[mention.start : mention.end] == lexicon.phrases[mention.phrase] == "牛肉面"
    other = lexicon.replace(text, [mention], np.random.default_rng(0))
    assert other in {f"他们的{phrase}和soup" for phrase in lexicon.phrases} - {text}


def test_marks_belong_to_the_words_of_entities() -> None:
    lexicon = EntityLexicon(["मसाला डोसा", "味噌ラーメン"], [False, False])
    assert [m.phrase for m in lexicon.find("यहाँ का मसाला डोसा")] == [0]
    assert [m.phrase for m in lexicon.find("この味噌ラーメンは")] == [1]


def test_the_same_seed_draws_the_same(lexicon: EntityLexicon) -> None:
    text = TEXTS[1]
    draws = [
        [lexicon.replace(text, lexicon.find(text), random) for _ in range(5)]
        for random in (np.random.default_rng(3), np.random.default_rng(3))
    ]
    assert draws[0] == draws[1]


def test_a_spacy_pipeline_is_used_where_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for spaCy: chunks are the text's words of five letters or more."""

    def word(text: str, pos: str) -> SimpleNamespace:
        return SimpleNamespace(text=text, pos_=pos, tag_="NNS" if text.endswith("s") else "NN")

    class Pipeline:
        def pipe(self, texts):
            for text in texts:
                chunks = [[word("The", "DET"), word(w, "NOUN")] for w in text.split() if len(w) > 4]
                yield SimpleNamespace(noun_chunks=chunks)

    spacy = ModuleType("spacy")
    spacy.load = lambda name: Pipeline()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "spacy", spacy)
    lexicon = EntityLexicon.mine(["Plates and bread", "bread plates"], "en_core_web_sm")
    assert dict(zip(lexicon.phrases, lexicon.plural.tolist(), strict=True)) == {
        "plates": True,
        "bread": False,
    }


def test_a_missing_spacy_or_pipeline_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spacy", None)
    with pytest.raises(SettingsError, match=r"'en_none'.*recbole_showcase\[spacy\]"):
        EntityLexicon.mine(TEXTS, "en_none")
    spacy = ModuleType("spacy")

    def load(name: str) -> None:
        raise OSError(f"can't find {name}")

    spacy.load = load  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "spacy", spacy)
    with pytest.raises(SettingsError, match="'en_none', which is no installed spaCy pipeline"):
        EntityLexicon.mine(TEXTS, "en_none")
