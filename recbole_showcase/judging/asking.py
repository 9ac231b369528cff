"""What is asked of a judge, what it answers, and the grade that an answer gives."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from recbole_showcase.judging.pairs import Results
from recbole_showcase.judging.prompts import Criterion, Message, Prompt

# A grade alone, or as it is asked for; whatever else is said is no answer.
_NUMBER = r"(0|[1-9][0-9]{0,2})"
_ANSWER = re.compile(rf'\s*(?:\{{\s*"score"\s*:\s*{_NUMBER}\s*\}}|{_NUMBER})\s*')
_THOUGHT = "</think>"  # ends what reasoning models think aloud
LEAST_MASS = 0.1  # of a model's next words, that are grades at all


@dataclass(frozen=True)
class Question:
    """One thing to ask.

    Attributes:
        key: Tells it from all that is asked otherwise: words, model and sampling.
        message: The words.
        criterion: What is graded.
        sample: Which of several answers to the same words, from 0.
    """

    key: str
    message: Message
    criterion: Criterion
    sample: int


@dataclass(frozen=True)
class Answer:
    """What a judge said.

    Attributes:
        text: Its words, as they came; of expected grades none.
        expected: The expected grade, of a judge that tells probabilities.
        mass: The probability of all grades together, of such a judge.
        deviation: The standard deviation of the grades by their probabilities, of such a judge.
        model, fingerprint: What an endpoint says that it answered by, None where it does not say.
        prompt_tokens, completion_tokens: What it counts, None where it does not say.
    """

    text: str = ""
    expected: float | None = None
    mass: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    deviation: float | None = None
    model: str | None = None
    fingerprint: str | None = None

    def grade(self, criterion: Criterion) -> float | None:
        """The grade on the criterion's scale; None if there is none, which is never guessed."""
        if self.expected is not None:
            return self.expected if (self.mass or 0.0) >= LEAST_MASS else None
        return parsed_grade(self.text, criterion)


class Judge(Protocol):
    """A language model to ask."""

    samples: int

    def identity(self) -> Mapping[str, Any]:
        """What its answers depend on, as plain data."""
        ...

    def answer(
        self, questions: Iterator[Question], keep: Callable[[Question, Answer], None]
    ) -> None:
        """Answer questions, in any order, each as soon as it is known."""
        ...


def parsed_grade(text: str, criterion: Criterion) -> float | None:
    """The grade that an answer consists of: a whole number of the scale, alone or as JSON.

    What stands before the end of a thought is passed over.
    """
    match = _ANSWER.fullmatch(text.rpartition(_THOUGHT)[2])
    if match is None:
        return None
    value = int(match[1] or match[2])
    return float(value) if value in criterion.grades else None


@dataclass(frozen=True)
class Asking:
    """All that is to be asked about the pairs of several systems.

    Attributes:
        prompt: The words.
        criteria: What is graded.
        identity: The judge's.
        samples: Answers to the same words.
    """

    prompt: Prompt
    criteria: tuple[Criterion, ...]
    identity: Mapping[str, Any]
    samples: int

    def questions(self, results: Iterable[Results]) -> Iterator[Question]:
        """Each question once, though pairs with the same words may ask for it several times."""
        seen: set[str] = set()
        for result in results:
            for pair in result.pairs:
                for criterion in self.criteria:
                    message = self.prompt.message(pair, criterion)
                    for question in () if message is None else self.of(message, criterion):
                        if question.key not in seen:
                            seen.add(question.key)
                            yield question

    def of(self, message: Message, criterion: Criterion) -> list[Question]:
        """The samples of one message."""
        told = json.dumps([self.identity, message.system, message.question, criterion.name])
        words = hashlib.sha256(told.encode())
        keys = (f"{words.hexdigest()[:48]}-{sample}" for sample in range(self.samples))
        return [Question(key, message, criterion, n) for n, key in enumerate(keys)]
