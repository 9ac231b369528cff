"""Recommenders that see: models of RecBole's kind that read the photos and reviews of items.

One a file, found by RecBole under their names. This table is read before RecBole is there, so it
holds where they are and imports none.
"""

from __future__ import annotations

from importlib import import_module

_HERE = "recbole_showcase.recommenders"

RECOMMENDERS = {
    "VBPR": f"{_HERE}.vbpr",
    "BM3": f"{_HERE}.bm3",
    "FREEDOM": f"{_HERE}.freedom",
}


def recommender_name(stem: str) -> str | None:
    """The recommender of a name in lower case; None if there is none."""
    return next((name for name in RECOMMENDERS if name.lower() == stem), None)


def recommender(name: str) -> type:
    """The class of a recommender, for which RecBole is imported."""
    return getattr(import_module(RECOMMENDERS[name]), name)


def is_recommender(model: type) -> bool:
    """Whether a class is one of these."""
    return RECOMMENDERS.get(model.__name__) == model.__module__
