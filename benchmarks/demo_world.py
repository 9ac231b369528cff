"""Joint training on the demo world, over seeds: does it recommend as well, and explain rightly?

    python -m benchmarks.demo_world --seeds 2020 2021 2022 --work demo-world-runs

Trains stock BPR and ShowcaseBPR with the settings of the demo, selects on the validation split
and reports the test split: Recall@10 of both; photo F1@3 beside that of random sets of the same
items; and, by the world's truth, the share of texts that name a dish which one of the selected
photos shows. Finished runs are kept in the work folder and are not repeated.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

import recbole_showcase


def run(model: str, seed: int, work: Path, data: Path, **more: Any) -> dict[str, float]:
    """Train and test one model; return its figures, from an earlier run where there is one.

    ``more`` are settings above those of the demo.
    """
    kept = work / f"{model}-{seed}.json"
    if kept.is_file():
        return json.loads(kept.read_text())
    from recbole.quick_start import run_recbole

    from recbole_showcase.integration.checkpoint import clean_argv
    from recbole_showcase.resources import properties_path

    saved = work / f"{model}-{seed}"
    settings: dict[str, Any] = {
        "data_path": str(data.parent),
        "checkpoint_dir": str(saved),
        "seed": seed,
        "show_progress": False,
        **more,
    }
    if model == "BPR":
        settings["metrics"] = ["Recall", "NDCG", "Hit"]
    start = time.perf_counter()
    with contextlib.chdir(work), clean_argv():
        result = run_recbole(model, data.name, [str(properties_path() / "demo.yaml")], settings)[
            "test_result"
        ]
    figures = {name: float(value) for name, value in result.items()}
    figures["seconds"] = time.perf_counter() - start
    if model != "BPR":
        (checkpoint,) = saved.glob("*.pth")
        figures |= judge(checkpoint, data)
    kept.write_text(json.dumps(figures, indent=1))
    return figures


def judge(checkpoint: Path, data: Path) -> dict[str, float]:
    """Figures by the world's truth, of the test pairs that have a review with photos."""
    from demo_world import WorldTruth
    from recbole_showcase.data.pairs import Pairs
    from recbole_showcase.metrics import image_f1

    truth = WorldTruth.load(data)
    model = recbole_showcase.load_explainer(checkpoint).model
    known = model.showcase.data
    inter = known.corpus.interactions
    rows = known.samples(np.flatnonzero(inter.splits == 2))
    pairs = Pairs.of_rows(known.corpus, rows)
    outputs = model.explain(pairs)
    named = [
        truth.names_a_shown_dish(text, [known.photos.tokens[p] for p in photos if p >= 0])
        for text, photos in zip(outputs.texts, outputs.photos, strict=True)
    ]
    relevant = known.photos.of_row.first(rows, 99)
    rng = np.random.default_rng(0)
    draws = [image_f1(random_sets(known, pairs.items, 3, rng), relevant, 3) for _ in range(200)]
    return {
        "test pairs": len(rows),
        "names a shown dish": float(np.mean(named)),
        "random imagef1@3": statistics.mean(draws),
    }


def random_sets(known: Any, items: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """K photos of each item (B, k), drawn without a look at anything."""
    of_item = known.photos.of_item
    candidates = of_item.first(items, int(of_item.lengths(items).max(initial=0)))  # (B, C)
    order = np.argsort(rng.random(candidates.shape) + 2.0 * (candidates < 0), axis=1)[:, :k]
    return np.take_along_axis(candidates, order, axis=1)


def spread(values: list[float]) -> str:
    """Mean and standard deviation over seeds."""
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):8.4f} ± {deviation:.4f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[2020, 2021, 2022])
    parser.add_argument("--work", type=Path, default=Path("demo-world-runs"))
    arguments = parser.parse_args()
    from recbole_showcase.cli.demo import copy_demo
    from recbole_showcase.encoders import embed_dataset

    work = arguments.work.resolve()
    data = copy_demo(work / "data")
    embed_dataset(data)
    runs = {
        model: [run(model, seed, work, data) for seed in arguments.seeds]
        for model in ("BPR", "ShowcaseBPR")
    }
    print(f"\ndemo world, test split, seeds {arguments.seeds}, mean ± standard deviation")
    for model, results in runs.items():
        for name in results[0]:
            print(f"{model:12} {name:20} {spread([result[name] for result in results])}")
    ratios = [r["imagef1@3"] / r["random imagef1@3"] for r in runs["ShowcaseBPR"]]
    print(f"{'ShowcaseBPR':12} {'F1@3 over random':20} {spread(ratios)}")


if __name__ == "__main__":
    main()
