"""The paper's raw data at full size: time to the first training step, memory, batches a second.

    python -m benchmarks.full_size --work full-size

Writes a data set of 1,010,511 users, 65,113 items, 1,771,160 reviews and 4,435,565 photos (the
counts of Yan et al., SIGIR 2023, before filtering) with random texts and random features 64 wide;
then starts ``run_recbole`` on it in a process of its own and stops after some steps. Prints the
seconds from the call to the first step of an optimizer, the peaks of memory, the seconds of
further steps, and how many batches of the explanation side are made in a second without the model.
``--times 2`` has twice the photos, and ``--times 1 2`` measures both, one after the other. A data
set that lies there from before is taken as it is.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import recbole_showcase  # noqa: F401 - registers when RecBole is imported

USERS, ITEMS, REVIEWS, PHOTOS = 1_010_511, 65_113, 1_771_160, 4_435_565
WIDTH = 64
NAME = "full"
_CHUNK = 200_000
_STEPS, _BATCHES = 20, 200


def write(folder: Path, times: int, share: float) -> None:
    """Write the data set, its photos some times as many, or a share of all of it."""
    from benchmarks.generate_reviews import vocabulary

    rng = np.random.default_rng(0)
    n_users, n_items, n_reviews = (max(int(n * share), 50) for n in (USERS, ITEMS, REVIEWS))
    n_photos = int(PHOTOS * share * times)
    folder.mkdir(parents=True)
    users = np.concatenate([np.arange(n_users), (n_users * rng.random(n_reviews - n_users) ** 3)])
    users = rng.permutation(users.astype(np.int64))
    items = (n_items * rng.random(n_reviews) ** 2).astype(np.int64)
    seconds = rng.integers(1_262_304_000, 1_631_000_000, n_reviews)
    stars = rng.integers(1, 6, n_reviews)
    words = vocabulary(rng)
    with (
        (folder / f"{NAME}.inter").open("w") as inter,
        (folder / f"{NAME}.review").open("w") as review,
        (folder / f"{NAME}.item").open("w") as item,
        (folder / f"{NAME}.image").open("w") as image,
    ):
        inter.write(
            "user_id:token\titem_id:token\trating:float\ttimestamp:float\treview_id:token\n"
        )
        review.write("review_id:token\ttext:token_seq\texplanation:token_seq\n")
        for start in range(0, n_reviews, _CHUNK):
            rows = range(start, min(start + _CHUNK, n_reviews))
            inter.writelines(
                f"1{users[n]:020d}\t0x{items[n]:016x}\t{stars[n]}.0\t{seconds[n]}.0\tr{n:015x}\n"
                for n in rows
            )
            lengths = rng.geometric(1 / 27, len(rows))
            drawn = words[(len(words) * rng.random(int(lengths.sum())) ** 5).astype(np.int64)]
            ends = np.cumsum(lengths)
            review.writelines(
                f"r{n:015x}\t{' '.join(drawn[end - length : end])}\t\n"
                for n, end, length in zip(rows, ends.tolist(), lengths.tolist(), strict=True)
            )
        item.write("item_id:token\tname:token_seq\n")
        item.writelines(f"0x{n:016x}\tPlace {n}\n" for n in range(n_items))
        image.write("image_id:token\titem_id:token\treview_id:token\tpath:token\n")
        posted = np.sort(rng.integers(n_reviews, size=n_photos))
        for start in range(0, n_photos, _CHUNK):
            image.writelines(
                f"p{n:031x}\t0x{items[row]:016x}\tr{row:015x}\tp{n:031x}.jpg\n"
                for n, row in enumerate(posted[start : start + _CHUNK].tolist(), start)
            )
    _write_features(folder, {"image": ("p{:031x}", n_photos), "review": ("r{:015x}", n_reviews)})


def _write_features(folder: Path, modalities: dict[str, tuple[str, int]]) -> None:
    from recbole_showcase.encoders.store import digest_of_file

    store = folder / f"{NAME}.features" / "random"
    store.mkdir(parents=True)
    rng = np.random.default_rng(1)
    for modality, (name, count) in modalities.items():
        shape = (count, WIDTH)
        matrix = np.lib.format.open_memmap(
            store / f"{modality}.npy", mode="w+", dtype=np.float16, shape=shape
        )
        with (store / f"{modality}.ids").open("w") as ids:
            for start in range(0, count, _CHUNK):
                rows = range(start, min(start + _CHUNK, count))
                features = rng.normal(size=(len(rows), WIDTH)).astype(np.float32)
                features /= np.linalg.norm(features, axis=1, keepdims=True)
                matrix[start : rows.stop] = features
                ids.writelines(f"{name.format(n)}\n" for n in rows)
        matrix.flush()
    meta = {
        "encoder": "random", "architecture": "", "weights": "", "weights_digest": "",
        "preprocessing": {}, "dim": WIDTH, "dtype": "float16", "package_version": "benchmark",
        "modalities": {m: {"count": n, "skipped": {}} for m, (_, n) in modalities.items()},
        "digests": {path.name: digest_of_file(path) for path in sorted(store.iterdir())},
    }  # fmt: skip
    (store / "meta.json").write_text(json.dumps(meta))


class Done(Exception):
    """Enough steps were taken."""


class Memory(threading.Thread):
    """Peaks of a process's memory, looked at ten times a second.

    Attributes:
        own: GB of its own, which the files that are mapped into memory are no part of.
        resident: GB with the pages of files that happen to be in memory.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.own = self.resident = 0.0

    def run(self) -> None:
        """Look until the process ends."""
        while True:
            with open("/proc/self/status") as file:
                found = dict(line.split(":", 1) for line in file)
            own, resident = (int(found[key].split()[0]) / 2**20 for key in ("RssAnon", "VmHWM"))
            self.own, self.resident = max(self.own, own), max(self.resident, resident)
            time.sleep(0.1)


