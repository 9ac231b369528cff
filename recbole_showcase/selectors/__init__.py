"""Selectors: which photos of an item to show to a user, one a file."""

from __future__ import annotations

from recbole_showcase.parts import SELECTORS
from recbole_showcase.selectors.base import ImageSelector

_HERE = "recbole_showcase.selectors"

SELECTORS.declare(
    {
        "dpp": f"{_HERE}.dpp:DPPSelector",
        "kdpp": f"{_HERE}.kdpp:KDPPSelector",
        "mmr": f"{_HERE}.mmr:MMRSelector",
        "topk": f"{_HERE}.topk:TopKSelector",
    }
)

__all__ = ["SELECTORS", "ImageSelector"]
