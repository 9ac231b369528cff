"""Where sentences end: one rule for distilling, for metrics and for the demo world."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import regex

# A mark that Unicode calls the end of a sentence (STerm), or an ellipsis, and white space; Chinese
# and Japanese have no white space behind theirs, but may have more marks and closing quotes.
_SENTENCE_END = regex.compile(
    r"(?<=[\p{STerm}…])\s+|(?<=[。！？｡][」』”’）]*)(?![。！？｡」』”’）…])\s*", regex.V1
)


# A text whose end is seen, so that one that follows it is another sentence.
_ENDED = regex.compile(r"[\p{STerm}…]$", regex.V1)
_WIDE_END = regex.compile(r"[。！？｡][」』”’）]*$", regex.V1)


def join_sentences(sentences: Sequence[str]) -> str:
    """A text of sentences that can be told apart again, their words as they are.

    Between Chinese and Japanese sentences stands no space. A sentence that ends in no mark gets an
    ellipsis, such as stands for what a quotation leaves out.

    >>> join_sentences(["The soup was great!", "sat outside", "Nice."])
    'The soup was great! sat outside … Nice.'
    >>> join_sentences(["面很好吃。", "会的！！"])
    '面很好吃。会的！！'
    """
    text = ""
    for sentence in sentences:
        if text and not _WIDE_END.search(text):
            text += " " if _ENDED.search(text) else " … "
        text += sentence
    return text


def split_sentences(texts: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """The sentences of texts, and the text (S,) that each is from.

    >>> split_sentences(["The soup was great! We sat outside.", ""])
    (['The soup was great!', 'We sat outside.'], array([0, 0]))
    >>> split_sentences(["面很好吃。会的！！"])[0]
    ['面很好吃。', '会的！！']
    """
    sentences = sentences_of(texts)
    owners = np.repeat(np.arange(len(texts)), [len(found) for found in sentences])
    return [sentence for found in sentences for sentence in found], owners


def sentences_of(texts: Sequence[str]) -> list[list[str]]:
    """The sentences of each text.

    >>> sentences_of(["The soup was great! We sat outside.", ""])
    [['The soup was great!', 'We sat outside.'], []]
    """
    return [[s for s in _SENTENCE_END.split(text) if s.strip()] for text in texts]
