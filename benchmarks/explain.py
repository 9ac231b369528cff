"""Pairs a second of ``recbole-showcase explain``, against the bare model on pairs that are ready.

    python benchmarks/explain.py --rounds 3        # the demo world, all its users

The command's work, from the loaded model to the last part on the disk, and ``model.explain`` on the
very same pairs in the same batches, in turns on the same machine. What lies between is ranking all
items, looking up ids, photos and evidence, and writing. Loading the model is in neither. The
weights are those before training: texts then run to the most tokens. Other work on the machine
moves the clock, and the processor's time of this process less; run it with OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import recbole_showcase


def checkpoint_of(work: Path) -> Path:
    """A composed model on the demo world, saved before training."""
    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation
    from recbole.utils import get_model, get_trainer, init_seed

    from recbole_showcase.cli.demo import copy_demo
    from recbole_showcase.encoders import embed_dataset
    from recbole_showcase.integration.checkpoint import clean_argv
    from recbole_showcase.resources import properties_path

    data = copy_demo(work / "data")
    embed_dataset(data, progress=False)
    settings = {
        "data_path": str(data.parent),
        "checkpoint_dir": str(work / "saved"),
        "show_progress": False,
    }
    with clean_argv():
        config = Config("ShowcaseBPR", data.name, [str(properties_path() / "demo.yaml")], settings)
    init_seed(1, True)
    train, _, _ = data_preparation(config, create_dataset(config))
    model = get_model("ShowcaseBPR")(config, train._dataset)
    trainer = get_trainer(config["MODEL_TYPE"], config["model"])(config, model)
    trainer._save_checkpoint(0, verbose=False)
    return Path(trainer.saved_model_file)


def seconds(work: Callable[[], Any]) -> np.ndarray:
    """How long something takes (2,): by the clock, and of the processor's time."""
    start = np.array([time.perf_counter(), time.process_time()])
    work()
    return np.array([time.perf_counter(), time.process_time()]) - start


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--top", type=int, default=5)
    parser.add_argument("--format", choices=("parquet", "jsonl"), default="parquet")
    given = parser.parse_args()
    from recbole_showcase.offline import OfflineOptions, job

    with tempfile.TemporaryDirectory() as work:
        checkpoint, out = checkpoint_of(Path(work)), Path(work) / "out"
        recommender = recbole_showcase.load_explainer(checkpoint)
        options = OfflineOptions(given.top, given.format)
        users = recommender.find("user", recommender.users)
        starts = range(0, len(users), options.batch)
        ready = [
            recommender.ranked(users[start : start + options.batch], given.top).pairs
            for start in starts
        ]
        n = sum(map(len, ready))
        job.load_explainer = lambda *_: recommender  # loaded already

        def command() -> None:
            job.write_showcases(checkpoint, out, options=options, progress=False)

        def bare() -> None:
            for pairs in ready:
                recommender.model.explain(pairs)

        bare()
        ratios = []
        for turn in range(given.rounds):
            shutil.rmtree(out, ignore_errors=True)
            order = (command, bare) if turn % 2 else (bare, command)
            took = {work: seconds(work) for work in order}
            ratios.append(took[bare] / took[command])
            rates = f"{n / took[command][0]:.1f} pairs a second, the model {n / took[bare][0]:.1f}"
            print(f"{n} pairs: {rates}; ratio {ratios[-1][0]:.3f}, processor {ratios[-1][1]:.3f}")
    clock, processor = np.median(ratios, axis=0)
    print(f"median ratio {clock:.3f} by the clock, {processor:.3f} of processor time")


if __name__ == "__main__":
    main()
