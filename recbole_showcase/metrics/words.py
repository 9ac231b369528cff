"""What a word is, in any script.

Most scripts part words by spaces. Han, Japanese, Thai, Lao, Khmer and Burmese do not: there a word
is what Unicode's default boundaries (UAX #29) leave without a dictionary, a character with its
marks, or a run of katakana.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import regex

# Characters of scripts that do not part words by spaces, to stand within [...].
UNSPACED = (
    r"[\p{Han}\p{Hiragana}\p{Katakana}ーｰ\p{Bopomofo}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
    r"&&[\p{L}\p{M}\p{N}]]"
)
# A word of such a script.
UNSPACED_WORD = rf"[\p{{Katakana}}ーｰ]+|(?={UNSPACED})\X"
# Characters of words of other scripts, the marks of Hindi and Arabic and joiners among them.
SPACED = rf"[[\w\p{{N}}]--{UNSPACED}]"
# What such a word begins with: a mark or a joiner may also follow a symbol, as in emoji.
SPACED_START = rf"[[\p{{L}}\p{{N}}_]--{UNSPACED}]"

_FEATURE_WORD = regex.compile(rf"{UNSPACED_WORD}|{SPACED_START}{SPACED}*", regex.V1)
_ASCII_WORD = regex.compile(r"\w+")  # equal to the former there, and faster
_LATIN = regex.compile(r"\p{Latin}")
_BOUNDARY = regex.compile(r"\b", regex.V1 | regex.WORD)
_SAYS_SOMETHING = regex.compile(r"[\p{L}\p{N}\p{So}]")  # unlike punctuation; emoji are symbols
# Chinese function words and pronouns of one character, which phrases do not reach over.
_FUNCTION = "的了是在和与與也都就还還很太不没沒我你他她它们們这這那吗嗎呢吧啊呀"
# Thai and its like have no words without a dictionary; hiragana is mostly grammar.
_NAME = regex.compile(rf"[[\p{{Han}}\p{{Katakana}}ーｰ]--[{_FUNCTION}]]{{2,}}", regex.V1)
_UNSPACED_WORD = regex.compile(UNSPACED_WORD, regex.V1)


def words(text: str) -> list[str]:
    """The words of a text as explanation papers count them: lower-cased, split at white space.

    A text that is mostly in another script than Latin is split at Unicode's word boundaries
    instead, so that languages without spaces have words; punctuation and emoji are words there.

    >>> words("The soup, hot."), words("面很好吃。")
    (['the', 'soup,', 'hot.'], ['面', '很', '好', '吃', '。'])
    """
    lowered = text.lower()
    return lowered.split() if _is_latin(lowered) else _segments(lowered)


def rouge_words(text: str) -> list[str]:
    """The words of a text as rouge-score takes them: runs of a-z and 0-9 of the lower-cased text.

    A text that is mostly in another script than Latin, or has no such run, is split at Unicode's
    word boundaries instead, punctuation left out.

    >>> rouge_words("A crêpe, hot."), rouge_words("面很好吃。")
    (['a', 'cr', 'pe', 'hot'], ['面', '很', '好', '吃'])
    """
    # The runs of a text are those of what stands between its spaces, few of which are different.
    if _is_latin(text) and (found := [run for part in text.split() for run in _rouge_runs(part)]):
        return found
    return [word for word in _segments(text.lower()) if _SAYS_SOMETHING.match(word)]


@lru_cache(maxsize=2**16)
def _rouge_runs(part: str) -> tuple[str, ...]:
    """Words of a part of a text that has no white space, by rouge-score."""
    from rouge_score.tokenize import tokenize

    return tuple(tokenize(part, None))


def feature_words(text: str) -> list[str]:
    """The words of a text as features are looked for: lower-cased runs of letters and digits.

    Each word is taken by its own script, whatever the rest of the text is written in.

    >>> feature_words("Noodle-soup, 牛肉面!")
    ['noodle', 'soup', '牛', '肉', '面']
    """
    pattern = _ASCII_WORD if text.isascii() else _FEATURE_WORD
    return pattern.findall(text.lower())


def phrase(parts: list[str]) -> str:
    """Words of :func:`feature_words` as they are written: with spaces where their script has them.

    >>> phrase(["noodle", "soup"]), phrase(["牛", "肉", "面"])
    ('noodle soup', '牛肉面')
    """
    text = ""
    for word in parts:
        gap = text and not (_UNSPACED_WORD.match(word) and _UNSPACED_WORD.match(text[-1]))
        text += f" {word}" if gap else word
    return text


def unspaced_phrases(text: str, max_words: int) -> Iterator[str]:
    """The runs of two Han or katakana characters or more that may be a name, repetitions included.

    Without a dictionary nobody knows where words end in them, so these are all runs of up to
    ``max_words`` words that hold no function word.

    >>> list(unspaced_phrases("这家的牛肉面很好吃", 3))
    ['牛肉', '肉面', '牛肉面', '好吃']
    >>> list(unspaced_phrases("このラーメンは", 3))
    ['ラーメン']
    """
    for run in _NAME.findall(text):
        parts = _UNSPACED_WORD.findall(run)
        for n in range(1, max_words + 1):
            found = ("".join(parts[start : start + n]) for start in range(len(parts) - n + 1))
            yield from (name for name in found if len(name) > 1)


def _is_latin(text: str) -> bool:
    """Whether a text is ASCII, or has words or numbers and at least half of the words are Latin."""
    if text.isascii():
        return True
    found = _FEATURE_WORD.findall(text)
    latin = sum(_LATIN.match(word) is not None for word in found)
    return bool(found) and 2 * latin >= sum(word[0].isalpha() for word in found)


def _segments(text: str) -> list[str]:
    """What stands between Unicode's word boundaries, white space left out."""
    return [part for part in _BOUNDARY.split(text) if part.strip()]
