"""How generic the texts of data sets are: real ones, drawn ones, ones that a run has written.

    python -m benchmarks.generic_texts DATA/NAME DATA/OTHER
    python -m benchmarks.generic_texts DATA/NAME --with-photos    # reviews with photos alone

A sentence, or a text, names nothing particular if each of its nouns, as TextBlob's tagger sees
them, is one that is said of any place: "great food and friendly staff". The tagger takes some words
for nouns that are none, in all texts alike, so the shares are lower bounds.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np

from recbole_showcase.atomic import read_atomic
from recbole_showcase.metrics import distinct_n, unique_sentence_ratio
from recbole_showcase.metrics.words import rouge_words
from recbole_showcase.text.entities import tagged_chunks
from recbole_showcase.text.sentences import split_sentences

# What is said of any place, and whom and when.
GENERAL = """
    area atmosphere ambiance ambience bit business businesses chance choice choices city customer
    customers day days deal decor dinner drink drinks employee employees end environment everyone
    everything experience experiences family food foods friend friends fun group guy guys hour
    hours husband kids lady line location lot lots love lunch manager management meal meals menu
    minute minutes month months money mood morning nice night nothing option options order owner
    owners party people person place places portion portions price prices quality reason restaurant
    restaurants room selection server service shop side spot staff star stars store surprise table
    tables taste team thank thanks thing things time times today top town user users value variety
    visit visits wait waiter waitress way week weeks wife wow years year yes work
"""


def particular(texts: list[str]) -> np.ndarray:
    """Whether each text has a noun that is not said of any place (N,)."""
    general = frozenset(GENERAL.split())
    found = []
    for phrases in tagged_chunks(texts):
        nouns = {word for phrase, _ in phrases for word in rouge_words(phrase)}
        found.append(bool(nouns - general))
    return np.array(found, dtype=bool)


def figures(texts: list[str], size: int) -> dict[str, float | str]:
    """What is said of one data set; USR and Distinct of an even sample of ``size`` texts."""
    rng = np.random.default_rng(0)
    some = [texts[n] for n in rng.permutation(len(texts))[:size]]
    sentences = split_sentences(texts)[0]
    bare = [said for sentence in sentences if (said := " ".join(rouge_words(sentence)))]
    common = Counter(bare).most_common(5)
    lengths = [len(text.split()) for text in texts]
    return {
        "texts": len(texts),
        "words a text, median": float(np.median(lengths)),
        "words a text, mean": round(float(np.mean(lengths)), 1),
        f"USR of {len(some)}": round(unique_sentence_ratio(some), 3),
        "Distinct-1": round(distinct_n(some, 1), 3),
        "Distinct-2": round(distinct_n(some, 2), 3),
        "texts that name nothing particular": round(1 - float(particular(texts).mean()), 3),
        "sentences that name nothing particular": round(1 - float(particular(sentences).mean()), 3),
        "sentences said once only": round(
            sum(n == 1 for n in Counter(bare).values()) / len(bare), 3
        ),
        "most frequent": ", ".join(f"{s} ({n / len(bare):.2%})" for s, n in common),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("datasets", type=Path, nargs="+", metavar="DATA/NAME")
    parser.add_argument("--column", default="text", help="of .review: text or explanation")
    parser.add_argument("--with-photos", action="store_true")
    parser.add_argument("--size", type=int, default=500, help="texts for USR and Distinct")
    given = parser.parse_args()
    for folder in given.datasets:
        stem = folder / folder.resolve().name
        review = read_atomic(f"{stem}.review", ["review_id", given.column])
        if given.with_photos:
            image = read_atomic(f"{stem}.image", ["review_id"])
            review = review[review["review_id"].isin(set(image["review_id"]))]
        texts = [text for text in review[given.column] if text]
        print(f"{folder}")
        for name, value in figures(texts, given.size).items():
            print(f"  {name}: {value}")


if __name__ == "__main__":
    main()
