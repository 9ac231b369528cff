"""Which photos of an item to show to a user.

A selector is one class in one file with one YAML file of defaults, and one row of
:data:`SELECTORS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recbole_showcase.errors import SettingsError
from recbole_showcase.selectors.base import ImageSelector
from recbole_showcase.selectors.chance import pair_keys
from recbole_showcase.selectors.dpp import DPPSelector
from recbole_showcase.selectors.kdpp import KDPPSelector
from recbole_showcase.selectors.mmr import MMRSelector
from recbole_showcase.selectors.topk import TopKSelector
from recbole_showcase.settings import read_settings

SELECTORS: dict[str, type[ImageSelector]] = {
    "dpp": DPPSelector,
    "kdpp": KDPPSelector,
    "mmr": MMRSelector,
    "topk": TopKSelector,
}

__all__ = ["SELECTORS", "ImageSelector", "build_selector", "pair_keys"]


def build_selector(name: str, values: Mapping[str, Any]) -> ImageSelector:
    """Build a registered selector.

    Args:
        name: A key of :data:`SELECTORS`.
        values: A value for each field of the selector's ``Settings``.

    Raises:
        SettingsError: If the name is not registered, or a setting is unknown or ill-typed.
    """
    if name not in SELECTORS:
        raise SettingsError(f"image selector '{name}' is unknown; allowed: {', '.join(SELECTORS)}")
    selector = SELECTORS[name]
    return selector(read_settings(selector.Settings, "", values))
