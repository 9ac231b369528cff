"""Choosing photos of items that have very many: time and memory against the bare comparison.

    python -m benchmarks.candidates

Generates items of 50, 500 and 5,000 photos, the same number of pairs each, features 512 wide.
Each size runs in a process of its own, and prints candidates a second, the peak of memory above
what was held before, and how many times as long it takes as the bare comparison: reading each
item's features once a pair and multiplying them with one vector.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

WIDTH = 512
USERS = 200


def write(folder: Path, items: int, photos: int) -> None:
    """A data set of some items with some photos each, of random features."""
    from recbole_showcase.atomic import IMAGE, INTER, REVIEW, write_atomic

    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    name = folder.name
    pairs = np.array([(user, (user + n) % items) for user in range(USERS) for n in range(5)])
    pairs = rng.permutation(pairs)
    reviews = [f"r{n}" for n in range(len(pairs))]
    inter = pd.DataFrame({
        "user_id": [f"u{user}" for user in pairs[:, 0]],
        "item_id": [f"i{item}" for item in pairs[:, 1]],
        "rating": 5.0, "timestamp": np.arange(len(pairs), dtype=float), "review_id": reviews,
    })  # fmt: skip
    write_atomic(folder / f"{name}.inter", INTER, inter)
    texts = pd.DataFrame({"review_id": reviews, "text": "The soup was great.", "explanation": ""})
    write_atomic(folder / f"{name}.review", REVIEW, texts)
    of_item = [inter.index[inter["item_id"] == f"i{item}"] for item in range(items)]
    posted = np.concatenate([np.resize(rows, photos) for rows in of_item])
    image = pd.DataFrame({
        "image_id": [f"p{n}" for n in range(len(posted))], "item_id": inter["item_id"][posted],
        "review_id": inter["review_id"][posted], "path": [f"{n}.jpg" for n in range(len(posted))],
    })  # fmt: skip
    write_atomic(folder / f"{name}.image", IMAGE, image)
    store = folder / f"{name}.features" / "random"
    store.mkdir(parents=True)
    counts = {}
    for modality, ids in (("image", image["image_id"]), ("review", reviews)):
        features = rng.normal(size=(len(ids), WIDTH)).astype(np.float32)
        features /= np.linalg.norm(features, axis=1, keepdims=True)
        np.save(store / f"{modality}.npy", features.astype(np.float16))
        (store / f"{modality}.ids").write_text("".join(f"{token}\n" for token in ids))
        counts[modality] = {"count": len(ids), "skipped": {}}
    meta = {"encoder": "random", "architecture": "", "weights": "", "weights_digest": "",
            "preprocessing": {}, "dim": WIDTH, "dtype": "float16", "modalities": counts,
            "package_version": "benchmark"}  # fmt: skip
    (store / "meta.json").write_text(json.dumps(meta))


def model_of(folder: Path) -> Any:
    """An untrained composed model of the data set."""
    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation
    from recbole.utils import get_model

    import recbole_showcase  # noqa: F401 - registers with RecBole

    settings = {
        "data_path": str(folder.parent), "showcase_encoder": "random", "gpu_id": "",
        "show_progress": False,
        "load_col": {"inter": ["user_id", "item_id", "timestamp"]}, "showcase_explainer": "nrt",
        "train_neg_sample_args": None, "metrics": ["ImageF1"], "valid_metric": "ImageF1@3",
        "eval_args": {"split": {"RS": [0.6, 0.1, 0.3]}, "order": "TO", "mode": "full"},
    }  # fmt: skip
    sys.argv = sys.argv[:1]
    config = Config("ShowcaseBPR", folder.name, config_dict=settings)
    loaders = data_preparation(config, create_dataset(config))
    return get_model("ShowcaseBPR")(config, loaders[0]._dataset).eval()


def measure(photos: int, pairs: int) -> None:
    """Print one row of the table."""
    from recbole_showcase.data.pairs import Pairs

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "generated"
        write(folder, max(20_000 // photos, 10), photos)
        with contextlib.redirect_stdout(io.StringIO()):
            model = model_of(folder)
        data = model.showcase.data
        rows = np.flatnonzero(data.corpus.interactions.users > 0)[:pairs]
        asked = Pairs.of_rows(data.corpus, rows)
        model.explain(asked[:2], text=False)  # warms up
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start = time.perf_counter()
        model.explain(asked, text=False)
        seconds = time.perf_counter() - start
        peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        start = time.perf_counter()
        vector = np.ones(WIDTH, dtype=np.float32)
        for item in asked.items:
            data.photos.features[data.photos.of_item.first(np.array([item]), photos)[0]] @ vector
        bare = time.perf_counter() - start
    rate = len(asked) * photos / seconds
    print(f"{photos:7,} {rate:14,.0f} {peak:11.0f} MB {seconds / bare:10.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=int, nargs="+", default=[50, 500, 5_000])
    parser.add_argument("--pairs", type=int, default=512)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        warnings.filterwarnings("ignore")
        measure(options.photos[0], options.pairs)
        return
    print(f"{options.pairs} pairs, {WIDTH} wide\n photos   candidates/s   memory above      ratio")
    for photos in options.photos:
        command = ["--one", "--photos", str(photos), "--pairs", str(options.pairs)]
        subprocess.run([sys.executable, "-m", "benchmarks.candidates", *command], check=True)


if __name__ == "__main__":
    main()
