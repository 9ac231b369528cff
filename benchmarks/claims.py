"""The claims of "Personalized Showcases", put to the test on drawings of the demo world.

    python -m benchmarks.claims --work claims-runs --jobs 2
    python -m benchmarks.claims --drawings 401 --seeds 2020     # a part of it
    python -m benchmarks.claims --variants both                 # what the table of selection needs

Draws worlds that neither the models nor the shipped CLIP and its alignment classifier have seen,
trains every variant with every seed in a process of its own, judges each by metrics and by the
world's truth, and prints four tables: selection, inputs of generation, losses, and joint against
separate training. A run that is done is kept in the work folder and not repeated, so the command
goes on after an interruption. Epochs are chosen on the validation split, figures are of the test
split; the spread is over drawings and seeds.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

import recbole_showcase  # registers
from recbole_showcase.files.replace import replace_text

# The shipped CLIP learned from drawings 101 to 104, its classifier from 201 to 204.
DRAWINGS = (401, 402, 403)
SEEDS = (2020, 2021, 2022)
METRICS = ["Recall", "NDCG", "ImageF1", "ImageDiv", "BLEU1", "BLEU4", "ROUGEL", "Distinct1",
           "Distinct2", "CLIPScore", "CLIPAlign", "PhotoGap"]  # fmt: skip
CE = {"explainer_cross_modal_weight": 0.0, "explainer_personal_weight": 0.0}
BY_TEXT = {"valid_metric": "ROUGEL", "eval_step": 4, "stopping_step": 3}
# Name: (model, settings over those of properties/demo.yaml).
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "photos": ("ShowcaseBPR", {**BY_TEXT, **CE, "explainer_use_reviews": False}),
    "reviews": ("ShowcaseBPR", {**BY_TEXT, **CE, "explainer_use_photos": False}),
    "both": ("ShowcaseBPR", {**BY_TEXT, **CE}),
    "ce+ccl": ("ShowcaseBPR", {**BY_TEXT, "explainer_personal_weight": 0.0}),
    "ce+pcl": ("ShowcaseBPR", {**BY_TEXT, "explainer_cross_modal_weight": 0.0}),
    "ce+ccl+pcl": ("ShowcaseBPR", {**BY_TEXT}),
    "recommender alone": ("BPR", {}),
    "explainer alone": ("ShowcaseBPR", {**BY_TEXT, "showcase_use_recommender": False}),
    "joint": ("ShowcaseBPR", {}),
    "joint, shared gradient": ("ShowcaseBPR", {"showcase_share_gradient": True}),
}
PROFILES = {
    "random": ("random", {}),
    "item-popular photo": ("popular", {}),
    "text profile": ("clip", {"relevance_use_photos": False}),
    "image profile": ("clip", {"relevance_use_reviews": False}),
    "both": ("clip", {}),
}
TABLES = {
    "Generation: inputs": (("photos", "reviews", "both"),
                           ("bleu1", "bleu4", "rougel", "photogap", "clipalign", "clipscore",
                            "shown dish", "right dish", "right dish, own photos")),
    "Losses": (("both", "ce+ccl", "ce+pcl", "ce+ccl+pcl"),
               ("bleu1", "rougel", "distinct1", "distinct2", "clipalign", "clipscore",
                "shown dish")),
    # ce+ccl+pcl is the joint training whose epoch is chosen by the texts.
    "Joint against separate": (("recommender alone", "explainer alone", "ce+ccl+pcl", "joint",
                                "joint, shared gradient"),
                               ("recall@10", "ndcg@10", "bleu1", "rougel", "clipalign",
                                "shown dish")),
}  # fmt: skip


def draw(work: Path, seed: int, *, sentences: bool = False, **settings: Any) -> Path:
    """Draw and encode one world, unless it is there; ``settings`` are of ``WorldSettings``."""
    from demo_world import WorldSettings, draw_world, write_world
    from recbole_showcase.encoders import embed_dataset

    folder = work / "data" / f"world-{seed}"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        write_world(draw_world(WorldSettings(seed=seed, **settings)), folder)
    embed_dataset(folder, progress=False, sentences=sentences)
    return folder


def train(variant: str, seed: int, data: Path, kept: Path, **more: Any) -> None:
    """Train, test and judge one variant; its figures appear whole or not at all.

    ``more`` are settings above those of the variant.
    """
    from recbole.quick_start import run_recbole

    from recbole_showcase.integration.checkpoint import clean_argv
    from recbole_showcase.resources import properties_path

    model, changes = VARIANTS[variant]
    saved = kept.with_suffix("")
    saved.mkdir(parents=True, exist_ok=True)
    settings = {
        "data_path": str(data.parent),
        "checkpoint_dir": str(saved),
        "seed": seed,
        "show_progress": False,
        "metrics": METRICS if model != "BPR" else ["Recall", "NDCG"],
        **changes,
        **more,
    }
    with contextlib.chdir(saved), clean_argv():
        done = run_recbole(model, data.name, [str(properties_path() / "demo.yaml")], settings)
    figures = {name: float(value) for name, value in done["test_result"].items()}
    if model != "BPR":
        (checkpoint,) = saved.glob("*.pth")
        figures |= judge(checkpoint, data)
        if variant == "both":
            figures |= selection(checkpoint, data)
        checkpoint.unlink()
    replace_text(kept, json.dumps(figures, indent=1))


def opened(checkpoint: Path) -> tuple[Any, Any, Any]:
    """A trained model, what it knows of the data, and its test pairs."""
    from recbole_showcase.data.corpus import TEST
    from recbole_showcase.data.pairs import Pairs

    model = recbole_showcase.load_explainer(checkpoint).model
    data = model.showcase.data
    rows = data.samples(np.flatnonzero(data.corpus.interactions.splits == TEST))
    return model, data, Pairs.of_rows(data.corpus, rows)


def judge(checkpoint: Path, folder: Path) -> dict[str, float]:
    """Dishes that the texts name, by the world's truth, from chosen and from own photos."""
    from demo_world import WorldTruth

    truth = WorldTruth.load(folder)
    model, data, pairs = opened(checkpoint)
    chosen = model.explain(pairs)
    own = model.explain(pairs, photos=data.photos.of_row.first(pairs.rows, 4))
    true = [truth.dishes_named_in(text) for text in data.corpus.targets[pairs.rows]]

    def right(texts: list[str]) -> float:
        named = map(truth.dishes_named_in, texts)
        return float(np.mean([bool(a & b) for a, b in zip(named, true, strict=True)]))

    shown = [
        truth.names_a_shown_dish(text, [data.photos.tokens[p] for p in photos if p >= 0])
        for text, photos in zip(chosen.texts, chosen.photos, strict=True)
    ]
    return {
        "test pairs": len(pairs),
        "shown dish": float(np.mean(shown)),
        "right dish": right(chosen.texts),
        "right dish, own photos": right(own.texts),
    }


