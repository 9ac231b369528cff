"""Who took the photo: ELVis, MF-ELVis and BRIE, against all negatives and against likely ones.

    python -m benchmarks.authorship --work authorship-runs
    python -m benchmarks.authorship --work authorship-runs --data data/gijon --encoder tripadvisor

Trains photo selection alone, beside a recommender that learns nothing, under each relevance, kind
of negatives and seed, chooses the epoch by MAUC on the valid split and prints MRecall@10, MNDCG@10
and MAUC of the test split, mean and standard deviation over the seeds, with the test cases.
``--data`` names a data set of one's own, converted with a split, in place of the demo world.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

import recbole_showcase  # noqa: F401 - registers
from recbole_showcase import metrics
from recbole_showcase.data.loader import ExplanationLoader
from recbole_showcase.data.pairs import Pairs
from recbole_showcase.evaluation.authorship import authorship_cases

NAMES = ("random", "mf_elvis", "brie", "elvis")
SPLIT = {  # of a data set that was converted with one
    "benchmark_filename": ["train", "valid", "test"],
    "load_col": None,
    "eval_args": {"order": "RO", "mode": "full"},
}


def configuration(name: str, files: list[str], settings: dict[str, Any]) -> Any:
    """RecBole's, without what the command line says."""
    from recbole.config import Config

    from recbole_showcase.integration.checkpoint import clean_argv

    with clean_argv():
        return Config("ShowcaseBPR", name, config_file_list=files, config_dict=settings)


def trained(model: Any, seed: int, epochs: int, step: int, rate: float) -> Iterator[None]:
    """Train photo selection; hands over after every ``step`` epochs."""
    head = model.showcase
    if not head.relevance.loss_names:
        yield
        return
    loader = ExplanationLoader(head.data, seed, selection=True, writing=False)
    optimizer = torch.optim.Adam(head.relevance.parameters(), lr=rate)
    torch.manual_seed(seed)
    for epoch in range(epochs):
        head.train()
        for batch in loader.epoch(epoch):
            optimizer.zero_grad()
            sum(head.selection_losses(batch.selection, None, None)).backward()
            optimizer.step()
        if (epoch + 1) % step == 0:
            head.eval()
            yield


def figures(model: Any, split: Any, settings: Any) -> dict[str, float]:
    """MRecall@10, MNDCG@10 and MAUC of a split, and the test cases of both kinds."""
    data = model.showcase.data
    pairs = Pairs.of_rows(data.corpus, np.sort(data.evaluated(split.showcase_rows)))
    cases = authorship_cases(model, pairs)
    hard = cases.demanding(settings)
    return {
        "MRecall@10": metrics.authorship_recall(hard.places, 10),
        "MNDCG@10": metrics.authorship_ndcg(hard.places, 10),
        "MRecallCases": len(hard.pairs),
        "MAUC": metrics.authorship_auc(cases.places),
        "MAUCCases": len(cases.pairs),
    }


def run(
    settings: dict[str, Any], name: str, files: list[str], splits: list[Any], arguments: Any
) -> dict[str, float]:
    """Figures of the test split at the epoch with the best MAUC of the valid split."""
    from recbole.utils import get_model

    train, valid, test = splits
    model = get_model("ShowcaseBPR")(configuration(name, files, settings), train).eval()
    limits = model.showcase.settings
    best, found = -1.0, {}
    rate, step = arguments.learning_rate, arguments.step
    for _ in trained(model, settings["seed"], arguments.epochs, step, rate):
        reached = figures(model, valid, limits)["MAUC"]
        if reached > best:
            best, found = reached, figures(model, test, limits)
    return found


def settings_of(relevance: str, negatives: str, seed: int, arguments: Any) -> dict[str, Any]:
    """What a row of the table is, with a seed."""
    own: dict[str, Any] = {"seed": seed, "showcase_relevance": relevance}
    if relevance == "random":
        return {**own, "relevance_seed": seed}
    return {
        **own,
        "relevance_hidden_size": arguments.hidden,
        "relevance_negatives": negatives,
        "relevance_likely_quantile": arguments.quantile,
    }


def row_of(found: list[dict[str, float]]) -> str:
    """Means and standard deviations over seeds, and numbers of cases, as cells of a table."""
    told = []
    for name in found[0]:
        values = [one[name] for one in found]
        mean, spread = np.mean(values), np.std(values, ddof=1) if len(values) > 1 else 0.0
        told.append(f"{mean:.0f}" if name.endswith("Cases") else f"{mean:.3f} ± {spread:.3f}")
    return " | ".join(told)


def cells(
    settings: dict[str, Any], name: str, files: list[str], arguments: Any
) -> Iterator[tuple[tuple[str, str], list[dict[str, float]]]]:
    """Relevance and negatives of each row, and its figures by seed."""
    from recbole.data import create_dataset, data_preparation

    config = configuration(name, files, settings)
    splits = [loader._dataset for loader in data_preparation(config, create_dataset(config))]
    kinds = ("uniform", "likely")
    for cell in ((r, k) for r in arguments.relevances for k in kinds[: 1 + (r != "random")]):
        own = [settings | settings_of(*cell, seed, arguments) for seed in arguments.seeds]
        yield cell, [run(each, name, files, splits, arguments) for each in own]


def fixed_settings(data: Path, work: Path, arguments: Any) -> dict[str, Any]:
    """What all rows of the table have in common."""
    return {
        "data_path": str(data.parent),
        "checkpoint_dir": str(work / "saved"),
        "show_progress": False,
        "metrics": ["MAUC"],
        "valid_metric": "MAUC",
        "showcase_encoder": arguments.encoder,
        "showcase_explainer": "show_and_tell",
        "showcase_selector": "topk",
        "showcase_relevance": "random",
        "showcase_case_author_photos": arguments.author_photos,
    }


def parser() -> argparse.ArgumentParser:
    """The options, which say what a small version leaves as it is."""
    found = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    found.add_argument("--seeds", type=int, nargs="+", default=[2020, 2021, 2022])
    found.add_argument("--relevances", nargs="+", default=NAMES, choices=NAMES)
    found.add_argument("--hidden", type=int, default=64, help="width of all models")
    found.add_argument("--epochs", type=int, default=60)
    found.add_argument("--step", type=int, default=4, help="epochs between validations")
    found.add_argument("--learning-rate", type=float, default=0.003)
    found.add_argument("--quantile", type=float, default=0.1, help="of likely negatives")
    found.add_argument("--author-photos", type=int, default=10, help="fewest of a user")
    found.add_argument("--work", type=Path, default=Path("authorship-runs"))
    found.add_argument("--data", type=Path, help="DATA/NAME of a converted data set")
    found.add_argument("--encoder", default="showcase-tiny", help="the feature store to read")
    return found


def main() -> None:
    arguments = parser().parse_args()
    from recbole_showcase.cli.demo import copy_demo
    from recbole_showcase.encoders import embed_dataset
    from recbole_showcase.resources import properties_path

    work = arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    files, own = [str(properties_path() / "demo.yaml")], {}
    if arguments.data:
        data, own, files = arguments.data.resolve(), SPLIT, []
    else:
        data = copy_demo(work / "data")
        embed_dataset(data, progress=False)
    settings = fixed_settings(data, work, arguments) | own
    for cell, found in cells(settings, data.name, files, arguments):
        print(f"| {' | '.join(cell)} | {row_of(found)} |", flush=True)


if __name__ == "__main__":
    main()
