"""Entities of texts (dishes, objects), and texts in which they are replaced by others.

Entities are noun phrases: the noun chunks of a spaCy pipeline where one is named, else runs of
nouns as TextBlob's rule-based tagger sees them, which ships its lexicon and needs no download.

TextBlob's tagger knows English. Where a language has no spaces, runs of characters stand in for
nouns; in any other a word that it does not know is a noun to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import regex

from recbole_showcase.errors import SettingsError, refusal_of
from recbole_showcase.metrics.words import SPACED, UNSPACED_WORD, unspaced_phrases
from recbole_showcase.text.pieces import Recall, pieces

_PART = rf"(?!\p{{M}}|\p{{Join_Control}})[{SPACED}--_]+"
_WORD = regex.compile(rf"{UNSPACED_WORD}|{_PART}(?:['’\-]{_PART})*", regex.V1)
_UNSPACED = regex.compile(UNSPACED_WORD, regex.V1)
_MOST_WORDS = 4
_PLURAL = frozenset({"NNS", "NNPS"})
_NOUN = frozenset({"NN", "NNP"}) | _PLURAL

# A noun phrase in lower case, and whether it is plural.
Phrase = tuple[str, bool]
Chunker = Callable[[Sequence[str]], Iterator[list[Phrase]]]


class Mention(NamedTuple):
    """Where a text names an entity.

    Attributes:
        start, end: Characters of the text.
        phrase: Number of the entity in the lexicon.
    """

    start: int
    end: int
    phrase: int


class _Word(NamedTuple):
    """A word of a piece of a text.

    Attributes:
        text: In lower case.
        longest: Words of the longest phrase that begins with it, 0 where none does.
        start, end: Characters, counted from the end of the piece.
    """

    text: str
    longest: int
    start: int
    end: int


class EntityLexicon:
    """Noun phrases of a data set, found again in texts by their words.

    Attributes:
        phrases: The phrases in lower case, most frequent first.
        plural: Whether each of them is plural (N,), bool.
    """

    def __init__(self, phrases: Sequence[str], plural: Sequence[bool]) -> None:
        """Keep the phrases, no two of them alike."""
        self.phrases = list(phrases)
        self.plural = np.array(plural, dtype=bool)
        self._number = {tuple(_words(phrase)): n for n, phrase in enumerate(self.phrases)}
        self._longest: dict[str, int] = {}  # words of the longest phrase that begins with a word
        for words in filter(None, self._number):
            self._longest[words[0]] = max(self._longest.get(words[0], 0), len(words))
        self._alike = [np.flatnonzero(self.plural == number).tolist() for number in (False, True)]
        self._words = Recall(self._words_of)

    @classmethod
    def mine(
        cls, texts: Sequence[str], pipeline: str | None = None, min_count: int = 2
    ) -> EntityLexicon:
        """Collect the noun phrases of texts.

        Args:
            texts: Texts of the training split.
            pipeline: An installed spaCy pipeline by name or path; None for TextBlob's tagger.
            min_count: How many texts must name a phrase.

        Raises:
            SettingsError: If spaCy or the pipeline is not installed.
        """
        chunks = spacy_chunks(pipeline) if pipeline else tagged_chunks
        counts: Counter[Phrase] = Counter()
        for phrases in chunks(texts):
            counts.update(list(dict.fromkeys(phrases)))  # a set has another order in every process
        number: dict[str, bool] = {}
        for (phrase, plural), count in counts.most_common():
            if count >= min_count and _is_name(phrase):
                number.setdefault(phrase, plural)
        return cls(list(number), list(number.values()))

    def __len__(self) -> int:
        """The number of phrases."""
        return len(self.phrases)

    def find(self, text: str) -> list[Mention]:
        """Where a text names phrases, in whole words; at each place the longest one counts."""
        parts = pieces(text)
        ends = accumulate(map(len, parts))
        of_parts = self._words.of([parts])[0]
        words = [(end, word) for end, own in zip(ends, of_parts, strict=True) for word in own]
        found, free = [], 0
        for place, (end, word) in enumerate(words):
            if not word.longest or place < free:
                continue
            for length in range(min(word.longest, len(words) - place), 0, -1):
                last_end, last = words[place + length - 1]
                number = self._number.get(tuple([w.text for _, w in words[place : place + length]]))
                if number is not None:
                    found.append(Mention(end + word.start, last_end + last.end, number))
                    free = place + length
                    break
        return found

    def _words_of(self, parts: Sequence[str]) -> list[list[_Word]]:
        """The words of each of some pieces of texts."""
        return [
            [
                _Word(
                    word := match[0].lower(),
                    self._longest.get(word, 0),
                    match.start() - len(piece),
                    match.end() - len(piece),
                )
                for match in _WORD.finditer(piece)
            ]
            for piece in parts
        ]

    def replace(
        self, text: str, mentions: Sequence[Mention], random: np.random.Generator
    ) -> str | None:
        """The text with each of its entities replaced by another of the same number.

        No replacement is an entity of the text, whether at that place or at another.

        Args:
            text: The text.
            mentions: What :meth:`find` found in it.
            random: Draws the replacements.

        Returns:
            The new text, or None where nothing can be replaced.
        """
        own = {mention.phrase for mention in mentions}
        parts, end = [], 0
        for mention in mentions:
            other = self._draw(mention, own, random)
            if other is not None:
                word = text[mention.start : mention.end]
                other = other[0].upper() + other[1:] if word[0].isupper() else other
                parts += [text[end : mention.start], other]
                end = mention.end
        return "".join([*parts, text[end:]]) if parts else None

    def _draw(self, mention: Mention, own: set[int], random: np.random.Generator) -> str | None:
        """Another phrase of the same number, or None where there is none."""
        alike = self._alike[int(self.plural[mention.phrase])]
        if len(alike) <= len(own) and set(alike) <= own:
            return None
        while (drawn := alike[random.integers(len(alike))]) in own:
            pass
        return self.phrases[drawn]


def tagged_chunks(texts: Sequence[str]) -> Iterator[list[Phrase]]:
    """Runs of nouns in texts by TextBlob's tagger, the last noun telling the number.

    In a language without spaces they are what may be a name (:func:`unspaced_phrases`), never
    plural.
    """
    from textblob.taggers import PatternTagger

    tagger = PatternTagger()
    for text in texts:
        names = unspaced_phrases(text, _MOST_WORDS)
        yield [*_noun_runs(tagger.tag(text)), *((name, False) for name in names)]


def _noun_runs(tagged: Iterable[tuple[str, str]]) -> Iterator[Phrase]:
    run: list[str] = []
    plural = False
    for word, tag in [*tagged, ("", "")]:
        if tag in _NOUN and _WORD.fullmatch(word) and not _UNSPACED.match(word):
            run.append(word.lower())
            plural = tag in _PLURAL
        elif run:
            yield " ".join(run), plural
            run = []


def spacy_chunks(pipeline: str) -> Chunker:
    """Noun chunks by a spaCy pipeline, without articles, pronouns and numbers at their front.

    Raises:
        SettingsError: If spaCy or the pipeline is not installed.
    """
    try:
        import spacy

        nlp = spacy.load(pipeline)
    except ImportError as error:
        raise SettingsError(
            f"setting 'showcase_entities' is '{pipeline}', a spaCy pipeline, and spaCy is not "
            "installed; allowed: pip install 'recbole_showcase[spacy]', or an empty setting"
        ) from error
    except Exception as error:  # of a damaged folder spaCy's parts raise their own
        raise SettingsError(
            f"setting 'showcase_entities' is '{pipeline}', which is no installed spaCy pipeline; "
            f"allowed: the name of one, its folder, or an empty setting ({refusal_of(error)})"
        ) from error

    def chunks(texts: Sequence[str]) -> Iterator[list[Phrase]]:
        for document in nlp.pipe(texts):
            phrases = []
            for chunk in document.noun_chunks:
                words = [w for w in chunk if w.pos_ not in ("DET", "PRON", "NUM", "PUNCT")]
                if words:
                    phrase = " ".join(w.text.lower() for w in words)
                    phrases.append((phrase, words[-1].tag_ in _PLURAL))
            yield phrases

    return chunks


def _is_name(phrase: str) -> bool:
    """Whether a phrase is short enough to be looked for, and more than a stray letter."""
    words = _words(phrase)
    if _UNSPACED.match(phrase):
        return len(words) <= _MOST_WORDS and len(phrase) > 1
    return 0 < len(words) <= _MOST_WORDS and max(map(len, words)) > 2


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]
