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
