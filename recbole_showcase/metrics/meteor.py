"""METEOR: words of the true text that are found again, and whether they stand together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recbole_showcase.errors import SettingsError
from recbole_showcase.metrics._checks import check_texts, mean
from recbole_showcase.metrics.words import words


def meteor(hypotheses: Sequence[str], references: Sequence[str], *, synonyms: bool) -> float:
    """METEOR, averaged over pairs, times 100.

    Banerjee and Lavie, "METEOR: An Automatic Metric for MT Evaluation with Improved Correlation
    with Human Judgments", 2005, by NLTK, which takes alpha 0.9, beta 3 and gamma 0.5. Words of
    both texts, as :func:`corpus_bleu` has them, are matched as they are, then by Porter stem, then
    as WordNet synonyms, both of which know English; the harmonic mean of precision and recall,
    recall weighing nine times, falls with the number of chunks that the matches stand in. In Python
    throughout.

    Without synonyms nothing is needed from outside, and values are lower than with them: the two
    do not compare.

    Args:
        hypotheses: Generated texts.
        references: True texts, in the same order.
        synonyms: Whether to match WordNet synonyms.

    Returns:
        Between 0 and 100; a pair with an empty text counts 0; NaN if there is no pair.

    Raises:
        DataError: The lengths differ, or a single text was given instead of a list.
        SettingsError: Synonyms are asked for and NLTK's WordNet data is not installed.

    >>> round(meteor(["the soups was good"], ["the soup was good"], synonyms=False), 2)
    99.22
    """
    return mean(meteor_values(hypotheses, references, synonyms=synonyms))


def meteor_values(
    hypotheses: Sequence[str], references: Sequence[str], *, synonyms: bool
) -> NDArray[np.float64]:
    """:func:`meteor` of each pair, shape (N,)."""
    check_texts(hypotheses=hypotheses, references=references)
    wordnet = _CachedSynonyms(load_wordnet()) if synonyms else _NoSynonyms()
    from nltk.translate.meteor_score import single_meteor_score

    stemmer = _CachedStemmer()
    return 100.0 * np.array(
        [
            single_meteor_score(words(true), words(text), stemmer=stemmer, wordnet=wordnet)
            for text, true in zip(hypotheses, references, strict=True)
        ],
        dtype=np.float64,
    )


def load_wordnet() -> Any:
    """NLTK's reader of WordNet.

    Raises:
        SettingsError: If the data is not installed, with the command that installs it.
    """
    import nltk.corpus

    try:
        nltk.corpus.wordnet.ensure_loaded()
    except LookupError as error:
        raise SettingsError(
            "METEOR matches synonyms by NLTK's WordNet data, which is not installed: run "
            "'python -m nltk.downloader wordnet', or use METEOR without synonyms (METEORStem)"
        ) from error
    return nltk.corpus.wordnet


class _NoSynonyms:
    """A WordNet in which no word has a synonym."""

    def synsets(self, word: str) -> list[Any]:
        return []


@dataclass(frozen=True)
class _Synset:
    """What the matching asks of a set of synonyms."""

    names: tuple[Any, ...]

    def lemmas(self) -> tuple[Any, ...]:
        return self.names


class _CachedSynonyms:
    """WordNet, where each different word is looked up once."""

    def __init__(self, wordnet: Any) -> None:
        self._wordnet = wordnet
        self.synsets = lru_cache(maxsize=None)(self._look_up)

    def _look_up(self, word: str) -> list[_Synset]:
        return [_Synset(tuple(found.lemmas())) for found in self._wordnet.synsets(word)]


class _CachedStemmer:
    """NLTK's Porter stemmer, which stems each different word once."""

    def __init__(self) -> None:
        from nltk.stem.porter import PorterStemmer

        self.stem = lru_cache(maxsize=None)(PorterStemmer().stem)
