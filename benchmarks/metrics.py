"""Seconds of every metric that needs no model, on a corpus of the size of Gest's test split.

    python -m benchmarks.metrics                  # 11,015 pairs of about 25 words
    python -m benchmarks.metrics --pairs 22030    # twice as many: none may take four times as long
    python -m benchmarks.metrics --peers          # beside the packages that define the metrics

Words are made up and drawn by Zipf's law; true texts are generated ones with a share of their words
drawn anew. Seconds are of the processor, in one process; the first use of a metric, which imports
its packages, comes before.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from recbole_showcase import metrics

PAIRS = 11_015
WORDS_A_TEXT = 25
ALLOWED_SECONDS = 6.0
_SYLLABLES = ["ka", "to", "mi", "ra", "su", "ne", "lo", "vi", "pe", "du", "sha", "gor"]
_OPINIONS = ["good", "great", "bad", "delicious", "awful", "not", "very"]


def corpus(pairs: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """Generated and true texts of about 25 words."""
    rng = np.random.default_rng(seed)
    made_up = [a + b + c for a in _SYLLABLES for b in _SYLLABLES for c in _SYLLABLES]
    vocabulary = np.array([*_OPINIONS, *made_up])
    chances = 1 / np.arange(1, len(vocabulary) + 1)
    chances /= chances.sum()
    said, true = [], []
    for length in np.maximum(rng.normal(WORDS_A_TEXT, 6, size=pairs).round().astype(int), 3):
        text = rng.choice(vocabulary, size=length, p=chances)
        other = np.where(rng.random(length) < 0.7, rng.permutation(text), text)
        fresh = rng.choice(vocabulary, size=length, p=chances)
        said.append(" ".join(text) + ".")
        true.append(" ".join(np.where(rng.random(length) < 0.5, fresh, other)) + ".")
    return said, true


def cases(said: list[str], true: list[str]) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Name and call of each metric, as RecBole asks for them."""
    rng = np.random.default_rng(1)
    users = rng.integers(0, max(len(said) // 3, 1), len(said))
    scores, ranks = rng.normal(size=len(said)), rng.integers(0, 11, len(said))
    lexicon = metrics.mine_lexicon(true)
    named, wanted = (metrics.feature_mentions(texts, lexicon) for texts in (said, true))
    photos = rng.permuted(np.tile(np.arange(6), (len(said), 1)), axis=1)
    feelings = metrics.sentiment(said)
    for order in (1, 2, 3, 4):
        yield f"BLEU{order}", lambda n=order: metrics.corpus_bleu(said, true, max_order=n)
    yield "SacreBLEU", lambda: metrics.sacre_bleu(said, true)
    for kind in ("rouge1", "rouge2", "rougeL"):
        yield kind.upper(), lambda kind=kind: metrics.rouge(said, true, kind=kind)
    yield "METEORStem", lambda: metrics.meteor(said, true, synonyms=False)
    yield "CIDEr", lambda: metrics.cider(said, true)
    for n in (1, 2):
        yield f"Distinct{n}", lambda n=n: metrics.distinct_n(said, n)
        yield (
            f"UserDistinct{n}",
            lambda n=n: metrics.mean_over_groups(lambda t: metrics.distinct_n(t, n), said, users),
        )
    for n in (1, 2, 4):
        yield f"Entropy{n}", lambda n=n: metrics.entropy_n(said, n)
    yield "USR", lambda: metrics.unique_sentence_ratio(said)
    usr = metrics.unique_sentence_ratio
    yield "UserUSR", lambda: metrics.mean_over_groups(usr, said, users)
    yield "SelfBLEU", lambda: metrics.self_bleu(said)
    yield "mine the lexicon", lambda: metrics.mine_lexicon(true)
    yield "find features", lambda: [metrics.feature_mentions(t, lexicon) for t in (said, true)]
    yield "FMR", lambda: metrics.feature_matching_ratio(named, wanted)
    yield "FCR", lambda: metrics.feature_coverage_ratio(named)
    yield "DIV", lambda: metrics.feature_diversity(named)
    yield "Hallucination", lambda: metrics.hallucination_rate(named, wanted)
    right = metrics.rightly_explained(named, wanted, photos[:, :3], photos[:, 5:], 3)
    yield "JointHit", lambda: metrics.joint_hit(ranks, right, 5)
    yield "sentiment", lambda: metrics.sentiment(said)
    agreement = metrics.score_sentiment_agreement
    yield "ScoreSentiment", lambda: agreement(scores, feelings)
    yield "UserScoreSentiment", lambda: agreement(scores, feelings, users)
    yield "PhotoInfluence", lambda: metrics.text_change(said, true)
    yield "PhotoGap", lambda: metrics.text_gap(said, said[::-1], true)


def peers(said: list[str], true: list[str]) -> dict[str, Callable[[], Any]]:
    """The packages that define the metrics, where there are any."""
    from rouge_score.rouge_scorer import RougeScorer
    from sacrebleu.metrics.bleu import BLEU

    found: dict[str, Callable[[], Any]] = {"SacreBLEU": lambda: BLEU().corpus_score(said, [true])}
    for order in (1, 2, 3, 4):
        bleu = BLEU(lowercase=True, tokenize="none", max_ngram_order=order, force=True)
        found[f"BLEU{order}"] = lambda bleu=bleu: bleu.corpus_score(said, [true])
    for kind in ("rouge1", "rouge2", "rougeL"):
        scorer = RougeScorer([kind])
        found[kind.upper()] = lambda scorer=scorer: [*map(scorer.score, true, said)]
    return found


def bootstrap(said: list[str], true: list[str]) -> dict[str, float]:
    """Seconds of comparing two systems on a mean over pairs and on BLEU."""
    other, _ = corpus(len(said), seed=3)
    users = np.random.default_rng(0).integers(0, max(len(said) // 2, 1), len(said))
    found = {}
    for name, given in (("ROUGEL", metrics.rouge_values), ("BLEU4", metrics.bleu_statistics)):
        a, b = given(said, true), given(other, true)
        found[name] = seconds(lambda a=a, b=b: metrics.paired_bootstrap(a, b, users))
    return found


def seconds(call: Callable[[], Any]) -> float:
    """Processor time of a call."""
    start = time.process_time()
    call()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--peers", action="store_true")
    options = parser.parse_args()
    for _, call in cases(*corpus(50)):
        call()
    said, true = corpus(options.pairs)
    others = peers(said, true) if options.peers else {}
    total = 0.0
    for name, call in cases(said, true):
        own = seconds(call)
        total += own
        beside = f"   x {seconds(others[name]) / own:.1f} in its package" if name in others else ""
        print(f"{name:<20} {own:7.3f} s{beside}")
    allowed = f" (allowed: {ALLOWED_SECONDS:.0f} s)" if options.pairs == PAIRS else ""
    print(f"{'all':<20} {total:7.3f} s{allowed} for {options.pairs:,} pairs")
    for name, took in bootstrap(said, true).items():
        print(f"{name:<20} {took:7.3f} s for 1,000 rounds of the paired bootstrap")


if __name__ == "__main__":
    main()
