"""The features that training texts name: a lexicon, mined from them or given as a file."""

from __future__ import annotations

import numpy as np

from recbole_showcase.data.corpus import TRAIN, ReviewCorpus
from recbole_showcase.errors import DataError
from recbole_showcase.metrics import mine_lexicon
from recbole_showcase.text.sampling import LEXICON_TEXTS, evenly


def mined_lexicon(corpus: ReviewCorpus, size: int) -> list[str]:
    """The features that most training texts name, of very many an even sample.

    Args:
        corpus: The reviews.
        size: The most features.

    Raises:
        DataError: If there is none to mine.
    """
    rows = np.flatnonzero((corpus.interactions.splits == TRAIN) & corpus.has_text)
    texts = corpus.targets[evenly(rows, LEXICON_TEXTS)]
    lexicon = mine_lexicon(list(texts), size=size)
    if not lexicon:
        raise DataError(
            f"no feature to mine from {len(texts)} training texts: none is in two of them; "
            "name a file of features, one a line, in the setting 'showcase_lexicon'"
        )
    return lexicon