def selection(checkpoint: Path, folder: Path) -> dict[str, float]:
    """F1 and diversity at 3 of every way to choose photos, and the best that the truth allows."""
    from demo_world import WorldTruth
    from recbole_showcase.integration.config import part_defaults
    from recbole_showcase.metrics import image_diversity, image_f1, image_precision, image_recall
    from recbole_showcase.relevance import RELEVANCE
    from recbole_showcase.selectors import SELECTORS

    model, data, pairs = opened(checkpoint)
    head = model.showcase
    trained, dpp = head.relevance, head.selector
    topk = SELECTORS.build("topk", part_defaults("selector", "topk"))
    ways = {
        name: (
            RELEVANCE.build(kind, {**part_defaults("relevance", kind), **changes}, trained.inputs),
            topk,
        )
        for name, (kind, changes) in PROFILES.items()
    }
    ways |= {"learned": (trained, topk), "learned + DPP": (trained, dpp)}
    relevant = data.photos.of_row.first(pairs.rows, 99)
    figures = {}
    for name, (head.relevance, head.selector) in ways.items():
        photos = model.explain(pairs, text=False).photos
        features = data.photos.features[photos]
        figures |= {
            f"{name}|Precision": image_precision(photos, relevant, 3),
            f"{name}|Recall": image_recall(photos, relevant, 3),
            f"{name}|F1": image_f1(photos, relevant, 3),
            f"{name}|Div": image_diversity(features, photos >= 0),
        }
    figures["best by truth|F1"] = best_f1(data, pairs, relevant, WorldTruth.load(folder))
    return figures


