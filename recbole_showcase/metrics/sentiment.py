"""How positive a text is, by a lexicon of words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec, module_from_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recbole_showcase.metrics._checks import check_texts


def sentiment(texts: Sequence[str]) -> NDArray[np.float64]:
    """VADER's compound score of each text.

    Hutto and Gilbert, "VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social
    Media Text", ICWSM 2014, by the authors' package, which brings its lexicon of English words.

    Args:
        texts: N texts.

    Returns:
        From -1, negative, to 1, positive (N,); 0 for a text without a word of the lexicon.

    Raises:
        DataError: A single text was given instead of a list.

    >>> sentiment(["The soup was great!", "The soup.", "The soup was not great."]).round(2).tolist()
    [0.66, 0.0, -0.51]
    """
    check_texts(texts=texts)
    different = dict.fromkeys(texts)
    score = _analyzer().polarity_scores
    values = {text: score(text)["compound"] for text in different}
    return np.array([values[text] for text in texts], dtype=np.float64)


@lru_cache(maxsize=1)
def _analyzer() -> Any:
    """VADER's analyzer, which remembers which words negate.

    For each opinion it goes through all negations with each word before it, a quarter of its time.
    Its module is loaded once more for that, so that the package itself stays as others import it.
    """
    spec = find_spec("vaderSentiment.vaderSentiment")
    if spec is None or spec.loader is None:
        raise ImportError("vaderSentiment is not installed")
    vader: Any = module_from_spec(spec)
    spec.loader.exec_module(vader)
    negated = lru_cache(maxsize=2**16)(vader.negated)
    vader.negated = lambda words: negated(tuple(words))
    return vader.SentimentIntensityAnalyzer()
