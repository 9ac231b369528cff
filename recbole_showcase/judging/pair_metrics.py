"""Metrics of single pairs, to be held beside what people say of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from recbole_showcase import metrics
from recbole_showcase.judging.pairs import Pair


def _bleu(order: int) -> Callable[[list[str], list[str]], Any]:
    def values(texts: list[str], references: list[str]) -> list[float]:
        found = metrics.bleu_statistics(texts, references, max_order=order)
        return [found.finish(row) for row in found.rows]

    return values


# Of texts and references; what needs a model or a data set comes with the pairs.
_METRICS: dict[str, Callable[[list[str], list[str]], Any]] = {
    "BLEU1": _bleu(1),
    "BLEU4": _bleu(4),
    "ROUGE1": lambda texts, own: metrics.rouge_values(texts, own, kind="rouge1"),
    "ROUGE2": lambda texts, own: metrics.rouge_values(texts, own, kind="rouge2"),
    "ROUGEL": lambda texts, own: metrics.rouge_values(texts, own, kind="rougeL"),
    "METEORStem": lambda texts, own: metrics.meteor_values(texts, own, synonyms=False),
}


def pair_metrics(pairs: Sequence[Pair]) -> list[dict[str, float | None]]:
    """Metrics of each pair by name: those of its text and reference, words, and what it brings.

    What a file of pairs brings takes the place of what is computed here.
    """
    known = [n for n, pair in enumerate(pairs) if pair.reference.strip()]
    found: list[dict[str, float | None]] = [
        {"words": float(len(pair.text.split()))} for pair in pairs
    ]
    texts, references = [pairs[n].text for n in known], [pairs[n].reference for n in known]
    for name, function in _METRICS.items() if known else ():
        for n, value in zip(known, function(texts, references), strict=True):
            found[n][name] = float(value) if math.isfinite(value) else None
    return [own | dict(pair.metrics) for own, pair in zip(found, pairs, strict=True)]
