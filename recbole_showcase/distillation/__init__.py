"""Explanation distillation: the sentences of a review that describe its photos.

Nothing heavy is imported until a name is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recbole_showcase.distillation.classifier import AlignmentClassifier, classifier_for
    from recbole_showcase.distillation.distill import Counts, distill_dataset, similarity_scorer
    from recbole_showcase.distillation.labels import LABELS, read_labels
    from recbole_showcase.distillation.pairs import LabelledPairs
    from recbole_showcase.distillation.reviews import PhotoReviews
    from recbole_showcase.distillation.scorers import SimilarityScorer
    from recbole_showcase.distillation.training import (
        cross_validate,
        evaluate_scorer,
        train_classifier,
    )

_HOMES = {
    "LABELS": "labels",
    "AlignmentClassifier": "classifier",
    "Counts": "distill",
    "LabelledPairs": "pairs",
    "PhotoReviews": "reviews",
    "SimilarityScorer": "scorers",
    "classifier_for": "classifier",
    "cross_validate": "training",
    "distill_dataset": "distill",
    "read_labels": "labels",
    "evaluate_scorer": "training",
    "similarity_scorer": "distill",
    "train_classifier": "training",
}

__all__ = [
    "LABELS",
    "AlignmentClassifier",
    "Counts",
    "LabelledPairs",
    "PhotoReviews",
    "SimilarityScorer",
    "classifier_for",
    "cross_validate",
    "distill_dataset",
    "evaluate_scorer",
    "read_labels",
    "similarity_scorer",
    "train_classifier",
]


def __getattr__(name: str) -> Any:
    """Import the module that holds ``name`` when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
