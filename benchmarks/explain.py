"""Pairs a second of ``recbole-showcase explain``, against the bare model on pairs that are ready.

    python -m benchmarks.explain --rounds 3        # the demo world, all its users
    OMP_NUM_THREADS=1 python -m benchmarks.explain --processes 2 --times 20
    OMP_NUM_THREADS=1 python -m benchmarks.explain --engine ray --times 20

The command's work, from the loaded model to the last part on the disk, and ``model.explain`` on the
very same pairs in the same batches, in turns on the same machine. What lies between is ranking all
items, looking up ids, photos and evidence, and writing. Loading the model is in neither. The
weights are those before training: texts then run to the most tokens. Other work on the machine
moves the clock, and the processor's time of this process less; run it with OMP_NUM_THREADS=1.

With ``--processes N`` the command explains the same users by one process and by N of them, in
turns, each with a thread and a model that it loads itself. Beside the seconds of a whole call stand
the showcases a second from the first part written to the last, which a longer run comes to. With
``--engine ray`` they are processes of a cluster of this machine, two of them unless told otherwise,
which each call starts and ends.
"""

from __future__ import annotations

import argparse
import os
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


def shared(
    checkpoint: Path, out: Path, users: Path, engine: Any, given: argparse.Namespace
) -> tuple[float, float]:
    """Seconds of a call that is made anew, and showcases a second behind its first part."""
    from recbole_showcase.offline import OfflineOptions, job

    written: list[tuple[float, int]] = []
    add = job.ShowcaseFolder.add

    def noting(folder: Any, table: Any, *others: Any) -> None:
        add(folder, table, *others)
        written.append((time.perf_counter(), len(table)))

    shutil.rmtree(out, ignore_errors=True)
    options = OfflineOptions(given.top, given.format, part_rows=1)  # a part ends with its batch
    job.ShowcaseFolder.add = noting
    try:
        start = time.perf_counter()
        job.write_showcases(checkpoint, out, users, options=options, engine=engine, progress=False)
        whole = time.perf_counter() - start
    finally:
        job.ShowcaseFolder.add = add
    rows = sum(count for _, count in written[1:])
    return whole, rows / (written[-1][0] - written[0][0])


def compare_processes(given: argparse.Namespace) -> None:
    """Print what one process does and what several do, in turns."""
    from recbole_showcase.engines import Engine

    os.environ.setdefault("RAY_worker_niceness", "0")  # ray's would let the one process go first
    several = Engine(given.engine or "processes", given.processes)
    engines = {1: Engine(), given.processes: several}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        checkpoint = checkpoint_of(work)
        tokens = recbole_showcase.load_explainer(checkpoint).users
        users = work / "users.csv"
        users.write_text("user\n" + "".join(f"{token}\n" for token in tokens) * given.times)
        found: dict[int, list[tuple[float, float]]] = {count: [] for count in engines}
        for turn in range(given.rounds):
            for count in sorted(engines, reverse=bool(turn % 2)):
                taken = shared(checkpoint, work / "out", users, engines[count], given)
                found[count].append(taken)
                rate = f"{taken[0]:.1f} s, {taken[1]:.1f} showcases a second"
                print(f"{count} process{'es' * (count > 1)}: {rate}", flush=True)
    alone, shared_out = (np.array(found[count]) for count in engines)
    for name, ratios in (
        ("whole calls", alone[:, 0] / shared_out[:, 0]),
        ("behind the first part", shared_out[:, 1] / alone[:, 1]),
    ):
        spread = f"({ratios.min():.2f}-{ratios.max():.2f})"
        print(f"{name}: {np.median(ratios):.2f} {spread} times as fast by {given.processes}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--top", type=int, default=5)
    parser.add_argument("--format", choices=("parquet", "jsonl"), default="parquet")
    parser.add_argument("--processes", type=int, help="compare one process with so many")
    parser.add_argument("--times", type=int, default=20, help="with it, how often each user")
    parser.add_argument("--engine", choices=("processes", "ray"), help="where N processes are")
    given = parser.parse_args()
    if given.engine and given.processes is None:
        given.processes = 2
    if given.processes == 1:
        parser.error("--processes is 1, and is compared with one: give 2 or more")
    if given.processes:
        compare_processes(given)
    else:
        compare_with_model(given)


def compare_with_model(given: argparse.Namespace) -> None:
    """Print the command's pairs a second, and those of the bare model."""
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
