"""Metrics of explanations: pure functions on lists of texts and NumPy arrays.

They need neither RecBole nor torch. A metric with nothing to average over is NaN.
"""

from __future__ import annotations

from recbole_showcase.metrics.alignment import clip_align
from recbole_showcase.metrics.images import (
    image_diversity,
    image_f1,
    image_precision,
    image_recall,
)
from recbole_showcase.metrics.photo_text import clip_score
from recbole_showcase.metrics.text import corpus_bleu, distinct_n, rouge, sacre_bleu

__all__ = [
    "clip_align",
    "clip_score",
    "corpus_bleu",
    "distinct_n",
    "image_diversity",
    "image_f1",
    "image_precision",
    "image_recall",
    "rouge",
    "sacre_bleu",
]
