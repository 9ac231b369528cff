"""Lexicons of features: read from a file, or mined from texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import regex

from recbole_showcase.errors import DataError
from recbole_showcase.metrics._checks import check_at_least_one, check_texts
from recbole_showcase.metrics.words import (
    SPACED,
    SPACED_START,
    feature_words,
    phrase,
    unspaced_phrases,
)


def _patterns(first: str, other: str) -> tuple[Any, Any]:
    """What phrases do not reach over, and what a token is.

    A hyphen joins words, and an apostrophe is part of one.

    Args:
        first: The characters that a word begins with.
        other: The characters that it goes on with.
    """
    return (
        regex.compile(rf"[^{other}\s'’\-]+", regex.V1),
        regex.compile(rf"{first}{other}*(?:['’]{other}+)*", regex.V1),
    )


_ASCII = _patterns(r"\w", r"\w")  # equal to the next there, and faster
_UNICODE = _patterns(SPACED_START, SPACED)
_WORD = regex.compile(r"(?:\p{L}[\p{M}\p{Join_Control}]*){2,}")


def mine_lexicon(
    texts: Sequence[str], *, size: int = 500, min_texts: int = 2, max_words: int = 2
) -> list[str]:
    """The phrases that most texts name, opinions and function words left out.

    A text is cut at punctuation, at scikit-learn's English stop words and at the words of VADER's
    sentiment lexicon, and the phrases are the runs of words in between, and what they consist of:
    "the spicy noodle soup was great" gives "spicy noodle", "noodle soup", "spicy", "noodle" and
    "soup". Give it texts of the training split only.

    There is no tagger behind it, so verbs such as "ordered" come in as well; a lexicon made by
    hand, see :func:`read_lexicon`, is better where there is one. All the more so in languages other
    than English, whose function words and opinions it does not know. In Chinese and Japanese, which
    it has no dictionary of, phrases are runs of two Chinese characters or more, up to
    ``max_words + 1``, without common function words, and words in katakana; of Thai, Lao, Khmer and
    Burmese it mines nothing.

    Args:
        texts: Texts.
        size: The most phrases.
        min_texts: The fewest texts that a phrase must be in.
        max_words: The most words of a phrase.

    Returns:
        Phrases in lower case, those of most texts first, equals in alphabetical order.

    Raises:
        DataError: A single text was given instead of a list.
        SettingsError: A number is below 1.

    >>> mine_lexicon(["The noodle soup was great.", "Great soup, nice staff!", "The staff!"])
    ['soup', 'staff']
    """
    check_at_least_one(size=size, min_texts=min_texts, max_words=max_words)
    check_texts(texts=texts)
    from sklearn.feature_extraction.text import CountVectorizer

    vectorizer = CountVectorizer(analyzer=_phrases(max_words), binary=True, dtype=np.int64)
    try:
        found = vectorizer.fit_transform(texts)
    except ValueError:  # scikit-learn has no empty vocabulary
        return []
    phrases = vectorizer.get_feature_names_out()
    times = np.asarray(found.sum(axis=0)).reshape(-1)
    order = np.lexsort((phrases, -times))
    return [str(phrases[n]) for n in order[:size] if times[n] >= min_texts]


def read_lexicon(path: str | Path) -> list[str]:
    """Read features from a UTF-8 file, one a line.

    Args:
        path: The file. Lines without a word are left out, and so are repetitions.

    Returns:
        Features as their words in lower case, in the order of the file.

    Raises:
        DataError: The file cannot be read or has no feature.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"lexicon {path} cannot be read as UTF-8 text: {error}") from error
    found = dict.fromkeys(phrase(feature_words(line)) for line in lines)
    found.pop("", None)
    if not found:
        raise DataError(f"lexicon {path} has no feature; allowed is one a line, one or more")
    return list(found)


def _phrases(max_words: int) -> Callable[[str], Iterator[str]]:
    """A function from a text to its phrases of at most ``max_words`` words."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    cuts = ENGLISH_STOP_WORDS | SentimentIntensityAnalyzer().lexicon.keys()

    def phrases(text: str) -> Iterator[str]:
        punctuation, words = _ASCII if text.isascii() else _UNICODE
        for part in punctuation.split(text.lower()):
            for cut, run in groupby(words.findall(part), lambda token: _cuts(token, cuts)):
                if not cut:
                    yield from _ngrams(list(run), max_words)
        if not text.isascii():
            yield from unspaced_phrases(text, max_words + 1)

    return phrases


def _cuts(token: str, cuts: Set[str]) -> bool:
    """Whether a token ends a phrase: in the list, a contraction, a number or a single letter."""
    return token in cuts or len(token) == 1 or not (token.isalpha() or _WORD.fullmatch(token))


def _ngrams(tokens: list[str], longest: int) -> Iterator[str]:
    for n in range(1, longest + 1):
        for start in range(len(tokens) - n + 1):
            yield " ".join(tokens[start : start + n])
