"""Figures as JSON has them."""

from __future__ import annotations

import math
from typing import Any


def as_json(value: Any) -> Any:
    """Plain data with None in place of numbers that are not finite.

    >>> as_json({"a": (1.0, float("nan"))})
    {'a': [1.0, None]}
    """
    if isinstance(value, dict):
        return {key: as_json(own) for key, own in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(own) for own in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
