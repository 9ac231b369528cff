"""Personalized showcases for RecBole.

Importing this package registers ``Showcase<Model>`` for every RecBole model, recommenders that
see, and the explanation metrics, with RecBole. RecBole itself is loaded when it is first needed,
not here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recbole_showcase.errors import ShowcaseError
from recbole_showcase.integration.hooks import install, on_call
from recbole_showcase.resources import __version__
from recbole_showcase.showcase import Photo, Review, Showcase, UserShowcase

if TYPE_CHECKING:
    from recbole_showcase.composed.classes import showcase_class
    from recbole_showcase.parts import register
    from recbole_showcase.recommender import ShowcaseRecommender, load_explainer

__all__ = [
    "Photo",
    "Review",
    "Showcase",
    "ShowcaseError",
    "ShowcaseRecommender",
    "UserShowcase",
    "__version__",
    "load_explainer",
    "register",
    "showcase_class",
]

_HOME = {
    "ShowcaseRecommender": "recbole_showcase.recommender",
    "load_explainer": "recbole_showcase.recommender",
    "register": "recbole_showcase.parts",
    "showcase_class": "recbole_showcase.composed.classes",
}

install(
    register=on_call("recbole_showcase.integration.registry:register"),
    family_of=on_call("recbole_showcase.integration.registry:family_of"),
    compose=on_call("recbole_showcase.composed.classes:composed_model"),
    recommender=on_call("recbole_showcase.composed.classes:seeing_model"),
)


def __getattr__(name: str) -> Any:
    """Import the names that need torch and RecBole when they are asked for."""
    if name not in _HOME:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)
