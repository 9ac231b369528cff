"""Explainers that read sentences of others: which, and as what."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from recbole_showcase.errors import SettingsError
from recbole_showcase.explainers import EXPLAINERS
from recbole_showcase.explainers.retrieved import Retriever
from recbole_showcase.integration.config import part_defaults
from recbole_showcase.testing.explainers import TEXTS, explanation_batch
from recbole_showcase.text.tokenizer import TextTokenizer
from tests.explainers.test_explainers import INPUTS

TOKENIZER = TextTokenizer.train(TEXTS, 280)


def build(name: str, **changes: object) -> Any:
    torch.manual_seed(0)
    small = {} if name == "quote" else {"explainer_hidden_size": 16, "explainer_dropout": 0.0}
    values = {**part_defaults("explainer", name), **small, **changes}
    return EXPLAINERS.build(name, values, INPUTS, TOKENIZER).eval()


class Louder:
    """The words of sentences, in capitals."""

    def __init__(self, words: Any) -> None:
        self.rows, self._words = words.rows, words

    def texts(self, sentences: np.ndarray) -> list[str]:
        return [text.upper() for text in self._words.texts(sentences)]


@pytest.mark.parametrize("name", ["retrieval", "prefix_lm"])
@pytest.mark.parametrize("how", ["none", "vectors", "words", "both"])
def test_what_is_read_is_what_settings_say(name: str, how: str) -> None:
    batch, *vectors = explanation_batch(TOKENIZER)
    explainer = build(name, explainer_use_sentences=how)
    loss = explainer(batch, *vectors)[0]
    away = replace(batch, sentence_features=-batch.sentence_features.flip(2))
    louder = replace(batch.sentences, words=Louder(batch.sentences.words))
    words = explainer(replace(batch, sentences=louder), *vectors)[0]
    assert torch.equal(words, loss) == (how in ("none", "vectors"))
    assert ("sentences" in explainer.reads) == (how != "none")
    if how == "none":
        assert torch.equal(explainer(away, *vectors)[0], loss)
        return
    chosen = explainer._retriever(batch)  # the very same sentences, elsewhere
    explainer._retriever = lambda _: replace(chosen, features=chosen.features + 1.0)
    assert torch.equal(explainer(batch, *vectors)[0], loss) == (how == "words")


def test_the_sentences_are_those_of_quote() -> None:
    batch, *vectors = explanation_batch(TOKENIZER)
    explainer = build("retrieval", explainer_sentences=2)
    texts, rows = explainer.write(batch, *vectors)
    _, quoted = build("quote", explainer_sentences=2).write(batch, *vectors)
    assert (rows == quoted).all() and (rows >= 0).any() and (rows < 0).any()
    assert texts == explainer.generate(batch, *vectors)
    _, of_prefix = build("prefix_lm", explainer_use_sentences="words").write(batch, *vectors)
    _, four = build("quote", explainer_sentences=4).write(batch, *vectors)
    assert (of_prefix == four).all()
    assert build("prefix_lm").write(batch, *vectors)[1] is None


def test_words_are_those_of_the_sentences_without_ends() -> None:
    batch, *_ = explanation_batch(TOKENIZER)
    settings = build("retrieval", explainer_sentences=3).settings
    found = Retriever(settings, TOKENIZER, 60)(batch)
    words = batch.sentences.words
    for pair in range(len(batch)):
        for place in range(found.rows.shape[1]):
            ids = found.tokens[pair, place][found.token_mask[pair, place]]
            there = bool(found.mask[pair, place])
            assert there == bool(len(ids)) == (found.rows[pair, place] >= 0)
            if there:
                (position,) = np.flatnonzero(words.rows == found.rows[pair, place])
                assert TOKENIZER.decode([ids.tolist()]) == words.texts(np.array([position]))
            else:
                assert not found.features[pair, place].any()


def test_without_sentences_it_is_the_method() -> None:
    batch, *vectors = explanation_batch(TOKENIZER)
    plain, reading = build("showcase"), build("retrieval", explainer_use_sentences="none")
    assert set(plain.state_dict()) == set(reading.state_dict())
    for one, other in zip(plain(batch, *vectors), reading(batch, *vectors), strict=True):
        assert torch.equal(one, other)
    assert reading.write(batch, *vectors)[1] is None


@pytest.mark.parametrize("how", ["vectors", "words", "both"])
def test_a_batch_of_items_that_nobody_has_reviewed(how: str) -> None:
    batch, *vectors = explanation_batch(TOKENIZER)
    nobody = replace(
        batch,
        sentence_features=batch.sentence_features[:, :0],
        sentence_mask=batch.sentence_mask[:, :0],
        sentences=replace(batch.sentences, positions=batch.sentences.positions[:, :0]),
    )
    for name in ("retrieval", "prefix_lm"):
        explainer = build(name, explainer_use_sentences=how)
        assert all(loss.isfinite() for loss in explainer(nobody, *vectors))
        texts, rows = explainer.write(nobody, *vectors)
        assert len(texts) == len(batch) and rows is not None and rows.shape == (len(batch), 0)


def test_the_prompt_is_words_and_then_the_prefix() -> None:
    batch, *vectors = explanation_batch(TOKENIZER)
    explainer = build("prefix_lm", explainer_use_sentences="words", explainer_sentences=2)
    prompt, mask = explainer.prompt(batch, *vectors)
    prefix = explainer.mapping(batch, *vectors)
    found = explainer._retriever(batch)
    for row in range(len(batch)):
        ids = found.tokens[row][found.token_mask[row]]
        expected = torch.cat([explainer.embed(ids), prefix[row]])
        torch.testing.assert_close(prompt[row][mask[row]], expected)
        assert mask[row].long().diff().min() >= 0, "padding stands on the left"


def test_words_need_room(tmp_path: Any) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    sizes = {"n_embd": 24, "n_layer": 1, "n_head": 2, "n_positions": 40}
    GPT2LMHeadModel(GPT2Config(vocab_size=300, **sizes)).save_pretrained(tmp_path)
    build("prefix_lm", explainer_language_model=str(tmp_path))
    with pytest.raises(SettingsError, match="a prompt of 90 and a text"):
        build("prefix_lm", explainer_language_model=str(tmp_path), explainer_use_sentences="words")
