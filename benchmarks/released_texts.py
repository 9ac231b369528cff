"""Texts that others released beside ours, on the pairs that both have, by the same metrics.

    recbole-showcase judge pairs CHECKPOINT --out ours.jsonl
    python -m benchmarks.released_texts ours.jsonl --texts tst_pred.pkl --references tst_ref.pkl
    python -m benchmarks.released_texts fold-*.jsonl --together --texts ... --references ...

Reads two pickles of plain lists: generated texts, and in the same order the true ones, as XRec (Ma,
Ren, Huang, EMNLP Findings 2024) releases them in data/google/ of its repository. They have no ids:
a pair of ours is found by its true text, and pairs whose true text stands twice are left out.
Differences of BLEU and ROUGE are those of ours from theirs, p by the paired bootstrap over users.
USR and Distinct-2 fall as pairs become more, so they are of the same pairs, and of all that were
released in a line of their own; ``--together`` takes the files as the parts of one, such as the
folds of examples/benchmarks/xrec_folds.yaml.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from recbole_showcase import metrics
from recbole_showcase.files.plain_pickle import read_plain_pickle
from recbole_showcase.judging.reading import read_results

NAMES = ("BLEU1", "BLEU4", "ROUGEL", "Distinct2", "USR")


def texts_of(path: Path) -> list[str]:
    """What a pickle of a list of texts holds."""
    try:
        values = read_plain_pickle(path)
    except (OSError, ValueError) as error:
        raise SystemExit(f"{path}: {error}") from error
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise SystemExit(f"{path} is no list of texts")
    return values


def released(texts: Path, references: Path) -> dict[str, str]:
    """The generated text of each true text that stands once."""
    generated, true = map(texts_of, (texts, references))
    if len(generated) != len(true):
        raise SystemExit(f"{len(generated)} texts for {len(true)} references")
    times = Counter(text.strip() for text in true)
    return {
        key: text
        for text, key in zip(generated, map(str.strip, true), strict=True)
        if times[key] == 1
    }


def figures(texts: Sequence[str], references: Sequence[str]) -> list[float]:
    """Those of ``NAMES``."""
    return [
        metrics.corpus_bleu(texts, references, max_order=1),
        metrics.corpus_bleu(texts, references, max_order=4),
        metrics.rouge(texts, references, kind="rougeL"),
        metrics.distinct_n(texts, 2),
        metrics.unique_sentence_ratio(texts),
    ]


def show(name: str, values: Sequence[float], pairs: int) -> None:
    """Print a row."""
    told = "".join(f"{value:11.4f}" if value <= 1 else f"{value:11.2f}" for value in values)
    print(f"{name:32}{pairs:7,}{told}")


def compare(paths: Sequence[Path], theirs: dict[str, str]) -> None:
    """Print a row of ours and one of theirs on the pairs that both have, and the differences."""
    found = [pair for path in paths for pair in read_results(path).pairs]
    pairs = [pair for pair in found if pair.reference.strip() in theirs]
    label = ", ".join(path.stem for path in paths)
    if not pairs:
        raise SystemExit(f"{label}: no pair whose true text was released")
    if len({(pair.user, pair.item) for pair in pairs}) < len(pairs):
        raise SystemExit(f"{label}: a pair stands twice")
    true = [pair.reference for pair in pairs]
    ours, other = [pair.text for pair in pairs], [theirs[text.strip()] for text in true]
    show(label, figures(ours, true), len(pairs))
    show("  released, the same pairs", figures(other, true), len(pairs))
    users = [pair.user for pair in pairs]
    for name, of in (
        ("BLEU4", lambda texts: metrics.bleu_statistics(texts, true, max_order=4)),
        ("ROUGEL", lambda texts: metrics.rouge_values(texts, true, kind="rougeL")),
    ):
        lead = metrics.paired_bootstrap(of(ours), of(other), users)
        print(f"  {name}: {lead.difference:+.2f} ({lead.low:+.2f} to {lead.high:+.2f}), "
              f"p {lead.p:.3f}, d {lead.effect:+.2f}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pairs", type=Path, nargs="+", help="files of 'judge pairs'")
    parser.add_argument("--together", action="store_true", help="take all files as one")
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--references", type=Path, required=True)
    options = parser.parse_args()
    theirs = released(options.texts, options.references)
    print(f"{'':32}{'pairs':>7}" + "".join(f"{name:>11}" for name in NAMES))
    show("released, all", figures(list(theirs.values()), list(theirs)), len(theirs))
    for paths in [options.pairs] if options.together else [[path] for path in options.pairs]:
        compare(paths, theirs)


if __name__ == "__main__":
    main()
