"""What a second process gains where explaining is the work.

    OMP_NUM_THREADS=1 python -m benchmarks.processes --work processes-runs --rounds 3

On the demo data, with the demo's settings, the same epochs by one process and by two, in turns,
each followed by a validation that explains all its pairs. A run is ``run(nproc=...)`` in a Python
of its own. The times are those that RecBole logs for an epoch's training and for its validation,
the least of all epochs and rounds, since other work on the machine only adds to them; the first
epoch of a run warms up. What starting Python and reading the data takes is told apart, and so is
the processor time of all processes of a run. Two idle cores are needed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import recbole_showcase  # noqa: F401 - registers when RecBole is imported

ROOT = Path(__file__).resolve().parents[1]
NAME = "showcase-demo"
ALLOWED_RATIO = 1.5
_TIMES = {kind: re.compile(rf"epoch (\d+) {kind} \[time: ([\d.]+)s") for kind in
          ("training", "evaluating")}  # fmt: skip


def prepared(work: Path) -> Path:
    """The folder of the demo data, with features."""
    data = work / "data" / NAME
    if not (data / f"{NAME}.features").is_dir():
        from recbole_showcase.encoders import embed_dataset
        from recbole_showcase.resources import dataset_atomic_path

        shutil.copytree(dataset_atomic_path() / NAME, data, dirs_exist_ok=True)
        embed_dataset(data, "showcase-tiny")
    return data.parent


def train(work: Path, nproc: int, epochs: int, model: str) -> None:
    """A run in this process, or in two that it starts; its log is left in the current folder."""
    from recbole.quick_start import run

    from recbole_showcase.resources import properties_path

    settings = {
        "data_path": str(work / "data"),
        "epochs": epochs,
        "eval_step": 1,
        "stopping_step": epochs,
        "gpu_id": "0,1" if nproc > 1 else "",
        "showcase_eval_step": 1,
        "showcase_valid_pairs": 0,
        "valid_metric": "BLEU1",
        "show_progress": False,
    }
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = str(listener.getsockname()[1])
    run(model, NAME, [str(properties_path() / "demo.yaml")], settings, nproc=nproc, port=port)


def measured(work: Path, nproc: int, options: argparse.Namespace) -> dict[str, float]:
    """Least seconds of an epoch's training and validation, and the seconds of a whole run."""
    folder = work / f"{nproc}-{time.time_ns()}"
    folder.mkdir()
    given = ["--only", str(nproc), "--epochs", str(options.epochs), "--model", options.model]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "benchmarks.processes", "--work", work, *given],
        check=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    whole = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    (log,) = folder.glob("log/*/*.log")
    text = re.sub(r"\x1b\[[\d;]*m", "", log.read_text())
    found = {
        kind: [float(seconds) for epoch, seconds in pattern.findall(text) if int(epoch)]
        for kind, pattern in _TIMES.items()
    }
    return {
        **{kind: min(seconds) for kind, seconds in found.items()},
        "whole": whole,
        "processor": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("processes-runs"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--model", default="ShowcaseBPR")
    parser.add_argument("--check", action="store_true", help="fail where the ratio is too small")
    parser.add_argument("--only", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    work = options.work.resolve()
    if options.only:
        sys.argv[1:] = []  # RecBole reads them
        train(work, options.only, options.epochs, options.model)
        return
    prepared(work)
    least: dict[int, dict[str, float]] = {1: {}, 2: {}}
    print(f"{'processes':10} {'training':>10} {'validation':>10} {'run':>10} {'processor':>10}")
    for _ in range(options.rounds):
        for nproc, kept in least.items():
            found = measured(work, nproc, options)
            print(nproc, json.dumps(found), file=sys.stderr, flush=True)
            least[nproc] = {kind: min(found[kind], kept.get(kind, found[kind])) for kind in found}
    for nproc, kept in least.items():
        print(f"{nproc:<10} " + " ".join(f"{seconds:8.2f} s" for seconds in kept.values()))
    one, two = (kept["training"] + kept["evaluating"] for kept in least.values())
    print(f"an epoch and its validation: {one:.2f} s by one, {two:.2f} s by two: {one / two:.2f}")
    if options.check and one / two < ALLOWED_RATIO:
        sys.exit(f"two processes are {one / two:.2f} times as fast as one, not {ALLOWED_RATIO}")


if __name__ == "__main__":
    main()
