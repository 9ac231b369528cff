"""Which photos of an item to show to a user.

A selector is one class in one file with one YAML file of defaults, and one row of
:data:`SELECTORS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from recbole_showcase.errors import SettingsError
from recbole_showcase.selectors.base import ImageSelector, SelectorSettings
from recbole_showcase.selectors.dpp import DPPSelector
from recbole_showcase.selectors.relevance import clip_relevance
from recbole_showcase.selectors.topk import TopKSelector

SELECTORS: dict[str, type[ImageSelector]] = {
    "dpp": DPPSelector,
    "topk": TopKSelector,
}

__all__ = ["SELECTORS", "ImageSelector", "SelectorSettings", "build_selector", "clip_relevance"]


def build_selector(name: str, settings: Mapping[str, object]) -> ImageSelector:
    """Build a registered selector.

    Args:
        name: A key of :data:`SELECTORS`.
        settings: A value for each field of the selector's ``Settings`` and for nothing else,
            types already checked.

    Raises:
        SettingsError: The name is not registered, or a key is unknown or missing.
    """
    if name not in SELECTORS:
        raise SettingsError(f"image selector '{name}' is unknown; allowed are {sorted(SELECTORS)}")
    selector = SELECTORS[name]
    allowed = {field.name for field in fields(selector.Settings)}
    if allowed != settings.keys():
        raise SettingsError(
            f"image selector '{name}': unknown settings {sorted(settings.keys() - allowed)}, "
            f"missing settings {sorted(allowed - settings.keys())}; allowed are {sorted(allowed)}"
        )
    return selector(selector.Settings(**settings))  # type: ignore[arg-type]
