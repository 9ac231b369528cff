"""What a GPU keeps busy: embedding, a joint step, showcases a second, and memory.

    python -m benchmarks.gpu                   # on CUDA, at full size
    python -m benchmarks.gpu --device cpu      # at toy size, to see that it runs

Three comparisons, each against a bare loop in the same process, in turns:

* embedding: photos a second of ``embed_dataset``, over those of an encoder of ViT-B-32's size on
  tensors that are on the device already;
* a joint step: seconds over those of the recommender's step and the explainer's by themselves,
  each with and without RecBole's ``enable_amp``;
* showcases a second, photos chosen and texts written, of 1, 64 and 1,024 pairs at once.

Each tells the most memory that its tensors took on the device; on a processor the most that the
process has had until then. At toy size the encoder is the shipped one, and the demo data has only
the users of many visits.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import resource
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import embed, overhead

_READY = 8  # batches of photos that wait on the device; more would be its whole memory


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Attributes:
        photos: How many are embedded at a turn.
        batch: How many of them at once.
        at_once: Pairs that are explained at once, one after the other.
        settings: Of the joint step, beside the demo's.
    """

    photos: int
    batch: int
    at_once: tuple[int, ...]
    settings: dict[str, Any] = field(default_factory=dict)


FULL = Size(20_000, 256, (1, 64, 1_024))
TOY = Size(64, 16, (1, 4, 16), {"user_inter_num_interval": "[13,inf)", "showcase_max_tokens": 16})


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


def begin_memory(device: torch.device) -> None:
    """Forget what the device held until now."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def memory(device: torch.device) -> str:
    """The most that the device held since, or that the process ever had."""
    if device.type == "cuda":
        return f"{torch.cuda.max_memory_allocated(device) / 2**20:.0f} MB at most"
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10:.0f} MB of the process"


def embedding(work: Path, device: torch.device, size: Size, rounds: int) -> None:
    """Photos a second of the whole job over those of the bare encoder."""
    import open_clip

    from recbole_showcase.atomic import PhotoFolder
    from recbole_showcase.encoders import ClipEncoder
    from recbole_showcase.encoders.names import SHIPPED
    from recbole_showcase.encoders.plan import read_source
    from recbole_showcase.encoders.stream import photo_batches

    name = SHIPPED
    if device.type == "cuda":
        name = embed.build_encoder(work / "b32", open_clip.get_model_config("ViT-B-32"))
    photos, count, batch = work / "photos", size.photos, size.batch
    embed.build_photos(photos, min(count, 500), (150, 150))
    dataset = embed.build_dataset(work, photos, count)
    encoder = ClipEncoder.load(name, device=str(device))
    prepare = photo_batches(encoder, PhotoFolder(photos), read_source(dataset, "image"), 80_000_000)
    blocks = np.split(np.arange(count), range(batch, count, batch))
    ready = [encoder.normalise(prepare(block).inputs) for block in blocks[:_READY]]

    def bare() -> None:
        for number, block in enumerate(blocks):
            encoder.encode_images(ready[number % len(ready)][: len(block)])

    begin_memory(device)
    ratios = []
    for turn in range(rounds + 1):  # the first warms up
        alone = seconds(bare, device)
        job = seconds(lambda: embed.job(encoder, dataset, photos, batch), device)
        if turn:
            ratios.append(alone / job)
            print(f"  {count / job:.0f} photos a second, bare {count / alone:.0f}", flush=True)
    ratio = f"{statistics.median(ratios):.3f} of the bare encoder"
    print(f"embedding by {encoder.name}: {ratio}, {memory(device)}", flush=True)


def joint_step(data: Path, device: torch.device, size: Size, rounds: int, *, amp: bool) -> Any:
    """A joint step over the recommender's and the explainer's; the trainer."""
    gpu = str(device.index) if device.type == "cuda" else ""
    changes = {"enable_amp": amp, "gpu_id": gpu, **size.settings}
    saved = data.parent / "saved"
    stock, stock_batches = overhead.prepare("BPR", data, saved, changes)
    alone, _ = overhead.prepare("ShowcaseBPR", data, saved, changes)
    joint, batches = overhead.prepare("ShowcaseBPR", data, saved, changes)
    begin_memory(device)
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
    cells += f"; {memory(device)} for all three models"
    print(f"joint epoch, amp {'on' if amp else 'off'}: {ratio:.3f} ({cells})", flush=True)
    return joint


def showcases(trainer: Any, device: torch.device, size: Size, rounds: int) -> None:
    """Showcases a second of so many pairs at once, and the memory that they take."""
    from recbole_showcase.data.pairs import Pairs

    model = trainer.model.eval()
    data = model.showcase.data
    rows = data.samples(np.flatnonzero(data.corpus.interactions.splits != 0))
    for count in size.at_once:
        pairs = Pairs.of_rows(data.corpus, np.resize(rows, count))
        model.showcase.settings = replace(model.showcase.settings, eval_batch_size=count)
        begin_memory(device)
        model.explain(pairs)
        took = statistics.median(seconds(lambda p=pairs: model.explain(p), device)
                                 for _ in range(rounds))  # fmt: skip
        rate = f"{count / took:.1f} showcases a second"
        print(f"{count:5} pairs at once: {rate}, {memory(device)}", flush=True)


def chosen(name: str) -> torch.device:
    """A device by its name, which RecBole, too, is to take for ``cuda``."""
    device = torch.device(name)
    if device.type == "cuda":
        device = torch.device("cuda", device.index or 0)
        torch.cuda.set_device(device)
    return device


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    usual = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", default=usual)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    device = chosen(given.device)
    cuda = device.type == "cuda"
    size = FULL if cuda else TOY
    print(torch.cuda.get_device_name(device) if cuda else "CPU, at toy size", flush=True)
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        work = Path(folder)
        embedding(work / "embedding", device, size, given.rounds)
        data = overhead.demo_data(work)
        joint_step(data, device, size, given.rounds, amp=True)
        trainer = joint_step(data, device, size, given.rounds, amp=False)
        showcases(trainer, device, size, given.rounds)


if __name__ == "__main__":
    main()
