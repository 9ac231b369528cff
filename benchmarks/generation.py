"""Samples a second of writing in batches, against calling ``generate`` one pair at a time.

    python -m benchmarks.generation                # the demo world, an explainer of default size

Both write greedily with cached keys and values, for the same pairs and photos, in turns; the texts
must be equal. The weights are those before training: texts then run to the most tokens, so both
write the same number.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import recbole_showcase  # noqa: F401 - registers


def build(work: Path) -> Any:
    """A composed model on the demo world, not trained."""
    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation
    from recbole.utils import get_model, init_seed

    from recbole_showcase.cli.demo import copy_demo
    from recbole_showcase.encoders import embed_dataset
    from recbole_showcase.integration.checkpoint import clean_argv
    from recbole_showcase.resources import properties_path

    data = copy_demo(work / "data")
    embed_dataset(data, progress=False)
    settings = {"data_path": str(data.parent), "show_progress": False}
    with clean_argv():
        config = Config("ShowcaseBPR", data.name, [str(properties_path() / "demo.yaml")], settings)
    init_seed(1, True)
    train, _, _ = data_preparation(config, create_dataset(config))
    return get_model("ShowcaseBPR")(config, train._dataset).eval()


def timed(write: Callable[[], list[str]]) -> tuple[float, list[str]]:
    """Seconds and texts."""
    start = time.perf_counter()
    texts = write()
    return time.perf_counter() - start, texts


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    from recbole_showcase.data.pairs import Pairs

    with tempfile.TemporaryDirectory() as work:
        model = build(Path(work))
        data = model.showcase.data
        pairs = Pairs.of_rows(data.corpus, data.train_rows[: given.pairs])
        photos = model.explain(pairs, text=False).photos

        def batched() -> list[str]:
            return model.explain(pairs, photos=photos).texts

        def one_by_one() -> list[str]:
            rows = (slice(n, n + 1) for n in range(len(pairs)))
            return [model.explain(pairs[row], photos=photos[row]).texts[0] for row in rows]

        batched()
        ratios = []
        for _ in range(given.rounds):
            (ours, texts), (single, same) = timed(batched), timed(one_by_one)
            equal = np.mean([a == b for a, b in zip(texts, same, strict=True)])
            ratios.append(single / ours)
            rates = f"{len(pairs) / ours:.1f} a second, one by one {len(pairs) / single:.1f}"
            print(f"batched {rates}, ratio {ratios[-1]:.1f}, equal {equal:.1%}")
    print(f"median ratio {statistics.median(ratios):.1f}")


if __name__ == "__main__":
    main()
