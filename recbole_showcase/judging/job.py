"""Judges the pairs of several systems: what is left to ask is asked, the rest is at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from logging import getLogger
from pathlib import Path
from statistics import stdev

from recbole_showcase.console import progress_bar
from recbole_showcase.errors import DataError
from recbole_showcase.files.replace import require_replaceable
from recbole_showcase.judging.asking import Answer, Asking, Judge, Question
from recbole_showcase.judging.kept import KeptAnswers
from recbole_showcase.judging.pairs import Pair, Results
from recbole_showcase.judging.prompts import Criterion, Prompt

_NAMED = 5  # models that a warning lists


@dataclass(frozen=True)
class Verdict:
    """What a judge says of one pair by one criterion.

    Attributes:
        grades: Of each answer, None where it is no grade.
        masses: Of each answer, the probability of any grade; None of judges that write.
        deviations: Of each answer, the standard deviation of the grades; None of the same.
    """

    grades: tuple[float | None, ...]
    masses: tuple[float | None, ...]
    deviations: tuple[float | None, ...] = ()

    @property
    def known(self) -> list[float]:
        """The grades that there are."""
        return [grade for grade in self.grades if grade is not None]

    @property
    def mean(self) -> float | None:
        """Their mean; None without one."""
        return sum(self.known) / len(self.known) if self.known else None

    @property
    def spread(self) -> float | None:
        """How far the grades are apart: of those of several answers the standard deviation (n - 1).

        Of a judge that tells probabilities it is that of the grades by these. None where an answer
        is the only one and tells none.
        """
        if len(self.known) > 1:
            return stdev(self.known)
        told = [
            d for d, grade in zip(self.deviations, self.grades, strict=False) if grade is not None
        ]
        return told[0] if told else None


@dataclass(frozen=True)
class Cost:
    """What all answers that the verdicts rest on took, whenever they were asked for.

    Attributes:
        answers: How many there are.
        asked: Those that were asked for just now.
        prompt_tokens, completion_tokens: Of the answers that tell.
        untold: Answers that tell no tokens.
    """

    answers: int
    asked: int
    prompt_tokens: int
    completion_tokens: int
    untold: int


@dataclass(frozen=True)
class Judged:
    """The verdicts on all pairs.

    Attributes:
        results: What was judged.
        criteria: By what.
        verdicts: By system and pair, the verdict of each criterion; None where the pair lacks what
            the criterion reads.
        cost: Of the answers.
        models, fingerprints: What the judge says that the answers are by, each once, sorted; none
            of a judge that does not say.
    """

    results: tuple[Results, ...]
    criteria: tuple[Criterion, ...]
    verdicts: tuple[tuple[dict[str, Verdict | None], ...], ...]
    cost: Cost
    models: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()


def answers_file(out: Path) -> Path:
    """Where the answers are kept that the verdicts of ``out`` rest on."""
    return out.with_suffix(".answers.jsonl")


def judge_results(
    results: Sequence[Results],
    judge: Judge,
    prompt: Prompt,
    criteria: Sequence[Criterion],
    out: Path,
    *,
    progress: bool = True,
) -> Judged:
    """Ask a judge for what is not kept yet beside ``out``.

    Args:
        results: Of one system or several.
        judge: Whom to ask.
        prompt: The words.
        criteria: What is graded.
        out: The file that verdicts will be written to.
        progress: Whether to show a bar.

    Raises:
        DataError: No pair has what a criterion reads, or the kept answers cannot be read.
        JudgeError: The judge cannot be asked; answers so far are kept.
    """
    require_replaceable(out)
    asking = Asking(prompt, tuple(criteria), judge.identity(), judge.samples)
    wanted = [question.key for question in asking.questions(results)]
    if not wanted:
        reads = ", ".join(sorted({name for own in criteria for name in own.reads}) or ["a text"])
        raise DataError(f"no pair has what the criteria read: {reads}")
    with KeptAnswers.opened(answers_file(out)) as kept:
        left = {key for key in wanted if key not in kept}
        with progress_bar(
            total=len(wanted),
            initial=len(wanted) - len(left),
            desc="judging",
            unit="answer",
            shown=progress,
        ) as bar:

            def keep(question: Question, answer: Answer) -> None:
                kept.add(question.key, answer)
                bar.update(1)

            if left:
                judge.answer((q for q in asking.questions(results) if q.key in left), keep)
        verdicts = tuple(
            tuple(_verdicts(asking, pair, kept) for pair in result.pairs) for result in results
        )
        answers = [kept[key] for key in wanted]
    return Judged(
        tuple(results),
        asking.criteria,
        verdicts,
        _cost(answers, len(left)),
        _one_of("model", [answer.model for answer in answers]),
        _one_of("fingerprint", [answer.fingerprint for answer in answers]),
    )


def _one_of(what: str, told: Sequence[str | None]) -> tuple[str, ...]:
    """What answers name, each once; a warning where it is not the same of all."""
    found = tuple(sorted({name for name in told if name is not None}))
    if len(found) > 1:
        getLogger().warning(
            f"the answers are of more than one {what}: {', '.join(found[:_NAMED])}"
            f"{', …' * (len(found) > _NAMED)}; grades of different ones do not compare"
        )
    return found


def _verdicts(asking: Asking, pair: Pair, kept: KeptAnswers) -> dict[str, Verdict | None]:
    """What the kept answers say of a pair."""
    found: dict[str, Verdict | None] = {}
    for criterion in asking.criteria:
        message = asking.prompt.message(pair, criterion)
        if message is None:
            found[criterion.name] = None
            continue
        answers = [kept[question.key] for question in asking.of(message, criterion)]
        found[criterion.name] = Verdict(
            tuple(answer.grade(criterion) for answer in answers),
            tuple(answer.mass for answer in answers),
            tuple(answer.deviation for answer in answers),
        )
    return found


def _cost(answers: Sequence[Answer], asked: int) -> Cost:
    told = [answer for answer in answers if answer.prompt_tokens is not None]
    return Cost(
        answers=len(answers),
        asked=asked,
        prompt_tokens=sum(answer.prompt_tokens or 0 for answer in told),
        completion_tokens=sum(answer.completion_tokens or 0 for answer in told),
        untold=len(answers) - len(told),
    )
