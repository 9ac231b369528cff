"""How many sentences to quote, how much the photos count, and relevance against variety?

    python benchmarks/quoting.py --work quoting-runs --jobs 2

Trains BPR and learned relevance on drawings of the demo world that no other figure of quoting is
of; ``quote`` itself learns nothing. For every row of their valid and test splits it then quotes
under each setting from the same chosen photos, and prints how the texts compare with the true ones:
mean and standard deviation over drawings and seeds. The shipped settings are chosen by it. Finished
runs are kept in the work folder and not repeated.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import claims
import numpy as np

import recbole_showcase
from recbole_showcase.files.replace import replace_text

DRAWINGS = (301, 302, 303, 304, 305)
SEEDS = (2020,)
# What is changed, and the values that are compared; the others stay as they ship.
SETTINGS: dict[str, tuple[float, ...]] = {
    "explainer_sentences": (1, 2, 3),
    "explainer_photo_weight": (0.0, 0.5, 1.0, 2.0, 4.0, 8.0),
    "explainer_trade_off": (0.25, 0.5, 1.0, 2.0, 4.0),
}
COLUMNS = ("BLEU1", "ROUGEL", "FMR", "Distinct2", "USR")


def train(data: Path, seed: int, saved: Path) -> Path:
    """Train what chooses photos; the checkpoint."""
    from recbole.quick_start import run_recbole

    from recbole_showcase.integration.checkpoint import clean_argv
    from recbole_showcase.resources import properties_path

    saved.mkdir(parents=True, exist_ok=True)
    settings = {
        "data_path": str(data.parent),
        "checkpoint_dir": str(saved),
        "seed": seed,
        "show_progress": False,
        "metrics": ["Recall", "NDCG"],
        "showcase_explainer": "quote",
    }
    with contextlib.chdir(saved), clean_argv():
        run_recbole("ShowcaseBPR", data.name, [str(properties_path() / "demo.yaml")], settings)
    (checkpoint,) = saved.glob("*.pth")
    return checkpoint


def figures(checkpoint: Path, folder: Path) -> dict[str, float]:
    """How quoted texts compare with the true ones, under each setting."""
    from recbole_showcase.data.corpus import TRAIN
    from recbole_showcase.data.pairs import Pairs
    from recbole_showcase.explainers.quote import QuoteExplainer
    from recbole_showcase.metrics import feature_mentions, read_lexicon

    model = recbole_showcase.load_explainer(checkpoint).model
    data, head = model.showcase.data, model.showcase
    rows = data.samples(np.flatnonzero(data.corpus.interactions.splits != TRAIN))
    pairs = Pairs.of_rows(data.corpus, rows)
    photos = model.explain(pairs, text=False).photos
    true = list(data.corpus.targets[rows])
    lexicon = read_lexicon(folder / f"{folder.name}.truth" / "dishes.txt")
    named, shipped = feature_mentions(true, lexicon), head.explainer
    found: dict[str, float] = {"pairs": len(pairs)}
    for name, value in ways():
        changed = replace(shipped.settings, **({name: value} if name else {}))
        head.explainer = QuoteExplainer(changed, shipped.inputs, shipped.tokenizer)
        texts = model.explain(pairs, photos=photos).texts
        for column, figure in compared(texts, true, feature_mentions(texts, lexicon), named):
            found[f"{name} {value:g}|{column}"] = figure
    return found


def ways() -> list[tuple[str, float]]:
    """Every setting with every value."""
    return [(name, value) for name, values in SETTINGS.items() for value in values]


def compared(texts: list[str], true: list[str], names: Any, named: Any) -> list[tuple[str, float]]:
    """The figures of the columns."""
    from recbole_showcase import metrics

    values = (
        metrics.corpus_bleu(texts, true, max_order=1),
        metrics.rouge(texts, true, kind="rougeL"),
        metrics.feature_matching_ratio(names, named),
        metrics.distinct_n(texts, 2),
        metrics.unique_sentence_ratio(texts),
    )
    return list(zip(COLUMNS, values, strict=True))


def report(runs: list[dict[str, float]], pairs: int) -> None:
    """Print the table."""
    print(f"{len(runs)} runs, {pairs} pairs\n\n| setting | {' | '.join(COLUMNS)} |")
    print("| --- |" + " --- |" * len(COLUMNS))
    for name, value in ways():
        key = f"{name} {value:g}"
        cells = (claims.spread([run[f"{key}|{column}"] for run in runs]) for column in COLUMNS)
        print(f"| `{name}` {value:g} | {' | '.join(cells)} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=Path("quoting-runs"))
    parser.add_argument("--drawings", type=int, nargs="+", default=DRAWINGS)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--jobs", type=int, default=2, help="processes at once, a core each")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        data, seed, kept = Path(given.one[0]), int(given.one[1]), Path(given.one[2])
        known = sorted(kept.with_suffix("").glob("*.pth"))
        checkpoint = known[0] if known else train(data, seed, kept.with_suffix(""))
        replace_text(kept, json.dumps(figures(checkpoint, data), indent=1))
        return
    work = given.work.resolve()
    worlds = [claims.draw(work, drawing, sentences=True) for drawing in given.drawings]
    plan = [(w, seed, work / f"{w.name}-{seed}.json") for seed in given.seeds for w in worlds]
    asked = {kept: [str(w), str(seed), str(kept)] for w, seed, kept in plan}
    claims.run_missing(__file__, asked, given.jobs)
    runs = [json.loads(kept.read_text()) for kept in asked if kept.is_file()]
    if len(runs) < len(asked):
        sys.exit("runs failed; the settings are compared when all are there")
    report(runs, int(sum(run["pairs"] for run in runs[: len(worlds)])))


if __name__ == "__main__":
    main()