def best_f1(data: Any, pairs: Any, relevant: np.ndarray, truth: Any) -> float:
    """Expected F1 at 3 of a blind choice among the photos that show what the user posted."""
    from demo_world.figures import expected_f1

    scores = []
    for item, own in zip(pairs.items, relevant, strict=True):
        (photos,) = data.photos.of_item.first(np.array([item]), 10_000)
        labels = truth.label_of(data.photos.tokens[photos])
        posted = np.isin(photos, own[own >= 0])
        subjects = {label for label, is_own in zip(labels, posted, strict=True) if is_own}
        right = np.array([float(label in subjects) for label in labels])
        scores.append(expected_f1(right, posted, 3))
    return float(np.mean(scores))


def spread(values: list[float]) -> str:
    """Mean and standard deviation."""
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.3f} ± {deviation:.3f}"


def table(title: str, rows: list[str], columns: list[str], cells: dict) -> str:
    """A Markdown table of mean and spread."""
    lines = [f"### {title}", "", "| | " + " | ".join(columns) + " |", "| --- |" +
             " --- |" * len(columns)]  # fmt: skip
    for row in rows:
        found = [cells.get((row, column)) for column in columns]
        lines.append(f"| {row} | " + " | ".join(spread(v) if v else "" for v in found) + " |")
    return "\n".join(lines) + "\n"


def report(results: dict[str, list[dict[str, float]]]) -> None:
    """Print the four tables of what is there."""
    chosen = results.get("both", [])
    ways = [*PROFILES, "learned", "learned + DPP", "best by truth"]
    columns = ["Precision", "Recall", "F1", "Div"]
    cells: dict[tuple[str, str], list[float]] = {
        (way, column): [run[f"{way}|{column}"] for run in chosen if f"{way}|{column}" in run]
        for way in ways
        for column in columns
    }
    for way in ways:
        cells[way, "way to the best"] = [
            (run[f"{way}|F1"] - run["random|F1"]) / (run["best by truth|F1"] - run["random|F1"])
            for run in chosen
        ]
    print(table("Selection, at 3 photos", ways, [*columns, "way to the best"], cells))
    for title, (rows, columns_of) in TABLES.items():
        cells = {
            (row, column): [run[column] for run in results.get(row, []) if column in run]
            for row in rows
            for column in columns_of
        }
        print(table(title, list(rows), list(columns_of), cells))
    for name, runs in results.items():
        print(f"{name}: {len(runs)} runs")


def run_missing(program: str, asked: dict[Path, list[str]], jobs: int) -> None:
    """Have ``-m program --one ...`` write each file that is not there, in processes of a core each.

    Args:
        program: Name of its module.
        asked: What follows ``--one``, by the file that it writes; its log lies beside it.
        jobs: How many run at once.
    """

    def run(kept: Path) -> None:
        if kept.is_file():
            return
        log = kept.with_suffix(".log")
        with log.open("w") as output:
            subprocess.run(
                [sys.executable, "-m", program, "--one", *asked[kept]],
                check=False,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
        if not kept.is_file():
            print(f"failed: {kept.stem}; see {log}")

    with ThreadPoolExecutor(jobs) as pool:
        for _ in track(pool.map(run, asked), "runs", total=len(asked)):
            pass


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=Path("claims-runs"))
    parser.add_argument("--drawings", type=int, nargs="+", default=DRAWINGS)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=VARIANTS)
    parser.add_argument("--jobs", type=int, default=2, help="processes at once, a core each")
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        variant, seed, data, kept = given.one
        train(variant, int(seed), Path(data), Path(kept))
        return
    work = given.work.resolve()
    worlds = [draw(work, drawing) for drawing in given.drawings]
    # Seed by seed, so that a run that is cut off has every variant on every drawing first.
    plan = [(v, s, w) for s in given.seeds for w in worlds for v in given.variants]
    kept = {key: work / f"{key[2].name}-{key[1]}-{key[0]}.json" for key in plan}

    asked = {kept[v, s, w]: [v, str(s), str(w), str(kept[v, s, w])] for v, s, w in plan}
    run_missing("benchmarks.claims", asked, given.jobs)
    results: dict[str, list[dict[str, float]]] = {}
    for key in plan:
        if kept[key].is_file():
            results.setdefault(key[0], []).append(json.loads(kept[key].read_text()))
    report(results)


if __name__ == "__main__":
    main()
