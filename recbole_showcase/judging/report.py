"""Verdicts as a file and as a table: means, intervals over users, and paired differences."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recbole_showcase.errors import DataError
from recbole_showcase.files.replace import replace_text
from recbole_showcase.judging.job import Judged, Verdict
from recbole_showcase.judging.json_values import as_json
from recbole_showcase.judging.pairs import PairKey, Results
from recbole_showcase.judging.prompts import Prompt
from recbole_showcase.metrics import Comparison, holm, paired_bootstrap
from recbole_showcase.resources import __version__
from recbole_showcase.settings import stored_as

FORMAT = "recbole_showcase verdicts 1"


@dataclass(frozen=True)
class Graded:
    """How one system fares by one criterion.

    Attributes:
        mean: Over the pairs that have a grade, each the mean of its answers; NaN of none.
        low, high: The 95 % interval of the mean, over users; NaN of too few.
        spread: Standard deviation (n - 1) of the answers about one pair, of a judge that tells
            probabilities that of the grades by these; the mean over pairs, NaN where none has one.
        pairs: Pairs with a grade.
        users: Their users.
        unread: Pairs that lack what the criterion reads.
        answers: Answers that were given.
        ungraded: Those that are no grade.
        mass: The mean probability of any grade, NaN of judges that write.
    """

    mean: float
    low: float
    high: float
    spread: float
    pairs: int
    users: int
    unread: int
    answers: int
    ungraded: int
    mass: float


@dataclass(frozen=True)
class Difference:
    """Two systems on the pairs that both have, by one criterion.

    Attributes:
        first, second: Their names.
        criterion: Its name.
        pairs: Pairs that have a grade on both sides.
        comparison: First minus second, by the paired bootstrap over users.
        corrected: p among all differences of the file, by Holm.
    """

    first: str
    second: str
    criterion: str
    pairs: int
    comparison: Comparison
    corrected: float


@dataclass(frozen=True)
class Report:
    """All figures: by system and criterion, and between systems."""

    graded: dict[str, dict[str, Graded]]
    differences: list[Difference]


def report_of(judged: Judged) -> Report:
    """Means with their intervals, and the differences between every two systems."""
    values = [
        {c.name: _means(own, c.name) for c in judged.criteria} for own in judged.verdicts
    ]  # by system and criterion (N,), NaN without a grade
    graded = {
        result.name: {
            c.name: _graded(result, own[c.name], [v[c.name] for v in verdicts])
            for c in judged.criteria
        }
        for result, own, verdicts in zip(judged.results, values, judged.verdicts, strict=True)
    }
    found = [
        _difference(
            judged.results[a], judged.results[b], c.name, values[a][c.name], values[b][c.name]
        )
        for a, b in combinations(range(len(values)), 2)
        for c in judged.criteria
    ]
    known = [own for own in found if own is not None]
    corrected = holm([own.comparison.p for own in known])
    differences = [
        Difference(o.first, o.second, o.criterion, o.pairs, o.comparison, p)
        for o, p in zip(known, corrected, strict=True)
    ]
    return Report(graded, differences)


def _means(verdicts: Sequence[Mapping[str, Verdict | None]], name: str) -> NDArray[np.float64]:
    found = (own[name] for own in verdicts)
    means = (None if verdict is None else verdict.mean for verdict in found)
    return np.array([math.nan if mean is None else mean for mean in means])


def _graded(
    result: Results, values: NDArray[np.float64], verdicts: Sequence[Verdict | None]
) -> Graded:
    users = np.array([pair.user for pair in result.pairs])
    interval = paired_bootstrap(values, np.zeros(len(values)), users)
    given = [verdict for verdict in verdicts if verdict is not None]
    spreads = [own for v in given if (own := v.spread) is not None]
    grades = [grade for verdict in given for grade in verdict.grades]
    masses = [mass for verdict in given for mass in verdict.masses if mass is not None]
    there = ~np.isnan(values)
    return Graded(
        mean=float(values[there].mean()) if there.any() else math.nan,
        low=interval.low,
        high=interval.high,
        spread=float(np.mean(spreads)) if spreads else math.nan,
        pairs=int(there.sum()),
        users=len(np.unique(users[there])),
        unread=len(verdicts) - len(given),
        answers=len(grades),
        ungraded=grades.count(None),
        mass=float(np.mean(masses)) if masses else math.nan,
    )


def _difference(
    first: Results,
    second: Results,
    criterion: str,
    one: NDArray[np.float64],
    other: NDArray[np.float64],
) -> Difference | None:
    """Of the pairs that both have a grade of; None if there are none."""
    places: dict[PairKey, int] = {key: n for n, key in enumerate(second.pair_keys())}
    both = [(n, places[key]) for n, key in enumerate(first.pair_keys()) if key in places]
    known = [(a, b) for a, b in both if not (math.isnan(one[a]) or math.isnan(other[b]))]
    if not known:
        return None
    here, there = map(list, zip(*known, strict=True))
    users = [first.pairs[n].user for n in here]
    found = paired_bootstrap(one[here], other[there], users)
    return Difference(first.name, second.name, criterion, len(known), found, math.nan)


def write_verdicts(
    judged: Judged, report: Report, prompt: Prompt, identity: Mapping[str, Any], out: Path
) -> None:
    """Write all that is known, whole or not at all; NaN is null."""
    content = {
        "format": FORMAT,
        "package_version": __version__,
        "judge": {
            **identity,
            "samples": max(len(v.grades) for v in _all_verdicts(judged)),
            "answered_models": list(judged.models),
            "answered_fingerprints": list(judged.fingerprints),
            "prompt_version": prompt.version,
            "prompt_sha256": prompt.digest,
            "criteria": {c.name: {"low": c.low, "high": c.high} for c in judged.criteria},
        },
        "cost": {key: value for key, value in asdict(judged.cost).items() if key != "asked"},
        "systems": [
            {
                "name": result.name,
                "path": str(result.path),
                "sha256": result.digest,
                "criteria": {n: asdict(own) for n, own in report.graded[result.name].items()},
                "pairs": [
                    {"user": user, "item": item, "number": number, **_verdict_lines(own)}
                    for (user, item, number), own in zip(result.pair_keys(), verdicts, strict=True)
                ],
            }
            for result, verdicts in zip(judged.results, judged.verdicts, strict=True)
        ],
        "differences": [asdict(own) for own in report.differences],
    }
    replace_text(out, json.dumps(as_json(content), indent=1, ensure_ascii=False) + "\n")


def _all_verdicts(judged: Judged) -> list[Verdict]:
    return [v for own in judged.verdicts for pair in own for v in pair.values() if v is not None]


def _verdict_lines(verdicts: Mapping[str, Verdict | None]) -> dict[str, Any]:
    """Mean grades by criterion, and the grades that they are of."""
    there = {name: own for name, own in verdicts.items() if own is not None}
    return {
        "grades": {name: own.mean for name, own in there.items()},
        "answers": {name: list(own.grades) for name, own in there.items()},
    }


@dataclass(frozen=True)
class _Pair:
    user: str
    item: str
    number: int
    grades: dict[str, float | None]


@dataclass(frozen=True)
class _System:
    sha256: str
    pairs: list[_Pair]


@dataclass(frozen=True)
class _File:
    format: str
    systems: list[_System]


Grades = dict[tuple[str, PairKey], dict[str, float | None]]  # by digest of results, and pair


def read_grades(path: Path) -> Grades:
    """The mean grades of each pair of a file of verdicts.

    Raises:
        DataError: It is none, or is damaged.
    """
    try:
        found = stored_as(_File, path.read_bytes())
        if found.format != FORMAT:
            raise ValueError(f"its format is '{found.format}', not '{FORMAT}'")
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as verdicts: {error}") from error
    return {
        (system.sha256, (pair.user, pair.item, pair.number)): pair.grades
        for system in found.systems
        for pair in system.pairs
    }
