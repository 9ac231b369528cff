"""Which RecBole models work as a base: tries every one and writes the table of docs/models.md.

    python -m benchmarks.bases --work bases-runs [--again] [MODEL ...]

A trial trains ``Showcase<model>`` for an epoch a stage on a small data set with photos, texts,
features and a knowledge graph, tests it, generates, saves, loads back, and compares the outputs.
Each has a process of its own and a time limit. Finished trials are kept in the work folder and
are not repeated, those that failed only with ``--again``.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import os
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

import recbole_showcase  # noqa: F401 - registers when RecBole is imported
from recbole_showcase.files.replace import replace_text
from tests.bases import FAMILIES, model_names, try_base, write_rich_world
from tests.tiny import TinyWorld

DOCS = Path(__file__).parents[1] / "docs" / "models.md"
PRELOADED = [
    "recbole_showcase",
    "recbole.quick_start",
    "recbole_showcase.composed.model",
    "recbole_showcase.composed.trainer",
    "recbole_showcase.composed.dataset",
    "transformers.models.gpt2.modeling_gpt2",
]
START, END = "<!-- table: benchmarks/bases.py -->", "<!-- end of table -->"


def trial(model: str, work: Path) -> None:
    """Try a model in this process and leave what was found as a file."""
    warnings.filterwarnings("ignore")
    folder = work / "runs" / f"{model}-{os.getpid()}"
    folder.mkdir(parents=True)
    start = time.perf_counter()
    found: dict[str, Any]
    with (folder / "output.txt").open("w") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        try:
            tried = try_base(model, TinyWorld(work / "data", "rich", {}), folder)
            found = {"works": True, "vectors": tried.vectors, "why": ""}
        except BaseException as error:
            log.write(traceback.format_exc())
            why = f"{type(error).__name__}: {error}".splitlines()[0]
            found = {"works": False, "vectors": (None, None), "why": why}
    found["seconds"] = round(time.perf_counter() - start, 1)
    replace_text(work / f"{model}.json", json.dumps(found, indent=1))


def run(model: str, work: Path, limit: float, again: bool) -> dict[str, Any]:
    """What was found of a model, from an earlier run where there is one."""
    place = work / f"{model}.json"
    if place.is_file():
        found = json.loads(place.read_text())
        if found["works"] or not again:
            return found
        place.unlink()
    context = multiprocessing.get_context("forkserver")
    process = context.Process(target=trial, args=(model, work))
    process.start()
    process.join(limit)
    if process.is_alive():
        process.kill()
        process.join()
    if place.is_file():
        return json.loads(place.read_text())
    ended = f"no answer in {limit:.0f} s" if process.exitcode == -9 else "the process died"
    return {"works": False, "vectors": (None, None), "why": ended, "seconds": limit}


def table(work: Path) -> str:
    """The table of all finished trials, with the count."""
    lines = [
        "| model | family | works | user vector | item vector |",
        "| --- | --- | --- | --- | --- |",
    ]
    counts = [0, 0]
    for family in FAMILIES:
        for model in model_names(family):
            place = work / f"{model}.json"
            if not place.is_file():
                continue
            found = json.loads(place.read_text())
            counts[0] += found["works"]
            counts[1] += 1
            user, item = (source or "none" for source in found["vectors"])
            works = "yes" if found["works"] else f"no: {found['why']}"
            lines.append(f"| {model} | {family} | {works} | {user} | {item} |")
    return "\n".join([f"{counts[0]} of {counts[1]} models work.", "", *lines])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", help="models to try; all by default")
    parser.add_argument("--work", type=Path, default=Path("bases-runs"))
    parser.add_argument("--limit", type=float, default=180.0, help="seconds for a trial")
    parser.add_argument("--again", action="store_true", help="repeat trials that failed")
    options = parser.parse_args()
    work = options.work.resolve()
    if not (work / "data").is_dir():
        write_rich_world(work / "data")
    logging.disable(logging.CRITICAL)
    multiprocessing.get_context("forkserver").set_forkserver_preload(PRELOADED)
    models = options.models or [name for family in FAMILIES for name in model_names(family)]
    for model in models:
        found = run(model, work, options.limit, options.again)
        print(f"{model:12} {'works' if found['works'] else found['why']}", flush=True)
    text = DOCS.read_text(encoding="utf-8")
    before, after = text.split(START)[0], text.split(END)[1]
    DOCS.write_text(f"{before}{START}\n{table(work)}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
