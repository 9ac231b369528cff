"""How well each photo of an item fits what is known of a user.

A relevance model is one class in one file with one YAML file of defaults, and one row of
:data:`RELEVANCE`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recbole_showcase.errors import SettingsError
from recbole_showcase.relevance.authorship import BRIERelevance, MFELVisRelevance
from recbole_showcase.relevance.base import RelevanceInputs, RelevanceModel
from recbole_showcase.relevance.clip import CLIPRelevance, clip_relevance
from recbole_showcase.relevance.learned import LearnedRelevance
from recbole_showcase.relevance.popular import PopularRelevance
from recbole_showcase.relevance.random import RandomRelevance
from recbole_showcase.settings import read_settings

RELEVANCE: dict[str, type[RelevanceModel]] = {
    "brie": BRIERelevance,
    "clip": CLIPRelevance,
    "learned": LearnedRelevance,
    "mf_elvis": MFELVisRelevance,
    "popular": PopularRelevance,
    "random": RandomRelevance,
}

__all__ = ["RELEVANCE", "RelevanceInputs", "RelevanceModel", "build_relevance", "clip_relevance"]


def build_relevance(
    name: str, values: Mapping[str, Any], inputs: RelevanceInputs
) -> RelevanceModel:
    """Build a registered relevance model.

    Args:
        name: A key of :data:`RELEVANCE`.
        values: A value for each field of the model's ``Settings``.
        inputs: What to build it for.

    Raises:
        SettingsError: If the name is not registered, or a setting is unknown or ill-typed.
    """
    if name not in RELEVANCE:
        raise SettingsError(f"relevance model '{name}' is unknown; allowed: {', '.join(RELEVANCE)}")
    model = RELEVANCE[name]
    return model(read_settings(model.Settings, "", values), inputs)
