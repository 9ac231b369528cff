"""What people say of texts, against each other, against a judge and against metrics."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from recbole_showcase.errors import DataError
from recbole_showcase.files.replace import replace_text
from recbole_showcase.judging.json_values import as_json
from recbole_showcase.judging.prompts import Criterion
from recbole_showcase.judging.report import Grades
from recbole_showcase.judging.sheets import Key
from recbole_showcase.metrics import krippendorff_alpha, mean_correlation
from recbole_showcase.metrics.agreement import Level

FORMAT = "recbole_showcase agreement 1"
Ratings = dict[str, NDArray[np.float64]]  # by criterion (raters, tasks), NaN where not graded


@dataclass(frozen=True)
class Correlated:
    """How a measure ranks texts beside people's mean grade.

    Attributes:
        measure: ``judge``, or a metric.
        criterion: By which people, and the judge, graded.
        level: ``dataset``: over all texts; ``user``: within each user; ``pair``: within each pair,
            over systems; the latter two are means.
        spearman, kendall: The correlations, NaN where undefined.
        groups: Users or pairs of which there is one, or 1.
    """

    measure: str
    criterion: str
    level: str
    spearman: float
    kendall: float
    groups: int


@dataclass(frozen=True)
class Agreement:
    """Of raters, by criterion.

    Attributes:
        raters: Their names, by their files.
        rated: Grades that were given, by criterion.
        alpha: Krippendorff's alpha by criterion and level of measurement.
        alpha_with_judge: The same with the judge as one more rater, whose grades are no classes:
            ordinal and interval; empty without a judge.
        correlated: Judge and metrics beside the raters' mean.
    """

    raters: list[str]
    rated: dict[str, int]
    alpha: dict[str, dict[str, float]]
    alpha_with_judge: dict[str, dict[str, float]]
    correlated: list[Correlated]


def agreement_of(
    raters: Sequence[str], ratings: Ratings, key: Key, judged: Grades | None = None
) -> Agreement:
    """Compare ratings with each other, with a judge's grades and with metrics.

    Args:
        raters: Names of the raters.
        ratings: By criterion (raters, tasks), in the order of the key.
        key: Of the sheets.
        judged: A judge's grades, if there are any.
    """
    levels: tuple[Level, ...] = get_args(Level)
    correlated: list[Correlated] = []
    with_judge: dict[str, dict[str, float]] = {}
    for criterion, table in ratings.items():
        people = _mean(table)
        measures = _measures(criterion, key, judged)
        for name, values in measures.items():
            correlated += _correlated(name, criterion, values, people, key)
        if judged is not None:
            all_of_them = np.vstack([table, measures["judge"]])
            with_judge[criterion] = {
                level: krippendorff_alpha(all_of_them, level)
                for level in levels
                if level != "nominal"
            }
    return Agreement(
        raters=list(raters),
        rated={name: int((~np.isnan(table)).sum()) for name, table in ratings.items()},
        alpha={
            name: {level: krippendorff_alpha(table, level) for level in levels}
            for name, table in ratings.items()
        },
        alpha_with_judge=with_judge,
        correlated=correlated,
    )


def _mean(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean grade of each task, NaN where nobody gave one."""
    given = (~np.isnan(table)).sum(axis=0)
    return np.where(given > 0, np.nansum(table, axis=0) / np.maximum(given, 1), np.nan)


def _measures(criterion: str, key: Key, judged: Grades | None) -> dict[str, NDArray[np.float64]]:
    """The judge's grades and each metric (tasks,), NaN where there is none."""
    found: dict[str, list[float | None]] = {}
    if judged is not None:
        places = [(task.sha256, (task.user, task.item, task.number)) for task in key.tasks]
        found["judge"] = [judged.get(place, {}).get(criterion) for place in places]
    for name in dict.fromkeys(name for task in key.tasks for name in task.metrics):
        found[name] = [task.metrics.get(name) for task in key.tasks]
    return {
        name: np.array([math.nan if value is None else value for value in values])
        for name, values in found.items()
    }


def _correlated(
    name: str,
    criterion: str,
    values: NDArray[np.float64],
    people: NDArray[np.float64],
    key: Key,
) -> Iterator[Correlated]:
    """A measure at each level."""
    users = np.unique([task.user for task in key.tasks], return_inverse=True)[1]
    named = [(task.user, task.item, task.number) for task in key.tasks]
    numbers = {own: n for n, own in enumerate(dict.fromkeys(named))}
    groups = {"dataset": None, "user": users, "pair": np.array([numbers[own] for own in named])}
    for level, own in groups.items():
        spearman, count = mean_correlation(values, people, "spearman", own)
        kendall, _ = mean_correlation(values, people, "kendall", own)
        yield Correlated(name, criterion, level, spearman, kendall, count)


def read_ratings(
    paths: Sequence[Path], key: Key, criteria: Mapping[str, Criterion]
) -> tuple[list[str], Ratings]:
    """Read filled-in sheets, each of one rater.

    Args:
        paths: CSV files, with a column ``task`` and one for each criterion of the key; an empty
            cell is a text that was not graded.
        key: Of the sheets.
        criteria: By name, with their scales.

    Returns:
        The raters by their files' names, and the grades.

    Raises:
        DataError: A file is none, has a task twice or one that the key has not, or a grade that is
            not on the scale; or nobody gave a grade.
    """
    names = [path.stem for path in paths]
    if len(set(names)) < len(names):
        names = [str(path) for path in paths]
    if len(set(names)) < len(names):
        raise DataError("the same ratings are given twice; allowed: each rater's once")
    places = {task.id: n for n, task in enumerate(key.tasks)}
    found = {name: np.full((len(paths), len(places)), np.nan) for name in key.criteria}
    for rater, path in enumerate(paths):
        for line, row in _rows(path, ["task", *key.criteria]):
            if row["task"] not in places:
                raise DataError(f"{path}, line {line}: task '{row['task']}' is not in the key")
            for name in key.criteria:
                grade = _grade(row[name], criteria[name], f"{path}, line {line}")
                found[name][rater, places[row["task"]]] = grade
    if all(np.isnan(table).all() for table in found.values()):
        raise DataError(f"{paths[0]}: there is no grade in it, nor in the other files")
    return names, found


def _rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a sheet, and their lines; some programs write semicolons for commas."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            file.seek(0)
            comma = ";" if ";" in head and "," not in head else ","
            reader = csv.DictReader(file, delimiter=comma)
            heads = reader.fieldnames or []
            for name in columns:
                if name not in heads:
                    raise DataError(f"{path} has no column '{name}'; it has {', '.join(heads)}")
            seen: set[str] = set()
            for row in reader:
                own = {name: (row[name] or "").strip() for name in columns}
                if own["task"] in seen:
                    said = f"task '{own['task']}' is there twice"
                    raise DataError(f"{path}, line {reader.line_num}: {said}")
                seen.add(own["task"])
                yield reader.line_num, own
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as a CSV of UTF-8: {error}") from error


def _grade(text: str, criterion: Criterion, place: str) -> float:
    """A grade of a cell, NaN of an empty one."""
    if not text:
        return math.nan
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if value not in criterion.grades:
        raise DataError(
            f"{place}, column '{criterion.name}': '{text}'; allowed: a whole number from "
            f"{criterion.low} to {criterion.high}, or nothing"
        )
    return value


def write_agreement(found: Agreement, out: Path) -> None:
    """Write all figures as JSON, whole or not at all; NaN is null."""
    content = {"format": FORMAT, **as_json(asdict(found))}
    replace_text(out, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
