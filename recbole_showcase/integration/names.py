"""Names by which RecBole finds models, and by which it finds the composed ones."""

from __future__ import annotations

PREFIX = "Showcase"
COMPOSED_MODULE = "recbole_showcase.composed"  # home of the composed classes
MODEL_PACKAGES = (
    "general_recommender",
    "context_aware_recommender",
    "sequential_recommender",
    "knowledge_aware_recommender",
    "exlib_recommender",
)
