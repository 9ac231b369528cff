from __future__ import annotations

import numpy as np
import pytest
from tokenizers import pre_tokenizers

from recbole_showcase.text.sampling import evenly
from recbole_showcase.text.tokenizer import TextTokenizer, TokenTable


@pytest.fixture(scope="module")
def tokenizer() -> TextTokenizer:
    return TextTokenizer.train(["the soup was good", "牛肉面"] * 3, 270)


@pytest.mark.parametrize(
    "text", ["面很好吃。😋 ok", "อร่อย", "the soup é", "👨‍👩‍👧", "a text of � and ends so �", "��"]
)
def test_a_cut_text_ends_with_a_whole_character(tokenizer: TextTokenizer, text: str) -> None:
    (ids,) = tokenizer.encode([text], 500)
    cuts = [ids[:end].tolist() for end in range(len(ids) + 1)]
    found = tokenizer.decode(cuts)
    assert found[-1] == text
    assert all(text.startswith(start) for start in found)
    assert set(found) >= {text[:end].strip() for end in range(len(text))} - {""} or " " in text


def test_bytes_that_are_no_character_stay_elsewhere(tokenizer: TextTokenizer) -> None:
    face, soup = (tokenizer.encode([t], 9, ends=False)[0].tolist() for t in ("😋", " soup"))
    assert tokenizer.decode([[*face[:2], *soup], [*soup, *face[:2]], []]) == ["� soup", "soup", ""]
    assert tokenizer.decode([[*soup, *face[:2], *face[:3], *face[:1]], face[:2] * 3]) == [
        "soup",
        "",
    ]


def test_marks_stay_with_their_letters() -> None:
    words = ["ต้องสั่งราเมง", "खाना", "الطَّعَام", "cafe\u0301"]
    tokenizer = TextTokenizer.train([" ".join(words)] * 3, 500)
    tokens = tokenizer.encode([words[0], *(f" {word}" for word in words[1:])], 20, ends=False)
    assert tokens.shape == (4, 1)


@pytest.mark.parametrize(
    "text", ["I'll   don't 3.5\n\t end ", "❤️🍕 good❤️! 👍🏽👨‍👩‍👧", "牛肉面很好吃。Суп, café_x", ""]
)
def test_other_texts_are_parted_as_gpt2_does(text: str) -> None:
    ours = TextTokenizer.train(["x"], 259).tokenizer.backend_tokenizer.pre_tokenizer
    gpt2 = pre_tokenizers.ByteLevel(add_prefix_space=False)
    assert ours.pre_tokenize_str(text) == gpt2.pre_tokenize_str(text)


def test_a_table_encodes_what_is_asked_for_when_it_is(
    tokenizer: TextTokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = np.array(["", "soup", "the soup was very good", "", "牛肉面 was good"], dtype=object)
    rows = np.array([4, 1, 2])
    encoded: list[str] = []
    encode = TextTokenizer.encode

    def recording(self: TextTokenizer, texts: list[str], *args: object, **kwargs: object):
        encoded.extend(texts)
        return encode(self, texts, *args, **kwargs)

    monkeypatch.setattr(TextTokenizer, "encode", recording)
    table = TokenTable(tokenizer, texts, rows, 6, ends=True)
    assert encoded == []
    for asked in ([2, 1], [[1, -1], [4, 2]], [-1], [0], [4]):
        ids, mask = table.take(np.array(asked))
        for row, own, there in zip(
            np.ravel(asked), ids.flatten(0, -2), mask.flatten(0, -2),
            strict=True,
        ):  # fmt: skip
            whole = encode(tokenizer, [texts[row]], 6)[0].tolist() if row in rows else []
            assert own[there].tolist() == whole
            assert (own[~there] == tokenizer.pad_id).all()
    assert sorted(encoded) == sorted(texts[rows]), "each once"
    none = TokenTable(tokenizer, texts, rows[:0], 6, ends=False)
    assert none.take(np.array([[1, -1]]))[0].shape == (1, 2, 0)


def test_an_even_sample() -> None:
    values = np.arange(10)
    assert evenly(values, 10).tolist() == evenly(values, 99).tolist() == values.tolist()
    assert evenly(values, 9).tolist() == evenly(values, 5).tolist() == [0, 2, 4, 6, 8]
    assert evenly(values, 1).tolist() == [0] and evenly(values[:0], 3).tolist() == []
