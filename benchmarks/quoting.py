"""How many sentences to quote, how much the photos count, and what quoting is worth.

    python -m benchmarks.quoting --work quoting-runs --jobs 2
    python -m benchmarks.quoting --compare --drawings 401 402 403
    python -m benchmarks.quoting --compare --shipped --seeds 2020 2021 2022

Trains BPR and learned relevance on drawings of the demo world that no other figure of quoting is
of; ``quote`` itself learns nothing. For every row of their valid and test splits it then quotes
under each setting from the same chosen photos, and prints how the texts compare with the true ones:
mean and standard deviation over drawings and seeds. The shipped settings are chosen by it.

With ``--compare``, ``quote`` as it ships and its baselines quote for the test rows of other
drawings, from the same photos: they stand in for each other after one training, since none of them
learns. Finished runs are kept in the work folder and not repeated.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import recbole_showcase
from benchmarks import claims
from benchmarks.trade_off import train
from recbole_showcase.files.replace import replace_text

DRAWINGS = (301, 302, 303, 304, 305)
SEEDS = (2020,)
# What is changed, and the values that are compared; the others stay as they ship.
SETTINGS: dict[str, tuple[float, ...]] = {
    "explainer_sentences": (1, 2, 3),
    "explainer_photo_weight": (0.0, 0.5, 1.0, 2.0, 4.0, 8.0),
    "explainer_trade_off": (0.25, 0.5, 1.0, 2.0, 4.0),
}
QUOTING = ("quote", "quote_typical", "quote_popular", "quote_random")
COLUMNS = ("BLEU1", "ROUGEL", "FMR", "Distinct2", "USR")


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


def run(data: Path, seed: int, saved: Path, what: str, **more: Any) -> dict[str, float]:
    """Train on a drawing, unless it was done, and quote: the figures of ``what``.

    ``more`` are settings of the training above those of the demo.
    """
    known = sorted(saved.glob("*.pth"))
    checkpoint = known[0] if known else train(data, seed, saved, "quote", **more)
    return (comparison if what == "compare" else figures)(checkpoint, data)


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


def comparison(checkpoint: Path, folder: Path) -> dict[str, float]:
    """The metrics of the test rows of each explainer that quotes."""
    from recbole_showcase.data.corpus import TEST
    from recbole_showcase.evaluation.evaluation import Evaluation
    from recbole_showcase.evaluation.resources import EvaluationResources
    from recbole_showcase.explainers import EXPLAINERS
    from recbole_showcase.integration.config import part_defaults

    model = recbole_showcase.load_explainer(checkpoint).model
    data, head = model.showcase.data, model.showcase
    lexicon = str(folder / f"{folder.name}.truth" / "dishes.txt")
    data.settings = replace(data.settings, lexicon=lexicon)
    rows = data.samples(np.flatnonzero(data.corpus.interactions.splits == TEST))
    resources = EvaluationResources(data.settings, folder, "cpu")
    shipped = head.explainer
    found: dict[str, float] = {"pairs": len(rows)}
    for name in QUOTING:
        values = part_defaults("explainer", name)
        head.explainer = EXPLAINERS.build(name, values, shipped.inputs, shipped.tokenizer)
        data.reads = head.explainer.reads
        of = Evaluation(model, rows, lambda: np.empty((4, 0)), resources)
        for column, figure in tested(of).items():
            found[f"{name}|{column}"] = figure
    return found


def tested(of: Any) -> dict[str, float]:
    """The figures of an evaluation, by the columns of the comparison."""
    from recbole_showcase import metrics

    return {
        "BLEU1": metrics.corpus_bleu(of.texts, of.references, max_order=1),
        "ROUGEL": metrics.rouge(of.texts, of.references, kind="rougeL"),
        "FMR": metrics.feature_matching_ratio(of.mentions, of.reference_mentions),
        "CLIPScore": metrics.clip_score(
            of.sentences.features, of.sentences.owners, of.photo_features, of.photos >= 0
        ),
        "USR": metrics.unique_sentence_ratio(of.texts),
        "Distinct2": metrics.distinct_n(of.texts, 2),
        "HallucinationRate": metrics.hallucination_rate(of.mentions, of.supported),
        "EmptyTexts": metrics.empty_texts(of.texts),
        "UserInfluence": metrics.text_change(of.texts, of.user_swap.texts, of.user_swap.swapped),
        "PhotoInfluence": metrics.text_change(of.texts, of.photo_swap.texts, of.photo_swap.swapped),
    }


def report_comparison(runs: list[dict[str, float]], pairs: int) -> None:
    """Print the table of ``--compare``."""
    columns = [key.partition("|")[2] for key in runs[0] if key.startswith("quote|")]
    print(f"{len(runs)} runs, {pairs} pairs\n\n| explainer | {' | '.join(columns)} |")
    print("| --- |" + " --- |" * len(columns))
    for name in QUOTING:
        cells = (claims.spread([run[f"{name}|{column}"] for run in runs]) for column in columns)
        print(f"| `{name}` | {' | '.join(cells)} |")


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
    parser.add_argument("--compare", action="store_true", help="the baselines, on test rows")
    parser.add_argument("--shipped", action="store_true", help="the drawing that ships instead")
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        data, seed, kept = Path(given.one[0]), int(given.one[1]), Path(given.one[2])
        found = run(data, seed, kept.parent / f"{data.name}-{seed}", given.one[3])
        replace_text(kept, json.dumps(found, indent=1))
        return
    from recbole_showcase.cli.demo import copy_demo
    from recbole_showcase.encoders import embed_dataset

    work = given.work.resolve()
    if given.shipped:
        worlds = [copy_demo(work / "data")]
        embed_dataset(worlds[0], sentences=True, progress=False)
    else:
        worlds = [claims.draw(work, drawing, sentences=True) for drawing in given.drawings]
    what = "compare" if given.compare else "settings"
    plan = [
        (w, seed, work / f"{w.name}-{seed}-{what}.json") for seed in given.seeds for w in worlds
    ]
    asked = {kept: [str(w), str(seed), str(kept), what] for w, seed, kept in plan}
    claims.run_missing("benchmarks.quoting", asked, given.jobs)
    runs = [json.loads(kept.read_text()) for kept in asked if kept.is_file()]
    if len(runs) < len(asked):
        sys.exit("runs failed; the settings are compared when all are there")
    pairs = int(sum(run["pairs"] for run in runs[: len(worlds)]))
    (report_comparison if given.compare else report)(runs, pairs)


if __name__ == "__main__":
    main()
