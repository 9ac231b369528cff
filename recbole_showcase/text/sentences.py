"""Where sentences end: one rule for distilling, for metrics and for the demo world."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def split_sentences(texts: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """The sentences of texts, and the text (S,) that each is from.

    >>> split_sentences(["The soup was great! We sat outside.", ""])
    (['The soup was great!', 'We sat outside.'], array([0, 0]))
    """
    sentences = [[s for s in _SENTENCE_END.split(text) if s.strip()] for text in texts]
    owners = np.repeat(np.arange(len(texts)), [len(found) for found in sentences])
    return [sentence for found in sentences for sentence in found], owners
