"""Composed models: any RecBole recommender, its trainer and its data set, paired with explaining.

The composed classes live here by name, so that pickles find them in any process:
``from recbole_showcase.composed import ShowcaseBPR`` composes the class where it is new.
"""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    """Compose the model, trainer or data set class of that name."""
    if name.startswith("__"):
        raise AttributeError(name)
    from recbole_showcase.composed.classes import class_named

    return class_named(name)
