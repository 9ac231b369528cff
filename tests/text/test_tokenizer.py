from __future__ import annotations

import pytest
from tokenizers import pre_tokenizers

from recbole_showcase.text.tokenizer import TextTokenizer


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
