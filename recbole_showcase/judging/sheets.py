"""Sheets for people who grade the same texts as the judge, without knowing whose they are."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from recbole_showcase.errors import DataError
from recbole_showcase.files.replace import replaced_folder
from recbole_showcase.files.spreadsheets import as_cell
from recbole_showcase.gallery.page import environment
from recbole_showcase.judging.pair_metrics import pair_metrics
from recbole_showcase.judging.pairs import Pair, PairKey, Results
from recbole_showcase.judging.prompts import Criterion, Prompt, material_of
from recbole_showcase.settings import stored_as

FORMAT = "recbole_showcase sheets 1"
KEY = "key.json"
_ID = 8  # hexadecimal digits of a task
_PACKAGE = "recbole_showcase.judging"


@dataclass(frozen=True)
class Task:
    """One text to grade; which system wrote it stands in the key alone.

    Attributes:
        id: What sheets call it.
        system: The name of its system.
        sha256: The digest of the system's results.
        user, item, number: Which pair it is of.
        metrics: Values of metrics of the pair, None where undefined.
    """

    id: str
    system: str
    sha256: str
    user: str
    item: str
    number: int
    metrics: dict[str, float | None]


@dataclass(frozen=True)
class Key:
    """What sheets were made of.

    Attributes:
        format: Of the file.
        seed: Of the draw and the orders.
        prompt_version: Whose criteria they ask by.
        criteria: Names of these.
        tasks: All texts.
    """

    format: str
    seed: int
    prompt_version: int
    criteria: list[str]
    tasks: list[Task]


def write_sheets(
    results: Sequence[Results],
    prompt: Prompt,
    criteria: Sequence[Criterion],
    out: Path,
    *,
    raters: int,
    pairs: int,
    seed: int = 0,
) -> int:
    """Write a CSV and a page for each rater, and the key, to a folder that must not be there.

    All raters grade the same texts, each in another order.

    Args:
        results: Of one system or several; drawn from are pairs that all of them have.
        prompt: Whose criteria and titles.
        criteria: What is graded.
        out: The folder.
        raters: How many.
        pairs: The most pairs.
        seed: Of the draw and the orders.

    Returns:
        The number of pairs.

    Raises:
        DataError: The folder is there, or no pair has a text by all systems and what is read.
    """
    if out.exists():
        raise DataError(f"'{out}' is there already, and may hold grades; name another folder")
    random = np.random.default_rng(seed)
    keys = _common(results, criteria)
    if not keys:
        raise DataError("no pair has a text by every system and what all criteria read")
    chosen = [keys[n] for n in random.permutation(len(keys))[:pairs]]
    shown = _tasks(results, chosen, random)
    key = Key(
        FORMAT, seed, prompt.version, [own.name for own in criteria], [task for task, _ in shown]
    )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"'{out}' cannot be made: {error.strerror}") from error
    with replaced_folder(out) as partial:
        for rater in range(1, raters + 1):
            order = [shown[n] for n in random.permutation(len(shown))]
            rows = [(task.id, _material(pair, criteria, prompt)) for task, pair in order]
            name = f"rater-{rater}"
            (partial / f"{name}.csv").write_text(_csv(rows, criteria), encoding="utf-8")
            (partial / f"{name}.html").write_text(_page(name, rows, criteria), encoding="utf-8")
        text = json.dumps(asdict(key), indent=1, ensure_ascii=False, allow_nan=False)
        (partial / KEY).write_text(text + "\n", encoding="utf-8")
    return len(chosen)


def read_key(path: Path) -> Key:
    """Read the key of some sheets.

    Raises:
        DataError: It is none, or is damaged.
    """
    try:
        found: Key = stored_as(Key, path.read_bytes())
        if found.format != FORMAT:
            raise ValueError(f"its format is '{found.format}', not '{FORMAT}'")
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as the key of sheets: {error}") from error
    return found


def _common(results: Sequence[Results], criteria: Sequence[Criterion]) -> list[PairKey]:
    """Pairs that all systems have a text for and that have what is read, in the first's order."""
    usable = [
        {
            key
            for key, pair in zip(result.pair_keys(), result.pairs, strict=True)
            if pair.text.strip() and all(material_of(pair, own.reads) for own in criteria)
        }
        for result in results
    ]
    both = set.intersection(*usable)
    return [key for key in results[0].pair_keys() if key in both]


def _tasks(
    results: Sequence[Results], chosen: Sequence[PairKey], random: np.random.Generator
) -> list[tuple[Task, Pair]]:
    """A task for each system and pair, by names that say nothing."""
    found: list[tuple[Task, Pair]] = []
    ids: set[str] = set()
    for result in results:
        places = {key: n for n, key in enumerate(result.pair_keys())}
        pairs = [result.pairs[places[key]] for key in chosen]
        metrics = pair_metrics(pairs)
        for n, (key, pair) in enumerate(zip(chosen, pairs, strict=True)):
            # Begins with a letter: a spreadsheet would make a number of 12345e67.
            while (name := f"t{random.bytes(_ID // 2).hex()}") in ids:
                pass
            ids.add(name)
            own = metrics[n]
            found.append((Task(name, result.name, result.digest, *key, metrics=own), pair))
    return found


def _material(
    pair: Pair, criteria: Sequence[Criterion], prompt: Prompt
) -> list[tuple[str, tuple[str, ...]]]:
    """What a rater sees of a pair, by title: what any criterion reads, and the text last."""
    reads = dict.fromkeys(name for own in criteria for name in own.reads)
    material = material_of(pair, list(reads)) or {}
    return [(prompt.titles[name], texts) for name, texts in material.items()]


Rows = Sequence[tuple[str, Sequence[tuple[str, tuple[str, ...]]]]]


def _csv(rows: Rows, criteria: Sequence[Criterion]) -> str:
    """A line a task, with empty columns for the grades."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    titles = [title for title, _ in rows[0][1]]
    writer.writerow(["task", *titles, *(own.name for own in criteria)])
    for name, material in rows:
        shown = (as_cell(" | ".join(texts)) for _, texts in material)
        writer.writerow([name, *shown, *[""] * len(criteria)])
    return text.getvalue()


def _page(name: str, rows: Rows, criteria: Sequence[Criterion]) -> str:
    """A page that works from a disk, without a request to anywhere."""
    script = (files(_PACKAGE) / "templates" / "sheet.js").read_text(encoding="utf-8")
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    ids = ",".join(sorted(task for task, _ in rows))
    data: Mapping[str, Any] = {
        "name": name,
        "rows": rows,
        "criteria": criteria,
        "script": Markup(script),  # ours
        "script_digest": digest,
        "sheet": hashlib.sha256(f"{name} {ids}".encode()).hexdigest()[:16],
    }
    return environment(_PACKAGE).get_template("sheet.html").render(data)
