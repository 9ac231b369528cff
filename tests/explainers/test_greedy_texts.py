"""Greedy decoding step by step."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from recbole_showcase.explainers.base import greedy_texts
from recbole_showcase.text.tokenizer import TextTokenizer
from tests.explainers.test_explainers import TEXTS, batch_of


def write(texts: list[str], max_tokens: int) -> tuple[list[str], list[torch.Tensor]]:
    """Decode with a step that wants given texts; returns what came out and what it was given."""
    tokenizer = TextTokenizer.train(TEXTS, 280)
    wanted = torch.from_numpy(tokenizer.encode(texts, 99))[:, 1:]  # (B, T)
    wanted = F.pad(wanted, (0, 1), value=tokenizer.bos_id)
    given = []

    def step(tokens: torch.Tensor, state: int) -> tuple[torch.Tensor, int]:
        given.append(tokens)
        return F.one_hot(wanted[:, state], len(tokenizer)).float(), state + 1

    batch, _, _ = batch_of(tokenizer, n=len(texts))
    return greedy_texts(step, 0, batch, tokenizer, max_tokens), given


def test_it_stops_where_all_have_ended() -> None:
    texts, given = write(["good soup", "meh", "nice"], 20)
    tokenizer = TextTokenizer.train(TEXTS, 280)
    assert texts == ["good soup", "meh", "nice"]
    assert len(given) == tokenizer.encode(texts, 99).shape[1] - 1, "the start is not written"
    assert given[0].tolist() == [tokenizer.bos_id] * 3


def test_it_writes_nothing_after_an_end() -> None:
    """The rows that ended are given padding, and what they answer is not kept."""
    texts, given = write(["meh", "the pizza was great and big"], 20)
    tokenizer = TextTokenizer.train(TEXTS, 280)
    length = tokenizer.encode(["meh"], 99).shape[1]
    assert texts == ["meh", "the pizza was great and big"]
    assert {int(tokens[0]) for tokens in given[length:]} == {tokenizer.pad_id}


def test_it_stops_at_the_most_tokens() -> None:
    texts, given = write(["the pizza was great and big", "we loved the salad"], 3)
    assert len(given) == 3
    assert "the pizza was great and big".startswith(texts[0]) and len(texts[0]) < 27
