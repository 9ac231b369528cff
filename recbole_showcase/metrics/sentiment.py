"""How positive a text is, by a lexicon of words."""

from __future__ import annotations

from collections.abc import Sequence

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
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    score = SentimentIntensityAnalyzer().polarity_scores
    return np.array([score(text)["compound"] for text in texts], dtype=np.float64)
