"""Home of the composed classes, so that pickles find them by name in any process."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    """Compose the model, trainer or data set class of that name."""
    from recbole_showcase.integration.hooks import PREFIX
    from recbole_showcase.integration.registry import composed_model, family_of

    if not name.startswith(PREFIX):
        raise AttributeError(name)
    for suffix, home in (("Trainer", "recbole.trainer"), ("Dataset", "recbole.data.dataset")):
        if name.endswith(suffix):
            model = name.removesuffix(suffix)
            composed_model(model, model.lower())
            return getattr(import_module(home), name)
    family_of(name.lower())
    return composed_model(name, name.lower())
