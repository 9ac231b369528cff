"""How much of the bare encoder's throughput the embedding job keeps, and what memory it takes.

Bare: ``ClipEncoder.encode_images`` on ready tensors, once as it is called by default (all
cores for one batch) and once in the job's own arrangement (a core for each batch). The job:
``embed_dataset`` on the same photos, from files to a store on disk. All are measured in turns,
since a busy machine changes them from minute to minute; printed are the median of the
turns' ratios and the ratio of the best turns, which a busy machine disturbs least.

    python benchmarks/embed.py                        # generated photos
    python benchmarks/embed.py --photos FOLDER        # the JPEGs of a folder
    python benchmarks/embed.py --memory               # peak memory against number of photos
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
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import numpy as np
import open_clip
import torch
from PIL import Image
from safetensors.torch import save_file

from recbole_showcase.atomic import IMAGE, write_atomic
from recbole_showcase.encoders import ClipEncoder, embed_dataset
from recbole_showcase.encoders.photos import read_photo
from recbole_showcase.resources import weights_path

TINY = {
    "embed_dim": 128,
    "vision_cfg": {"image_size": 64, "layers": 6, "width": 192, "patch_size": 8, "head_width": 32},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 1},
}


def build_encoder(folder: Path, config: dict) -> str:
    """Write an encoder of random weights; speed does not depend on what they are."""
    folder.mkdir(parents=True)
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    model = open_clip.create_model(f"local-dir:{folder}", load_weights=False)
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(state, folder / "open_clip_model.safetensors")
    return f"local-dir:{folder}"


def build_photos(folder: Path, count: int) -> None:
    """Paint soft noise of 150×150 pixels, which JPEG takes about as long for as for photos."""
    random = np.random.default_rng(7)
    folder.mkdir(parents=True)
    for number in range(count):
        coarse = random.integers(0, 256, (12, 12, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((150, 150), Image.Resampling.BICUBIC).save(
            folder / f"{number:06}.jpg", quality=85
        )


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


def rate(run: Callable[[], int]) -> float:
    """Photos a second of a run that returns its number of photos."""
    started = time.perf_counter()
    return run() / (time.perf_counter() - started)


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


def throughput(name: str, photos: Path, root: Path, arguments: argparse.Namespace) -> None:
    count = arguments.count if "b32" in name else arguments.count * 8
    dataset = build_dataset(root, photos, count)
    encoder = ClipEncoder.load(name)
    paths = sorted(path for path in photos.iterdir() if path.suffix.lower() in {".jpg", ".jpeg"})
    decoded = [
        encoder.preprocess(read_photo(paths[n % len(paths)], encoder.image_size))
        for n in range(count)
    ]
    ready = torch.stack(decoded)
    del decoded
    runs = {
        "job": lambda: job(encoder, dataset, photos, arguments.batch),
        "bare": lambda: bare(encoder, ready, arguments.batch),
        "bare, a core a batch": lambda: bare_by_core(encoder, ready, arguments.batch),
    }
    rates: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(arguments.rounds + 1):
        measured = {name: rate(run) for name, run in runs.items()}
        if turn:  # the first one warms up
            print("  " + ", ".join(f"{k} {v:.1f}" for k, v in measured.items()), flush=True)
            for name, value in measured.items():
                rates[name].append(value)
    print(f"{encoder.name}, {count} photos a turn, photos a second as above:")
    for name in list(runs)[1:]:
        kept = [a / b for a, b in zip(rates["job"], rates[name], strict=True)]
        best = max(rates["job"]) / max(rates[name])
        print(f"  job / {name}: median {statistics.median(kept):.3f}, best turns {best:.3f}")


def memory(name: str, photos: Path, root: Path) -> None:
    """Print the peak memory of jobs of different sizes, each in a process of its own."""
    for count in (500, 2_800, 11_200):
        dataset = build_dataset(root, photos, count)
        command = [sys.executable, __file__, "--one", name, str(dataset), str(photos)]
        peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        print(f"{count:6} photos: peak {int(peak) / 1024:.1f} MB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, help="folder of JPEGs; generated by default")
    parser.add_argument(
        "--count",
        type=int,
        default=128,
        help="photos a turn for the large encoder; the tiny one gets eight times as many",
    )
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", choices=["b32", "tiny"])
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
            build_photos(photos, 500)
        shipped = (weights_path() / "showcase-tiny").is_dir()
        tiny = "showcase-tiny" if shipped else build_encoder(root / "tiny", TINY)
        if arguments.memory:
            memory(tiny, photos, root)
            return
        if arguments.only != "tiny":
            large = build_encoder(root / "b32", open_clip.get_model_config("ViT-B-32"))
            throughput(large, photos, root, arguments)
        if arguments.only != "b32":
            throughput(tiny, photos, root, arguments)


if __name__ == "__main__":
    main()
