"""What joint training costs beside the recommender and the explainer each by itself.

    python -m benchmarks.overhead --work overhead-runs --rounds 7

On the demo data, with the demo's settings: an epoch of the stock recommender, an epoch of the
explainer alone over the batches that the joint epoch has, and a joint epoch, in turns. Prints the
medians and the ratio of the joint epoch to the sum of the other two.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import shutil
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import recbole_showcase  # noqa: F401 - registers when RecBole is imported

NAME = "showcase-demo"
MODELS: dict[str, dict[str, Any]] = {
    "BPR": {},
    "LightGCN": {},
    "SASRec": {"train_neg_sample_args": None},
}


def prepare(model: str, data: Path, work: Path, changes: dict[str, Any]) -> tuple[Any, Any]:
    """A trainer and its training batches, as RecBole's quick start makes them."""
    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation
    from recbole.utils import get_model, get_trainer, init_seed

    from recbole_showcase.integration.checkpoint import clean_argv
    from recbole_showcase.resources import properties_path

    settings = {"data_path": str(data.parent), "checkpoint_dir": str(work), **changes}
    if not model.startswith("Showcase"):
        settings["metrics"] = ["Recall"]
    with clean_argv():
        config = Config(model, data.name, [str(properties_path() / "demo.yaml")], settings)
    init_seed(config["seed"], True)
    loaders = data_preparation(config, create_dataset(config))
    built = get_model(model)(config, loaders[0]._dataset).to(config["device"])
    return get_trainer(config["MODEL_TYPE"], model)(config, built), loaders[0]


def measure(model: str, data: Path, work: Path, rounds: int) -> dict[str, float]:
    """Median seconds of an epoch of each kind."""
    changes = MODELS[model]
    stock, stock_batches = prepare(model, data, work, changes)
    alone, _ = prepare(f"Showcase{model}", data, work, changes)
    joint, batches = prepare(f"Showcase{model}", data, work, changes)
    epochs: dict[str, Callable[[int], Any]] = {
        "recommender": lambda epoch: stock._train_epoch(stock_batches, epoch),
        "explainer": lambda epoch: alone._explanation_steps(
            alone.loader.epoch(epoch), epoch, show_progress=False
        ),
        "joint": lambda epoch: joint._train_epoch(batches, epoch),
    }
    seconds: dict[str, list[float]] = {kind: [] for kind in epochs}
    for epoch in range(rounds + 1):  # the first warms up
        for kind, run in epochs.items():
            start = time.process_time()
            run(epoch)
            seconds[kind].append(time.process_time() - start)
            alone.model.explanation_losses.clear()
    return {kind: statistics.median(values[1:]) for kind, values in seconds.items()}


def demo_data(work: Path) -> Path:
    """The demo data set with its features, in a folder of its own."""
    data = work / "data" / NAME
    if not (data / f"{NAME}.features").is_dir():
        from recbole_showcase.encoders import embed_dataset
        from recbole_showcase.resources import dataset_atomic_path

        shutil.copytree(dataset_atomic_path() / NAME, data, dirs_exist_ok=True)
        embed_dataset(data, "showcase-tiny", progress=False)
    return data


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("overhead-runs"))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--models", nargs="*", default=list(MODELS))
    options = parser.parse_args()
    work = options.work.resolve()
    data = demo_data(work)
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    print(f"{'':10} {'recommender':>12} {'explainer':>12} {'joint':>12} {'ratio':>7}")
    for model in options.models:
        with contextlib.chdir(work):
            found = measure(model, data, work / "saved", options.rounds)
        ratio = found["joint"] / (found["recommender"] + found["explainer"])
        cells = " ".join(f"{1000 * found[kind]:9.0f} ms" for kind in found)
        print(f"{model:10} {cells} {ratio:7.2f}", flush=True)


if __name__ == "__main__":
    main()
