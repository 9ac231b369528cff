from __future__ import annotations

import pytest

from recbole_showcase.text.sentences import split_sentences

SENTENCES = {
    "Chinese": ["面很好吃。", "服务热情！", "还会再来吗？", "会的。"],
    "Chinese with quotes": ["他说：“好吃！”", "我们很高兴。"],
    "several marks": ["真的！！？", "好。"],
    "Japanese": ["美味しい。", "また行きます！"],
    "Chinese, half-width": ["好吃｡", "再来"],
}
SPACED = {
    "English": ["It cost 3.50 at Bob.com.", "Wait...", "What?!", "Ok…", "Then."],
    "Arabic": ["الطعام لذيذ؟", "نعم.", "جيد"],
    "Urdu": ["کھانا اچھا تھا۔", "شکریہ"],
    "Hindi": ["खाना अच्छा था।", "सेवा भी॥", "हाँ"],
    "Korean": ["맛있어요.", "또 올게요!"],
    "Russian": ["Вкусно!", "Придём ещё…", "Да."],
}


@pytest.mark.parametrize("sentences", SENTENCES.values(), ids=SENTENCES)
@pytest.mark.parametrize("gap", ["", " ", "\n"])
def test_marks_of_chinese_and_japanese_need_no_white_space(sentences: list[str], gap: str) -> None:
    assert split_sentences([gap.join(sentences)])[0] == sentences


@pytest.mark.parametrize("sentences", SPACED.values(), ids=SPACED)
def test_other_marks_do(sentences: list[str]) -> None:
    found, owners = split_sentences(["", " ".join(sentences)])
    assert found == sentences
    assert owners.tolist() == [1] * len(sentences)
    assert split_sentences(["".join(sentences)])[0] == ["".join(sentences)]


def test_an_ellipsis_within_a_sentence_stays() -> None:
    assert split_sentences(["好吃……真的"])[0] == ["好吃……真的"]