def measure(data: Path, explainer: str) -> dict[str, float]:
    """Start a run, and stop it after some steps."""
    import torch
    from recbole.quick_start import run_recbole
    from torch.optim.optimizer import register_optimizer_step_post_hook

    memory = Memory()
    memory.start()
    steps: list[float] = []
    used: list[float] = []  # seconds of the processor, of all threads

    def stepped(*_: Any) -> None:
        steps.append(time.perf_counter())
        used.append(time.process_time())
        if len(steps) > _STEPS:
            raise Done

    register_optimizer_step_post_hook(stepped)
    settings = {
        "data_path": str(data), "showcase_encoder": "random", "showcase_explainer": explainer,
        "load_col": {"inter": ["user_id", "item_id", "timestamp"]}, "gpu_id": "", "epochs": 1,
        "show_progress": False,
        "eval_args": {"split": {"LS": "valid_and_test"}, "order": "TO", "mode": "full"},
        "metrics": ["Recall", "BLEU1"], "valid_metric": "Recall@10",
        "checkpoint_dir": str(data / "saved"),
    }  # fmt: skip
    sys.argv = sys.argv[:1]
    start, start_used = time.perf_counter(), time.process_time()
    try:
        run_recbole("ShowcaseBPR", NAME, config_dict=settings)
    except Done as done:
        frame = done.__traceback__
        loader = None
        while frame is not None:
            trainer = frame.tb_frame.f_locals.get("self")
            loader = getattr(trainer, "loader", loader)
            frame = frame.tb_next
    assert loader is not None
    begun, begun_used = time.perf_counter(), time.process_time()
    batches = loader.epoch(1)
    for _ in range(_BATCHES):
        next(batches)
    made, made_used = time.perf_counter() - begun, time.process_time() - begun_used
    return {
        "seconds to the first step": steps[0] - start,
        "seconds of the processor until then": used[0] - start_used,
        "ms a step after that": 1000 * (steps[-1] - steps[0]) / (len(steps) - 1),
        "batches a second without the model": _BATCHES / made,
        "ms of processor time a batch": 1000 * made_used / _BATCHES,
        "GB of its own": memory.own,
        "GB with the pages of files": memory.resident,
        "threads": torch.get_num_threads(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=Path("full-size"))
    parser.add_argument(
        "--times",
        type=int,
        nargs="+",
        default=[1],
        help="how many times the photos, one or several",
    )
    parser.add_argument("--share", type=float, default=1.0, help="a share of the whole, to try it")
    parser.add_argument("--explainer", default="showcase")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    for times in options.times:
        data = options.work.resolve() / f"data-{options.share:g}-{times}"
        if options.one:
            warnings.filterwarnings("ignore")
            for what, figure in measure(data, options.explainer).items():
                print(f"{what:42} {figure:8.1f}", flush=True)
            return
        if not (data / NAME / f"{NAME}.features" / "random" / "meta.json").is_file():
            write(data / NAME, times, options.share)
        print(f"{data.name}:", flush=True)
        command = [sys.executable, "-m", "benchmarks.full_size", *sys.argv[1:]]
        subprocess.run([*command, "--times", str(times), "--one"], check=True)


if __name__ == "__main__":
    main()
