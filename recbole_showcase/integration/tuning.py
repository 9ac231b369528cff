"""Searches for good settings: what RecBole's objective is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from recbole_showcase.integration.experiments import plain_figures
from recbole_showcase.settings import PREFIXES


def ray_trial() -> str | None:
    """The trial of ray's that this process is at, if any."""
    session = import_module("ray.tune.trainable.session")
    return session.get_trial_id() if session.is_session_enabled() else None


def whole_numbers(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of which those of this package that are whole numbers are integers.

    The ``quniform`` of hyperopt and of ray gives floats; a setting that is a float takes integers.
    """
    return {
        key: int(value)
        if key.startswith(PREFIXES) and isinstance(value, float) and value.is_integer()
        else value
        for key, value in settings.items()
    }


def plain_result(result: Mapping[str, Any]) -> dict[str, Any]:
    """What the objective gives, without the number types of NumPy, which print as code."""
    figures = {
        key: plain_figures(result[key] or {}) for key in ("best_valid_result", "test_result")
    }
    return {**result, **figures, "best_valid_score": float(result["best_valid_score"])}
