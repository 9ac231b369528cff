"""What is a word: the same of every language, and as ever of English."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from recbole_showcase.errors import SettingsError
from recbole_showcase.metrics import (
    cider_values,
    corpus_bleu,
    distinct_n,
    entropy_n,
    feature_mentions,
    meteor,
    mine_lexicon,
    read_lexicon,
    rouge,
    sacre_bleu,
    self_bleu,
    text_change,
)
from recbole_showcase.metrics.words import feature_words, rouge_words, words

TEXTS = {
    "English": "The beef noodle soup of this place was really tasty, and the staff kind.",
    "Chinese": "这家餐厅的牛肉面非常好吃，服务也很热情。",
    "Chinese with Latin": "这家KTV的WiFi很快，牛肉面3.5分，非常好吃！",
    "Japanese": "このラーメンはとても美味しいです。店員さんも親切でした。",
    "Korean": "이 식당의 김치찌개는 정말 맛있어요 그리고 직원도 친절해요.",
    "Thai": "อาหารอร่อยมากและพนักงานใจดี",
    "Lao": "ອາຫານແຊບຫຼາຍ ແລະພະນັກງານໃຈດີ",
    "Khmer": "ម្ហូបឆ្ងាញ់ណាស់ ហើយបុគ្គលិករួសរាយ",
    "Burmese": "အစားအစာအရမ်းအရသာရှိပါတယ်။",
    "Arabic": "الطعام لذيذ جدا والخدمة ممتازة في هذا المطعم",
    "Persian": "غذا بسیار خوشمزه بود و می‌خواهم دوباره بیایم",
    "Hebrew": "האוכל היה טעים מאוד והשירות מצוין במסעדה הזאת",
    "Hindi": "खाना बहुत स्वादिष्ट था और कर्मचारी भी बहुत अच्छे थे।",
    "Tamil": "உணவு மிகவும் சுவையாக இருந்தது ஊழியர்கள் அன்பானவர்கள்",
    "Russian": "Суп был очень вкусным, а официанты — приветливыми и быстрыми.",
    "Greek": "Η σούπα ήταν πολύ νόστιμη και το προσωπικό ευγενικό.",
    "Vietnamese": "Phở bò ở đây rất ngon và nhân viên thân thiện.",
    "French": "La crêpe était très bonne, et le café à côté aussi.",
    "emoji": "😋🍜👍🏽🔥👨‍👩‍👧❤️🍕🥗",
}
PAIRWISE: dict[str, Callable[[list[str], list[str]], float]] = {
    "BLEU1": lambda said, true: corpus_bleu(said, true, max_order=1),
    "BLEU4": corpus_bleu,
    "ROUGE1": lambda said, true: rouge(said, true, kind="rouge1"),
    "ROUGE2": lambda said, true: rouge(said, true, kind="rouge2"),
    "ROUGEL": rouge,
    "METEORStem": lambda said, true: meteor(said, true, synonyms=False),
    "CIDEr": lambda said, true: 10 * cider_values([*said, "x"], [*true, "x"])[0],
}
IN_ANY_ORDER = ("BLEU1", "ROUGE1")
languages = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)


def pieces(text: str) -> list[str]:
    """The parts of a text that are moved about: its words, or where it has no spaces theirs."""
    return text.split() if text.count(" ") > 4 else words(text)


def join(parts: list[str], text: str) -> str:
    return (" " if text.count(" ") > 4 else "").join(parts)


@languages
def test_equal_texts_score_in_full(text: str) -> None:
    found = {name: metric([text], [text]) for name, metric in PAIRWISE.items()}
    meteors = found.pop("METEORStem")  # which takes one chunk of matches for a small flaw
    assert found == pytest.approx(dict.fromkeys(found, 100.0))
    assert meteors > 99
    assert text_change([text], [text]) == 0


@languages
def test_permuted_words_score_less(text: str) -> None:
    parts = pieces(text)
    other = join([*parts[1::2], *parts[::2]], text)
    for name, metric in PAIRWISE.items():
        if name in IN_ANY_ORDER:
            assert metric([other], [text]) > 60, name
        else:
            assert metric([other], [text]) < 0.99 * metric([text], [text]), name
    assert 0 < text_change([other], [text]) < 1


@languages
def test_half_of_the_words_score_in_between(text: str) -> None:
    parts = pieces(text)
    half = join(parts[: len(parts) // 2 + 1], text)
    for name, metric in PAIRWISE.items():
        assert 1 < metric([half], [text]) < 0.95 * metric([text], [text]), name


@languages
def test_texts_of_other_words_score_nothing(text: str) -> None:
    for name, metric in PAIRWISE.items():
        assert metric(["12 345 6789"], [text]) == 0, name


@languages
def test_variety_sees_words(text: str) -> None:
    count = len(words(text))
    assert count > 5
    assert 0.5 < distinct_n([text], 2) <= 1
    assert distinct_n([text] * 4, 2) == distinct_n([text], 2) / 4
    assert math.log(count / 2) < entropy_n([text], 1) <= math.log(count) + 1e-9
    assert self_bleu([text, text]) == pytest.approx(100)


@pytest.mark.parametrize(
    "text",
    ["Crêpes, naïve café!", "soup 😋 5/5", "a 오클랜드 soup in town 👍", "½ price", "...", ""],
)
def test_texts_in_latin_letters_are_split_as_ever(text: str) -> None:
    from rouge_score.tokenize import tokenize

    assert words(text) == text.lower().split()
    assert rouge_words(text) == tokenize(text, None)


def test_sacre_bleu_takes_a_tokenizer_of_its_own() -> None:
    from sacrebleu import corpus_bleu as package

    said, true = ["这家的牛肉面很好吃。"], ["这家的羊肉面很好吃。"]
    for name in ("13a", "zh", "char", "intl"):
        expected = package(said, [true], tokenize=name, force=True).score
        assert sacre_bleu(said, true, tokenize=name) == pytest.approx(expected, abs=1e-9)
    assert sacre_bleu(said, true, tokenize="zh") > 40 > sacre_bleu(said, true)
    with pytest.raises(SettingsError, match=r"tokenize is 'none of them'; allowed are .*'zh'"):
        sacre_bleu(said, true, tokenize="none of them")


FEATURES = {
    "Chinese": ("牛肉面", "这家的牛肉面很好吃。", "牛排和拌面"),
    "Japanese": ("味噌ラーメン", "この味噌ラーメンはいいです", "味噌汁とラーメン"),
    "Korean": ("김치 찌개", "맛있는 김치 찌개!", "김치와 찌개"),
    "Thai": ("ข้าวผัด", "สั่งข้าวผัดและน้ำ", "ข้าวสวย ผัดไทย"),
    "Arabic": ("المطعم", "في هذا المطعم الجميل", "الطعام لذيذ"),
    "Hindi": ("मसाला डोसा", "यहाँ का मसाला डोसा अच्छा है", "मसाला चाय"),
    "Russian": ("суп", "Вкусный Суп!", "супы"),
    "amid English": ("拉面", "Their 拉面 was great, better than most others.", "Their 面拉 was"),
}


@pytest.mark.parametrize(("feature", "names_it", "does_not"), FEATURES.values(), ids=FEATURES)
def test_features_of_a_file_are_found(
    tmp_path: Path, feature: str, names_it: str, does_not: str
) -> None:
    path = tmp_path / "lexicon.txt"
    path.write_text(f"{feature}\nsoup\n{feature}\n", encoding="utf-8")
    lexicon = read_lexicon(path)
    assert lexicon == [feature, "soup"]
    found = feature_mentions([names_it, does_not, feature], lexicon)
    assert found.toarray()[:, 0].tolist() == [True, False, True]


def test_what_is_mined_are_words() -> None:
    texts = {
        "Chinese": ["这家的牛肉面很好吃。", "我们喜欢牛肉面和饺子", "饺子也不错", "有wifi, 牛肉面"],
        "Japanese": ["このラーメンはとても美味しい", "ラーメンと餃子が好き", "餃子です"],
        "Hindi": ["खाना बहुत स्वादिष्ट था।", "स्वादिष्ट खाना"],
        "Thai": ["อาหารอร่อยมาก", "อาหารอร่อย"],
        "Korean": ["김치찌개 정말 좋아요", "김치찌개!"],
    }
    mined = {language: mine_lexicon(given) for language, given in texts.items()}
    assert mined == {
        "Chinese": ["牛肉", "牛肉面", "肉面", "饺子"],
        "Japanese": ["ラーメン", "餃子"],
        "Hindi": ["खाना", "स्वादिष्ट"],
        "Thai": [],
        "Korean": ["김치찌개"],
    }
    for language, given in texts.items():
        if mined[language]:
            named = feature_mentions(given, mined[language]).toarray().sum(axis=0)
            assert np.all(named >= 2), language


def test_marks_and_joiners_belong_to_words() -> None:
    assert feature_words("स्वादिष्ट می‌خواهم") == ["स्वादिष्ट", "می‌خواهم"]
    assert feature_words("❤️ 👨‍👩‍👧 soup") == ["soup"]
