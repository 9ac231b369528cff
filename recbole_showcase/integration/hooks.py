"""Import hooks: registration when RecBole is first imported, and modules of composed models.

``import recbole_showcase`` must register with RecBole, yet the converter and the metrics should
not pay for loading RecBole, ray and torch. So registration waits for RecBole's own import.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

MODEL_PACKAGES = (
    "general_recommender",
    "context_aware_recommender",
    "sequential_recommender",
    "knowledge_aware_recommender",
    "exlib_recommender",
)
PREFIX = "Showcase"


def install() -> None:
    """Put the finders in place; with RecBole loaded already, register at once."""
    if any(isinstance(finder, _ComposedModelFinder) for finder in sys.meta_path):
        return
    sys.meta_path.append(_ComposedModelFinder())
    if "recbole" in sys.modules:
        _register()
    else:
        sys.meta_path.insert(0, _RecBoleFinder())


def _register() -> None:
    importlib.import_module("recbole_showcase.integration.registry").register()


class _RecBoleFinder(MetaPathFinder):
    """Waits for ``import recbole``, lets it happen, registers, and steps aside."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "recbole":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec("recbole")
        if spec is not None and spec.loader is not None:
            spec.loader = _RegisteringLoader(spec.loader)
        return spec


class _RegisteringLoader(Loader):
    """RecBole's own loader, followed by the registration."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.loader.exec_module(module)
        _register()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)


class _ComposedModelFinder(MetaPathFinder):
    """Answers for ``recbole.model.<family>.showcase<name>``, where ``get_model`` looks."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        parent, _, stem = fullname.rpartition(".")
        family = parent.removeprefix("recbole.model.")
        if not stem.startswith(PREFIX.lower()) or family not in MODEL_PACKAGES:
            return None
        registry = importlib.import_module("recbole_showcase.integration.registry")
        if registry.family_of(stem) != family:
            return None
        return ModuleSpec(fullname, _ComposedModelLoader(), origin="recbole_showcase")


class _ComposedModelLoader(Loader):
    """A module whose one class is composed when ``get_model`` asks for it."""

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        stem = module.__name__.rpartition(".")[2]

        def compose(name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            registry = importlib.import_module("recbole_showcase.integration.registry")
            return registry.composed_model(name, stem)

        module.__getattr__ = compose  # type: ignore[method-assign]
