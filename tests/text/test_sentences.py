from __future__ import annotations

import pytest

from recbole_showcase.text.sentences import join_sentences, split_sentences

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


@pytest.mark.parametrize(
    "sentences",
    [
        ["The soup was great!", "We sat outside.", "Really…"],
        ["面很好吃。", "会的！！", "「真好吃。」"],
        ["الطعام لذيذ جدا.", "هل تعود؟", "نعم!"],
        ["खाना अच्छा था।", "फिर आएंगे।"],
    ],
)
def test_joined_sentences_are_told_apart_again(sentences: list[str]) -> None:
    assert split_sentences([join_sentences(sentences)])[0] == sentences


def test_a_sentence_without_an_end_does_not_run_into_the_next() -> None:
    joined = join_sentences(["great soup", "We sat outside", "面很好吃"])
    assert split_sentences([joined])[0] == ["great soup …", "We sat outside …", "面很好吃"]
    assert join_sentences([]) == "" and join_sentences(["great soup"]) == "great soup"
