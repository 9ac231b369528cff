from __future__ import annotations

import pytest

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
