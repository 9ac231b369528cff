"""Which weight of relevance against variety, for the DPP, the k-DPP and MMR?

    python -m benchmarks.trade_off --work trade-off-runs --jobs 2

Trains learned relevance on drawings of the demo world that no other figure is of, chooses 3 photos
for every row of their valid and test splits with each selector under each weight, and prints photo
F1@3 and diversity, mean and standard deviation over drawings and seeds, beside top-k. The shipped
weights are chosen by it. Finished runs are kept in the work folder and not repeated.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

import recbole_showcase
from benchmarks import claims
from recbole_showcase.files.replace import replace_text

DRAWINGS = (301, 302, 303, 304, 305)
SEEDS = (2020, 2021, 2022)
# Selector: (its setting, the values that are compared).
WEIGHTS: dict[str, tuple[str, tuple[float, ...]]] = {
    "dpp": ("selector_trade_off", (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0)),
    "kdpp": ("selector_trade_off", (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0, 12.0)),
    "mmr": ("selector_balance", (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)),
}


def train(data: Path, seed: int, saved: Path, explainer: str = "nrt", **more: Any) -> Path:
    """Train learned relevance beside an explainer, a small one; the checkpoint.

    ``more`` are settings above those of the demo.
    """
    from recbole.quick_start import run_recbole

    from recbole_showcase.integration.checkpoint import clean_argv
    from recbole_showcase.resources import properties_path

    saved.mkdir(parents=True, exist_ok=True)
    settings = {
        "data_path": str(data.parent),
        "checkpoint_dir": str(saved),
        "seed": seed,
        "show_progress": False,
        "metrics": ["Recall", "NDCG"],
        "showcase_explainer": explainer,
        **more,
    }
    with contextlib.chdir(saved), clean_argv():
        run_recbole("ShowcaseBPR", data.name, [str(properties_path() / "demo.yaml")], settings)
    (checkpoint,) = saved.glob("*.pth")
    return checkpoint


def figures(checkpoint: Path) -> dict[str, float]:
    """F1 and diversity at 3 of top-k and of each selector under each weight."""
    from recbole_showcase.data.corpus import TRAIN
    from recbole_showcase.data.pairs import Pairs
    from recbole_showcase.integration.config import part_defaults
    from recbole_showcase.metrics import image_diversity, image_f1
    from recbole_showcase.selectors import SELECTORS

    model = recbole_showcase.load_explainer(checkpoint).model
    data, head = model.showcase.data, model.showcase
    rows = data.samples(np.flatnonzero(data.corpus.interactions.splits != TRAIN))
    pairs = Pairs.of_rows(data.corpus, rows)
    relevant = data.photos.of_row.first(pairs.rows, 99)
    ways = {"top-k": SELECTORS.build("topk", part_defaults("selector", "topk"))}
    for selector, (setting, values) in WEIGHTS.items():
        for value in values:
            changed = {**part_defaults("selector", selector), setting: value}
            ways[f"{selector} {value:g}"] = SELECTORS.build(selector, changed)
    found: dict[str, float] = {"pairs": len(pairs)}
    for name, head.selector in ways.items():
        photos = model.explain(pairs, text=False).photos
        found[f"{name}|F1"] = image_f1(photos, relevant, 3)
        found[f"{name}|Div"] = image_diversity(data.photos.features[photos], photos >= 0)
    return found


def report(runs: list[dict[str, float]], pairs: int) -> None:
    """Print the table."""
    print(f"{len(runs)} runs, {pairs} pairs\n\n| weight | F1@3 | Div@3 |\n| --- | --- | --- |")
    weighted = [f"{way} {value:g}" for way, (_, values) in WEIGHTS.items() for value in values]
    for name in ["top-k", *weighted]:
        cells = (claims.spread([run[f"{name}|{key}"] for run in runs]) for key in ("F1", "Div"))
        print(f"| {name} | {' | '.join(cells)} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=Path("trade-off-runs"))
    parser.add_argument("--drawings", type=int, nargs="+", default=DRAWINGS)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--jobs", type=int, default=2, help="processes at once, a core each")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        data, seed, kept = Path(given.one[0]), int(given.one[1]), Path(given.one[2])
        checkpoint = train(data, seed, kept.with_suffix(""))
        replace_text(kept, json.dumps(figures(checkpoint), indent=1))
        checkpoint.unlink()
        return
    work = given.work.resolve()
    worlds = [claims.draw(work, drawing) for drawing in given.drawings]
    plan = [(w, seed, work / f"{w.name}-{seed}.json") for seed in given.seeds for w in worlds]
    asked = {kept: [str(w), str(seed), str(kept)] for w, seed, kept in plan}
    claims.run_missing("benchmarks.trade_off", asked, given.jobs)
    runs = [json.loads(kept.read_text()) for kept in asked if kept.is_file()]
    if len(runs) < len(asked):
        sys.exit("runs failed; the weights are compared when all are there")
    report(runs, int(sum(run["pairs"] for run in runs[: len(worlds)])))


if __name__ == "__main__":
    main()
