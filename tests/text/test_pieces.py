"""What is read of a text piece by piece is what is read of the whole."""

from __future__ import annotations

import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from recbole_showcase.text import pieces as module
from recbole_showcase.text.pieces import Recall, pieces
from recbole_showcase.text.tokenizer import SPECIALS, TextTokenizer

SAID = ["The soup, was good!", "I'll  don't\n 3.5 <pad> ", "牛肉面 很好吃", "cafe\u0301 x", " the"]
GPT2 = {"add_prefix_space": False, "use_regex": True}


def made(parts: pre_tokenizers.PreTokenizer, normalizer: object = None) -> TextTokenizer:
    own = Tokenizer(models.BPE())
    own.pre_tokenizer, own.normalizer = parts, normalizer
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    own.train_from_iterator(
        SAID * 3,
        trainers.BpeTrainer(
            vocab_size=400, special_tokens=list(SPECIALS.values()), initial_alphabet=alphabet
        ),
    )
    return TextTokenizer(PreTrainedTokenizerFast(tokenizer_object=own, **SPECIALS))


OURS = TextTokenizer.train(SAID * 3, 400)
IN_PIECES = [OURS, made(pre_tokenizers.ByteLevel(**GPT2))]
WHOLE = [
    made(pre_tokenizers.ByteLevel(**GPT2 | {"add_prefix_space": True})),
    made(pre_tokenizers.ByteLevel(**GPT2 | {"use_regex": False})),
    made(pre_tokenizers.ByteLevel(**GPT2), normalizers.Replace(Regex(r"\s+"), "_")),
    made(pre_tokenizers.Metaspace()),
]
PARTS = st.one_of(
    st.sampled_from(
        [*SAID, " ", "\n", "\t", "\r\n", "\u00a0", "\u3000", "\x1c", "\x85", "'s", "<eos>"]
    ),
    st.text(max_size=4),
)
TEXTS = st.lists(st.lists(PARTS, max_size=8).map("".join), min_size=1, max_size=4)


@given(TEXTS, st.sampled_from(IN_PIECES + WHOLE), st.integers(1, 9), st.booleans())
def test_ids_are_those_of_the_whole_text(
    texts: list[str], tokenizer: TextTokenizer, limit: int, ends: bool
) -> None:
    whole = tokenizer.tokenizer(texts, add_special_tokens=False, split_special_tokens=True)
    found = tokenizer.encode(texts, limit, ends=ends).tolist()
    for row, ids in zip(found, whole["input_ids"], strict=True):
        ids = [token for token in ids if token != tokenizer.pad_id]
        wanted = ids[:limit]
        if ends:
            wanted = [tokenizer.bos_id, *wanted, *[tokenizer.eos_id][: len(ids) <= limit]]
        assert [token for token in row if token != tokenizer.pad_id] == wanted


def test_only_those_that_may_read_pieces() -> None:
    assert all(tokenizer._parts is pieces for tokenizer in IN_PIECES)
    assert all(tokenizer._parts is not pieces for tokenizer in WHOLE)
    again = TextTokenizer.from_text(OURS.to_text() or "")
    assert again._parts is pieces
    again.tokenizer.add_tokens(["good soup"])  # one token, over a space
    assert TextTokenizer(again.tokenizer)._parts is not pieces


@given(st.lists(PARTS, max_size=8).map("".join))
def test_pieces_are_the_text(text: str) -> None:
    found = pieces(text)
    assert "".join(found) == text
    assert all(re.match(r"\s", piece) for piece in found[1:])


def test_white_space_is_that_of_the_tokenizers() -> None:
    """All of Unicode, for Python's white space is another."""
    space = pre_tokenizers.Split(Regex(r"\s"), "removed")
    letters = [chr(n) for n in range(sys.maxunicode + 1) if not 0xD800 <= n < 0xE000]
    ours = {piece[0] for piece in pieces("x".join(letters))} - {"x", letters[0]}
    theirs = set(letters) - set(
        "".join(part for part, _ in space.pre_tokenize_str("".join(letters)))
    )
    assert ours == theirs


def test_a_file_that_asks_for_cut_and_padded_texts_changes_no_ids() -> None:
    tokenizer = TextTokenizer.from_text(OURS.to_text() or "")
    tokenizer.tokenizer.backend_tokenizer.enable_truncation(1)
    tokenizer.tokenizer.backend_tokenizer.enable_padding(length=8, pad_id=tokenizer.eos_id)
    assert tokenizer.encode(SAID, 20).tolist() == OURS.encode(SAID, 20).tolist()


def test_what_is_let_go_meanwhile_is_still_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 2)

    def lengths(parts: list[str]) -> list[int]:
        if "bc" in parts:  # as another thread may, while this one computes
            recall.of([["d", "e", "f"]])
        return [len(part) for part in parts]

    recall = Recall(lengths)
    recall.of([["a"]])
    assert recall.of([["a", "bc"]]) == [[1, 2]]


def test_a_piece_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def lengths(parts: list[str]) -> list[int]:
        asked.extend(parts)
        return [len(part) for part in parts]

    recall = Recall(lengths)
    long = "x" * 99
    assert recall.of([["a", "bc"], [], ["a", long]]) == [[1, 2], [], [1, 99]]
    assert recall.of([["bc", "a"]]) == [[2, 1]]
    assert sorted(asked) == sorted(["a", "bc", long])
    assert recall.of([[long]]) == [[99]] and asked.count(long) == 2
    monkeypatch.setattr(module, "_MOST", 2)
    assert recall.of([["a", "d", "e"]]) == [[1, 1, 1]]
    assert recall.of([["a"]]) == [[1]] and asked.count("a") == 2, "all were let go"
