"""What a second process gains where explaining is the work.

    OMP_NUM_THREADS=1 python -m benchmarks.processes --work processes-runs --rounds 3
    OMP_NUM_THREADS=1 python -m benchmarks.processes --batch 128    # explaining is nearly all

On the demo data, with the demo's settings, the same epochs by one process and by two, in turns,
each followed by a validation that explains all its pairs. A run is ``run(nproc=...)`` in a Python
of its own. An epoch and its validation are timed in each process, by the clock and by the processor
time of that process. The time of a run's epoch is that of its slowest process, and what is kept is
the least of all epochs and rounds, since other work on the machine only adds to it; the first epoch
warms up. By the clock two idle cores are needed; processor time tells on a busy machine what two
idle ones would take, waiting for each other left out. Starting Python and reading the data is in
``run`` alone, the seconds of a whole run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import recbole_showcase  # noqa: F401 - registers when RecBole is imported

ROOT = Path(__file__).resolve().parents[1]
NAME = "showcase-demo"
ALLOWED_RATIO = 1.5
COLUMNS = ("training", "validation", "training, processor", "validation, processor", "run")


def note_times() -> None:
    """Have the trainer leave the times of each epoch and validation in the current folder."""
    from recbole_showcase.composed.trainer import ShowcaseTrainerMixin

    for kind, method in (("training", "_train_epoch"), ("validation", "_valid_epoch")):
        timed = getattr(ShowcaseTrainerMixin, method)

        def noting(
            self: Any, *args: Any, kind: str = kind, timed: Any = timed, **kwargs: Any
        ) -> Any:
            clock, processor = time.perf_counter(), time.process_time()
            result = timed(self, *args, **kwargs)
            seconds = (time.perf_counter() - clock, time.process_time() - processor)
            with Path(f"times-{self.processes.place}.jsonl").open("a") as file:
                file.write(json.dumps([kind, *seconds]) + "\n")
            return result

        setattr(ShowcaseTrainerMixin, method, noting)


if os.environ.get("SHOWCASE_NOTE_TIMES"):  # in spawned processes too, which import this module
    note_times()


def prepare(work: Path) -> None:
    """Write the demo data with features, unless they are there."""
    data = work / "data" / NAME
    if not (data / f"{NAME}.features").is_dir():
        from recbole_showcase.encoders import embed_dataset
        from recbole_showcase.resources import dataset_atomic_path

        shutil.copytree(dataset_atomic_path() / NAME, data, dirs_exist_ok=True)
        embed_dataset(data, "showcase-tiny")


def train(work: Path, nproc: int, options: argparse.Namespace) -> None:
    """A run in this process, or in two that it starts."""
    from recbole.quick_start import run

    from recbole_showcase.resources import properties_path

    settings = {
        "data_path": str(work / "data"),
        "showcase_batch_size": options.batch,
        "epochs": options.epochs,
        "eval_step": 1,
        "stopping_step": options.epochs,
        "gpu_id": "0,1" if nproc > 1 else "",
        "showcase_eval_step": 1,
        "showcase_valid_pairs": 0,
        "valid_metric": "BLEU1",
        "show_progress": False,
    }
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = str(listener.getsockname()[1])
    files = [str(properties_path() / "demo.yaml")]
    run(options.model, NAME, files, settings, nproc=nproc, port=port)


def measured(work: Path, nproc: int, options: argparse.Namespace) -> list[float]:
    """The least seconds of a run in each of the columns."""
    folder = work / f"{nproc}-{time.time_ns()}"
    folder.mkdir()
    given = ["--only", str(nproc), "--epochs", str(options.epochs), "--model", options.model]
    given += ["--batch", str(options.batch)]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "benchmarks.processes", "--work", work, *given],
        check=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "SHOWCASE_NOTE_TIMES": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    whole = time.perf_counter() - start
    least = []
    for column in (1, 2):
        for kind in ("training", "validation"):
            of_processes = [
                [times[column] for times in map(json.loads, file.open()) if times[0] == kind]
                for file in folder.glob("times-*.jsonl")
            ]
            slowest = [max(epoch) for epoch in zip(*of_processes, strict=True)]
            least.append(min(slowest[1:]))
    return [*least, whole]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("processes-runs"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--model", default="ShowcaseBPR")
    parser.add_argument("--batch", type=int, default=32, help="explanation samples of a step")
    parser.add_argument("--check", action="store_true", help="fail where the ratio is too small")
    parser.add_argument("--only", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    work = options.work.resolve()
    if options.only:
        sys.argv[1:] = []  # RecBole reads them
        train(work, options.only, options)
        return
    prepare(work)
    rounds = [[measured(work, n, options) for n in (1, 2)] for _ in range(options.rounds)]
    one, two = (
        [min(column) for column in zip(*runs, strict=True)] for runs in zip(*rounds, strict=True)
    )
    print(f"{'seconds':24} {'one':>8} {'two':>8} {'ratio':>8}")
    for name, alone, together in zip(COLUMNS, one, two, strict=True):
        print(f"{name:24} {alone:8.2f} {together:8.2f} {alone / together:8.2f}")
    ratio, idle = (sum(one[part]) / sum(two[part]) for part in (slice(0, 2), slice(2, 4)))
    print(f"two processes are {ratio:.2f} times as fast; by processor time {idle:.2f} times")
    if options.check and ratio < ALLOWED_RATIO:
        sys.exit(f"the ratio is {ratio:.2f}; allowed: at least {ALLOWED_RATIO}")


if __name__ == "__main__":
    main()
