"""What a GPU keeps busy: embedding, a joint step, showcases a second, and memory.

    python -m benchmarks.gpu                   # on CUDA, at full size
    python -m benchmarks.gpu --device cpu      # at toy size, to see that it runs

Three comparisons, each against a bare loop in the same process, in turns:

* embedding: photos a second of ``embed_dataset``, over those of an encoder of ViT-B-32's size on
  tensors that are on the device already;
* a joint step: seconds over those of the recommender's step and the explainer's by themselves,
  each with and without RecBole's ``enable_amp``;
* showcases a second, photos chosen and texts written, of 1, 64 and 1,024 pairs at once, and the
  most memory that the device held.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import embed, overhead


def seconds(run: Callable[[], Any], device: torch.device) -> float:
    """By the clock, until the device has done all that it was given."""

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    wait()
    start = time.perf_counter()
    run()
    wait()
    return time.perf_counter() - start


def embedding(work: Path, device: torch.device, count: int, rounds: int) -> None:
    """Photos a second of the whole job over those of the bare encoder."""
    import open_clip

    from recbole_showcase.atomic import PhotoFolder
    from recbole_showcase.encoders import ClipEncoder
    from recbole_showcase.encoders.names import SHIPPED
    from recbole_showcase.encoders.plan import read_source
    from recbole_showcase.encoders.stream import photo_batches

    name, batch = SHIPPED, 32
    if device.type == "cuda":
        name = embed.build_encoder(work / "b32", open_clip.get_model_config("ViT-B-32"))
        batch = 256
    photos = work / "photos"
    embed.build_photos(photos, min(count, 500), (150, 150))
    dataset = embed.build_dataset(work, photos, count)
    encoder = ClipEncoder.load(name, device=str(device))
    prepare = photo_batches(encoder, PhotoFolder(photos), read_source(dataset, "image"), 80_000_000)
    blocks = np.split(np.arange(count), range(batch, count, batch))
    ready = torch.cat([encoder.normalise(prepare(block).inputs) for block in blocks]).to(device)
    ratios = []
    for turn in range(rounds + 1):  # the first warms up
        bare = seconds(lambda: embed.bare(encoder, ready, batch), device)
        job = seconds(lambda: embed.job(encoder, dataset, photos, batch), device)
        if turn:
            ratios.append(bare / job)
            print(f"  {count / job:.0f} photos a second, bare {count / bare:.0f}", flush=True)
    print(f"embedding by {encoder.name}: {statistics.median(ratios):.3f} of the bare encoder")


def joint_step(work: Path, device: torch.device, rounds: int, *, amp: bool) -> Any:
    """A joint step over the recommender's and the explainer's; the trainer."""
    changes = {"enable_amp": amp, "gpu_id": "0" if device.type == "cuda" else ""}
    data, saved = overhead.demo_data(work), work / "saved"
    stock, stock_batches = overhead.prepare("BPR", data, saved, changes)
    alone, _ = overhead.prepare("ShowcaseBPR", data, saved, changes)
    joint, batches = overhead.prepare("ShowcaseBPR", data, saved, changes)
    took: dict[str, list[float]] = {"recommender": [], "explainer": [], "joint": []}
    for epoch in range(rounds + 1):  # the first warms up
        runs = {
            "recommender": lambda epoch=epoch: stock._train_epoch(stock_batches, epoch),
            "explainer": lambda epoch=epoch: alone._explanation_steps(
                alone.loader.epoch(epoch), epoch, show_progress=False
            ),
            "joint": lambda epoch=epoch: joint._train_epoch(batches, epoch),
        }
        for kind, run in runs.items():
            took[kind].append(seconds(run, device))
        alone.model.explanation_losses.clear()
    medians = {kind: statistics.median(values[1:]) for kind, values in took.items()}
    ratio = medians["joint"] / (medians["recommender"] + medians["explainer"])
    cells = ", ".join(f"{kind} {1000 * value:.0f} ms" for kind, value in medians.items())
    print(f"joint epoch, amp {'on' if amp else 'off'}: {ratio:.3f} ({cells})", flush=True)
    return joint


def showcases(trainer: Any, device: torch.device, sizes: tuple[int, ...], rounds: int) -> None:
    """Showcases a second of so many pairs at once, and the memory that they take."""
    from recbole_showcase.data.pairs import Pairs

    model = trainer.model.eval()
    data = model.showcase.data
    rows = data.samples(np.flatnonzero(data.corpus.interactions.splits != 0))
    for size in sizes:
        pairs = Pairs.of_rows(data.corpus, np.resize(rows, size))
        model.showcase.settings = replace(model.showcase.settings, eval_batch_size=size)
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        model.explain(pairs)
        took = statistics.median(seconds(lambda p=pairs: model.explain(p), device)
                                 for _ in range(rounds))  # fmt: skip
        held = ""
        if device.type == "cuda":
            held = f", {torch.cuda.max_memory_allocated(device) / 2**20:.0f} MB at most"
        print(f"{size:5} pairs at once: {size / took:.1f} showcases a second{held}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    usual = "cuda:0" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", default=usual, type=torch.device)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    cuda = given.device.type == "cuda"
    print(torch.cuda.get_device_name(given.device) if cuda else "CPU, at toy size")
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        work = Path(folder)
        embedding(work / "embedding", given.device, 20_000 if cuda else 256, given.rounds)
        joint_step(work, given.device, given.rounds, amp=True)
        trainer = joint_step(work, given.device, given.rounds, amp=False)
        showcases(trainer, given.device, (1, 64, 1_024) if cuda else (1, 64), given.rounds)


if __name__ == "__main__":
    main()
