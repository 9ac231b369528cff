"""Does learned relevance keep up with CLIP similarity, whatever the encoder?

    python -m benchmarks.relevance --work relevance-runs
    python -m benchmarks.relevance --work relevance-runs --data data/composite --encoder imagenet

Trains ShowcaseBPR with top-k selection under each relevance and seed, and reports photo F1@3 of the
test split. The demo world is read through three encoders: the shipped one; its features projected
to 32 dimensions by a random matrix; and its features in a narrow cone, a constant vector added to
them. ``--data`` names a data set of one's own instead, which is split in order of time. Finished
runs are kept in the work folder and are not repeated.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import recbole_showcase

NAMES = ("random", "popular", "clip", "learned")
SHIPPED = "showcase-tiny"
WIDTH = 32  # of projected features
CONE = 2.0  # length of what all features of the cone share
# How a data set of one's own is split.
OF_OWN_DATA: dict[str, Any] = {
    "eval_args": {
        "split": {"RS": [0.6, 0.1, 0.3]}, "order": "TO", "group_by": "user", "mode": "full"
    }
}  # fmt: skip


def changed_store(data: Path, name: str, change: Callable[[np.ndarray], np.ndarray]) -> str:
    """Write the shipped encoder's features of a data set, changed, as those of another encoder."""
    from recbole_showcase.encoders.store import features_folder

    folder = features_folder(data) / name
    if not folder.exists():
        shutil.copytree(features_folder(data) / SHIPPED, folder)
        for modality in ("image", "review"):
            rows = change(np.load(folder / f"{modality}.npy").astype(np.float64))
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
            np.save(folder / f"{modality}.npy", rows.astype(np.float16))
        path = folder / "meta.json"
        meta = json.loads(path.read_text()) | {"encoder": name, "dim": rows.shape[1]}
        path.write_text(json.dumps(meta | {"dtype": "float16"}))
    return name


def demo_encoders(data: Path) -> list[str]:
    """The shipped encoder and two made from it."""
    from recbole_showcase.encoders import FeatureStore, embed_dataset

    embed_dataset(data)
    width = FeatureStore.open(data, SHIPPED, "image").dim
    rng = np.random.default_rng(0)
    matrix, direction = rng.normal(size=(width, WIDTH)), rng.normal(size=width)
    shared = CONE * direction / np.linalg.norm(direction)
    return [
        SHIPPED,
        changed_store(data, "projected", lambda rows: rows @ matrix),
        changed_store(data, "cone", lambda rows: rows + shared),
    ]


def run(settings: dict[str, Any], data: Path, work: Path) -> dict[str, float]:
    """Figures of the test split; of an earlier run where there is one."""
    parts = (settings[key] for key in ("showcase_encoder", "showcase_relevance", "seed", "epochs"))
    name = "-".join(map(str, (data.name, *parts)))
    kept, saved = work / f"{name}.json", work / name
    if kept.is_file():
        return json.loads(kept.read_text())
    from recbole.quick_start import run_recbole

    from recbole_showcase.data.corpus import TEST
    from recbole_showcase.integration.checkpoint import clean_argv
    from recbole_showcase.resources import properties_path

    settings = settings | {
        "data_path": str(data.parent),
        "checkpoint_dir": str(saved),
        "show_progress": False,
        "metrics": ["Recall", "NDCG", "ImageF1"],
        "showcase_explainer": "nrt",
        "showcase_selector": "topk",
        "showcase_max_candidates": 512,
    }
    files = [str(properties_path() / "demo.yaml")]
    with contextlib.chdir(work), clean_argv():
        result = run_recbole("ShowcaseBPR", data.name, files, settings)
    figures = {metric: float(value) for metric, value in result["test_result"].items()}
    (checkpoint,) = saved.glob("*.pth")
    known = recbole_showcase.load_explainer(checkpoint).model.showcase.data
    tested = known.samples(np.flatnonzero(known.corpus.interactions.splits == TEST))
    figures["pairs"] = len(tested)
    kept.write_text(json.dumps(figures, indent=1))
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[2020, 2021])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--relevances", nargs="+", default=NAMES, choices=NAMES)
    parser.add_argument("--work", type=Path, default=Path("relevance-runs"))
    parser.add_argument("--data", type=Path, help="DATA/NAME of a data set with features")
    parser.add_argument("--encoder", nargs="+", help="feature stores to read; default: all three")
    arguments = parser.parse_args()
    from recbole_showcase.cli.demo import copy_demo

    if arguments.data and not arguments.encoder:
        parser.error("--data needs --encoder: a folder in DATA/NAME/NAME.features")
    work = arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    data = arguments.data.resolve() if arguments.data else copy_demo(work / "data")
    made = [] if arguments.data else demo_encoders(data)
    encoders = arguments.encoder or made
    own = OF_OWN_DATA if arguments.data else {}
    print(f"{'encoder':16} {'relevance':10} photo F1@3 of the test split, seeds {arguments.seeds}")
    for encoder in encoders:
        for name in arguments.relevances:
            chosen = {"showcase_encoder": encoder, "showcase_relevance": name, **own}
            chosen["epochs"] = arguments.epochs
            found = [run(chosen | {"seed": seed}, data, work) for seed in arguments.seeds]
            values = [figures["imagef1@3"] for figures in found]
            print(
                f"{encoder:16} {name:10} {statistics.mean(values):.4f}: "
                f"{' '.join(f'{value:.4f}' for value in values)}, {found[0]['pairs']:.0f} pairs",
                flush=True,
            )


if __name__ == "__main__":
    main()
