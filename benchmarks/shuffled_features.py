"""What a recommender that sees gains from what it sees: the same runs with features of other items.

    recbole-showcase benchmark examples/benchmarks/seeing.yaml --jobs 2
    python -m benchmarks.shuffled_features benchmark-seeing --base FREEDOM

Trains and tests every run of a base in the folder of a benchmark once more, with all its settings,
those that its search has found among them. The features of the items are dealt out to the items
anew, the same way in each run: vectors and gradients are as many and as long as before, and
say nothing of the item that has them. Prints both figures by data set, mean and standard deviation
over seeds on the test split.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recbole_showcase.benchmark.plan import Task
from recbole_showcase.benchmark.records import TaskFolder
from recbole_showcase.files.yaml_files import write_yaml
from recbole_showcase.integration import experiments
from recbole_showcase.recommenders import base as seeing

_DEAL = 0  # seeds the way in which features are dealt out


def dealt_out(found: seeing.ItemFeatures) -> seeing.ItemFeatures:
    """Features of items in another order; the padding keeps its own."""
    others = 1 + np.random.default_rng(_DEAL).permutation(len(found.known) - 1)
    order = np.append(0, others)
    return seeing.ItemFeatures(found.vectors[order], found.known[order])


def trained_again(task: Task) -> Mapping[str, float]:
    """Test figures of a run whose items have features of others."""
    true = seeing.item_features
    dealt = 0

    def shuffled(*given: Any) -> seeing.ItemFeatures:
        nonlocal dealt
        dealt += 1
        return dealt_out(true(*given))

    seeing.item_features = shuffled
    try:
        with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):
            config = Path(scratch) / "run.yaml"
            own = {"show_progress": False, "state": "ERROR", "checkpoint_dir": scratch}
            write_yaml(config, {**task.settings, **own})
            result = experiments.train_and_test(task.model, task.dataset, config)[1]
    finally:
        seeing.item_features = true
    if not dealt:
        raise SystemExit(f"{task.model} reads no features of items")
    return result


def spread(values: Sequence[float]) -> str:
    """Mean and standard deviation."""
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.4f} ± {deviation:.4f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("results", type=Path, help="folder that a benchmark has written")
    parser.add_argument("--base", default="FREEDOM", help="name of a recommender that sees")
    arguments = parser.parse_args()
    pairs = defaultdict(list)
    for path in sorted((arguments.results / "runs").glob(f"*-Showcase{arguments.base}-*")):
        folder = TaskFolder(path.resolve())
        record = folder.record()
        if record is not None and record.status == "done":
            print(f"once more: {path.name}", flush=True)
            pairs[folder.task().dataset].append((record.result, trained_again(folder.task())))
    if not pairs:
        raise SystemExit(f"{arguments.results} has no finished run of {arguments.base}")
    for dataset, both in pairs.items():
        print(f"{dataset}, {len(both)} seeds")
        for name in both[0][0]:
            true, other = ([each[n][name] for each in both] for n in (0, 1))
            print(f"  {name:12} {spread(true)}    features of other items: {spread(other)}")


if __name__ == "__main__":
    main()
