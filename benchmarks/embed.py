"""How much of the bare encoder's throughput the embedding job keeps, and what memory it takes.

Bare: ``ClipEncoder.encode_images`` on ready tensors, in the order in memory that the job gives
them, once as it is called by default (all cores for one batch) and once in the job's own
arrangement (a core for each batch). The job: ``embed_dataset`` on the same photos, from files
to a store on disk. All are measured in turns, since a busy machine changes them from minute to
minute; printed are the median of the turns' ratios and the ratio of the best turns, which a
busy machine disturbs least.

Reading and encoding share the cores, so no arrangement keeps more than e / (d + e): d is the
processor time for a photo from its file to a ready tensor, e that of encoding it, both of one
core and measured in the same turns. The job's own processor time for a photo is set against it
too: that ratio does not depend on who else uses the machine.

When a job starts there is nothing to encode yet, and at its end one core is idle. Turns of the
shipped encoder are long enough, a few thousand photos, for that to count as little as it does in
real jobs.

    python -m benchmarks.embed                        # generated photos of 150×150
    python -m benchmarks.embed --large                # generated photos of 1600×1200
    python -m benchmarks.embed --photos FOLDER        # the JPEGs of a folder
    python -m benchmarks.embed --memory               # peak memory against number of photos
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np
import open_clip
import torch
from PIL import Image
from safetensors.torch import save_file

from recbole_showcase.atomic import IMAGE, PhotoFolder, write_atomic
from recbole_showcase.encoders import ClipEncoder, embed_dataset
from recbole_showcase.encoders.names import SHIPPED
from recbole_showcase.encoders.plan import read_source
from recbole_showcase.encoders.stream import Prepare, photo_batches


def build_encoder(folder: Path, config: dict) -> str:
    """Write an encoder of random weights; speed does not depend on what they are."""
    folder.mkdir(parents=True)
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    model = open_clip.create_model(f"local-dir:{folder}", load_weights=False)
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(state, folder / "open_clip_model.safetensors")
    return f"local-dir:{folder}"


def build_photos(folder: Path, count: int, size: tuple[int, int]) -> None:
    """Paint soft noise with some grain, which JPEG takes about as long for as for photos."""
    random = np.random.default_rng(7)
    folder.mkdir(parents=True)
    for number in range(count):
        coarse = random.integers(0, 256, (12, 12, 3), dtype=np.uint8)
        soft = np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC))
        grain = random.normal(0, 6, soft.shape)
        pixels = (soft + grain).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:06}.jpg", quality=85)


def build_dataset(root: Path, photos: Path, count: int) -> Path:
    """Write a data set of the first photos of a folder; they are repeated if they are few."""
    files = sorted(path for path in photos.iterdir() if path.suffix.lower() in {".jpg", ".jpeg"})
    rows = [
        {"image_id": f"p{n}", "item_id": "i", "review_id": "", "path": files[n % len(files)].name}
        for n in range(count)
    ]
    folder = root / "bench"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_atomic(folder / "bench.image", IMAGE, rows)
    return folder


@dataclass(frozen=True)
class Cost:
    """What a photo took: seconds on the clock, and of the processor."""

    wall: float
    processor: float


def cost(run: Callable[[], int]) -> Cost:
    """Measure a run that returns its number of photos."""
    wall, processor = time.perf_counter(), time.process_time()
    count = run()
    return Cost((time.perf_counter() - wall) / count, (time.process_time() - processor) / count)


def bare(encoder: ClipEncoder, ready: torch.Tensor, batch: int) -> int:
    for block in ready.split(batch):
        encoder.encode_images(block)
    return len(ready)


def bare_by_core(encoder: ClipEncoder, ready: torch.Tensor, batch: int) -> int:
    threads = torch.get_num_threads()
    with ThreadPoolExecutor(threads, initializer=lambda: torch.set_num_threads(1)) as pool:
        list(pool.map(encoder.encode_images, ready.split(batch)))
    torch.set_num_threads(threads)
    return len(ready)


def job(encoder: ClipEncoder, dataset: Path, photos: Path, batch: int) -> int:
    """Run the whole job, with an encoder that is loaded already."""
    shutil.rmtree(dataset / "bench.features", ignore_errors=True)
    with mock.patch.object(ClipEncoder, "load", return_value=encoder):
        report = embed_dataset(dataset, photo_folder=photos, batch_size=batch, progress=False)
    return report.encoded["image"]


def read(encoder: ClipEncoder, prepare: Prepare, blocks: list[np.ndarray]) -> int:
    with one_core():
        for block in blocks:
            encoder.normalise(prepare(block).inputs)
    return sum(map(len, blocks))


def encode(encoder: ClipEncoder, ready: torch.Tensor, batch: int) -> int:
    with one_core():
        return bare(encoder, ready, batch)


@contextmanager
def one_core() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def throughput(name: str, photos: Path, root: Path, arguments: argparse.Namespace) -> None:
    """Measure one encoder, turn by turn, and print what came out."""
    count = arguments.count if "b32" in name else arguments.count * 24
    dataset = build_dataset(root, photos, count)
    encoder = ClipEncoder.load(name)
    source = read_source(dataset, "image")
    prepare = photo_batches(encoder, PhotoFolder(photos), source, 80_000_000)
    blocks = list(np.split(np.arange(count), range(arguments.batch, count, arguments.batch)))
    # As the job gives them to the encoder; torch.cat keeps their order in memory.
    ready = torch.cat([encoder.normalise(prepare(block).inputs) for block in blocks])
    runs = {
        "job": lambda: job(encoder, dataset, photos, arguments.batch),
        "bare": lambda: bare(encoder, ready, arguments.batch),
        "bare, a core a batch": lambda: bare_by_core(encoder, ready, arguments.batch),
        "reading": lambda: read(encoder, prepare, blocks),
        "encoding": lambda: encode(encoder, ready, arguments.batch),
    }
    turns: dict[str, list[Cost]] = {name: [] for name in runs}
    for turn in range(arguments.rounds + 1):
        for kind, run in runs.items():
            spent = cost(run)
            if turn:  # the first one warms up
                turns[kind].append(spent)
        if turn:
            told = (f"{kind} {1 / spent[-1].wall:.1f}/s" for kind, spent in turns.items())
            print("  " + ", ".join(told), flush=True)
    print(f"{encoder.name}, {count} photos a turn")
    report(turns)


def report(turns: dict[str, list[Cost]]) -> None:
    """Print the ratios to the bare encoder and to what is possible."""
    reading = min(spent.processor for spent in turns["reading"])
    encoding = min(spent.processor for spent in turns["encoding"])
    limit = encoding / (reading + encoding)
    print(f"  a photo: d = {reading * 1e6:.0f} µs, e = {encoding * 1e6:.0f} µs of one core")
    print(f"  limit e / (d + e) = {limit:.3f} of the encoder that is given a core a batch")
    for kind in ("bare", "bare, a core a batch"):
        kept = [b.wall / j.wall for j, b in zip(turns["job"], turns[kind], strict=True)]
        best = min(b.wall for b in turns[kind]) / min(j.wall for j in turns["job"])
        print(f"  job / {kind}: median {statistics.median(kept):.3f}, best turns {best:.3f}")
    share = (reading + encoding) / min(spent.processor for spent in turns["job"])
    print(f"  by processor time: {limit * share:.3f} of the encoder, {share:.3f} of the limit")


def memory(name: str, photos: Path, root: Path) -> None:
    """Print the peak memory of jobs of different sizes, each in a process of its own."""
    for count in (500, 2_800, 11_200):
        dataset = build_dataset(root, photos, count)
        again = [sys.executable, "-m", "benchmarks.embed", "--one"]
        command = [*again, name, str(dataset), str(photos)]
        peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        print(f"{count:6} photos: peak {int(peak) / 1024:.1f} MB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, help="folder of JPEGs; generated by default")
    parser.add_argument(
        "--count",
        type=int,
        default=128,
        help="photos a turn for the large encoder; the shipped one gets 24 times as many",
    )
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", choices=["b32", "tiny"])
    parser.add_argument("--large", action="store_true", help="generate photos of 1600×1200")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        name, dataset, photos = arguments.one
        embed_dataset(Path(dataset), name, photo_folder=Path(photos), progress=False)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        return
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        photos = arguments.photos or root / "photos"
        if arguments.photos is None:
            if arguments.large:
                build_photos(photos, 40, (1600, 1200))
            else:
                build_photos(photos, 500, (150, 150))
        if arguments.memory:
            memory(SHIPPED, photos, root)
            return
        if arguments.only != "tiny":
            large = build_encoder(root / "b32", open_clip.get_model_config("ViT-B-32"))
            throughput(large, photos, root, arguments)
        if arguments.only != "b32":
            throughput(SHIPPED, photos, root, arguments)


if __name__ == "__main__":
    main()
