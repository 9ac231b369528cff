"""Relevance models: how well each photo of an item fits what is known of a user, one a file."""

from __future__ import annotations

from recbole_showcase.parts import RELEVANCE
from recbole_showcase.relevance.base import RelevanceInputs, RelevanceModel

_HERE = "recbole_showcase.relevance"

RELEVANCE.declare(
    {
        "brie": f"{_HERE}.authorship:BRIERelevance",
        "clip": f"{_HERE}.clip:CLIPRelevance",
        "elvis": f"{_HERE}.elvis:ELVisRelevance",
        "learned": f"{_HERE}.learned:LearnedRelevance",
        "mf_elvis": f"{_HERE}.authorship:MFELVisRelevance",
        "popular": f"{_HERE}.popular:PopularRelevance",
        "random": f"{_HERE}.random:RandomRelevance",
    }
)

__all__ = ["RELEVANCE", "RelevanceInputs", "RelevanceModel"]
