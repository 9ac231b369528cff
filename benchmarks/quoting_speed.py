"""Pairs a second of quoting, over the bare arithmetic that it cannot do without, and over writing.

    OMP_NUM_THREADS=1 python -m benchmarks.quoting_speed --rounds 5

All users of the demo world with five items each, photos chosen beforehand. ``quote`` looks up the
sentences, compares them, chooses and splits reviews; the bare arithmetic is two matrix products
with the same sentences' features, ready in memory, and the greedy DPP on them. ``showcase`` writes
for every twentieth of the pairs with the weights before training. In turns on one machine.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import recbole_showcase  # noqa: F401 - registers


def built(data: Path, explainer: str) -> Any:
    """A composed model on the demo world, before training."""
    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation
    from recbole.utils import get_model, init_seed

    from recbole_showcase.integration.checkpoint import clean_argv
    from recbole_showcase.resources import properties_path

    settings = {
        "data_path": str(data.parent),
        "show_progress": False,
        "showcase_explainer": explainer,
    }
    with clean_argv():
        config = Config("ShowcaseBPR", data.name, [str(properties_path() / "demo.yaml")], settings)
    init_seed(1, True)
    train, _, _ = data_preparation(config, create_dataset(config))
    return get_model("ShowcaseBPR")(config, train._dataset).eval()


def arithmetic(model: Any, pairs: Any, photos: np.ndarray) -> Callable[[], Any]:
    """Two matrix products and the DPP, batch by batch, on features that are ready."""
    head = model.showcase
    size = head.settings.eval_batch_size
    ready = [
        head.data.explanation_batch(
            pairs[start : start + size],
            photos[start : start + size],
            head.data.profile(pairs[start : start + size]),
        )
        for start in range(0, len(pairs), size)
    ]

    def work() -> None:
        for batch in ready:
            features = batch.sentence_features
            past = torch.bmm(features, batch.review_features.mean(dim=1).unsqueeze(2)).squeeze(2)
            seen = torch.bmm(features, batch.photo_features.mean(dim=1).unsqueeze(2)).squeeze(2)
            head.explainer.selector(past + seen, features, batch.sentence_mask, 2)

    return work


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", type=Path, help="where the data is kept; a folder that goes")
    given = parser.parse_args()
    from recbole_showcase.cli.demo import copy_demo
    from recbole_showcase.data.pairs import Pairs
    from recbole_showcase.encoders import embed_dataset

    with tempfile.TemporaryDirectory() as work:
        data = copy_demo((given.work or Path(work)).resolve() / "data")
        embed_dataset(data, progress=False, sentences=True)
        quote, showcase = built(data, "quote"), built(data, "showcase")
        corpus = quote.showcase.data.corpus
        users = np.repeat(np.arange(1, corpus.n_users), 5)
        items = np.random.default_rng(0).integers(1, len(corpus.item_tokens), len(users))
        pairs = Pairs.of_ids(users, items)
        photos = quote.explain(pairs, text=False).photos
        known = quote.showcase.data.sentences.of_items(pairs, 256) >= 0
        print(f"{len(pairs)} pairs, {known.sum(axis=1).mean():.0f} sentences each on average")
        some = np.arange(0, len(pairs), 20)
        ways = {
            "quote": lambda: quote.explain(pairs, photos=photos),
            "arithmetic": arithmetic(quote, pairs, photos),
            "showcase": lambda: showcase.explain(pairs[some], photos=photos[some]),
        }
        took: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(given.rounds + 1):
            for name, way in ways.items():
                start = time.process_time()
                way()
                if turn:  # the first warms up
                    took[name].append(time.process_time() - start)
    share = {"showcase": len(pairs) / len(some)}
    seconds = {name: np.array(values) * share.get(name, 1.0) for name, values in took.items()}
    for name, values in seconds.items():
        print(f"{name}: {len(pairs) / np.median(values):,.0f} pairs a second of processor time")
    for other in ("arithmetic", "showcase"):
        ratio = seconds[other] / seconds["quote"]
        spread = f"{ratio.min():.3f} to {ratio.max():.3f}"
        print(f"quote's pairs a second over those of {other}: {np.median(ratio):.3f} ({spread})")


if __name__ == "__main__":
    main()
