"""Import hooks: registration when RecBole is first imported, and modules of our models.

``import recbole_showcase`` must register with RecBole, yet the converter and the metrics should
not pay for loading RecBole, ray and torch. So registration waits for RecBole's own import. What
the hooks call is named by the package's root, and imported when it is called.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from wrapt import register_post_import_hook

from recbole_showcase.errors import MissingRecBole
from recbole_showcase.recommenders import recommender_name

# Names by which RecBole finds models, and by which it finds the composed ones.
PREFIX = "Showcase"
COMPOSED_MODULE = "recbole_showcase.composed"  # home of the composed classes
RECOMMENDER_PACKAGE = "general_recommender"  # where RecBole finds our recommenders
MODEL_PACKAGES = (
    "general_recommender",
    "context_aware_recommender",
    "sequential_recommender",
    "knowledge_aware_recommender",
    "exlib_recommender",
)
# RecBole 1.2.1 allows no ray that has wheels for Python 3.12 or newer.
HOW_TO_INSTALL = (
    "Install it: python -m pip install 'recbole>=1.2.1,<1.3'"
    if sys.version_info < (3, 12)
    else "Install it, and on Python 3.12 or newer without what it requires, which is installed "
    "with recbole_showcase: python -m pip install --no-deps 'recbole>=1.2.1,<1.3'"
)


def on_call(path: str) -> Callable[..., Any]:
    """A function that imports another by its path, ``package.module:name``, and calls it."""
    module, _, name = path.partition(":")

    def imported(*args: Any) -> Any:
        return getattr(import_module(module), name)(*args)

    return imported


def install(
    register: Callable[[], None],
    family_of: Callable[[str], str | None],
    compose: Callable[[str, str], type],
    recommender: Callable[[str, str], type],
) -> None:
    """Put the hooks in place; with RecBole loaded already, register at once.

    Args:
        register: What to call when RecBole has been imported.
        family_of: The package of RecBole that a composed model is found in, by its module's name.
        compose: The composed class of a name in the module of a name.
        recommender: The same for a recommender of this package.
    """
    if any(isinstance(finder, _ModelFinder) for finder in sys.meta_path):
        return
    sys.meta_path.append(_ModelFinder(family_of, compose, recommender))
    register_post_import_hook(lambda _: register(), "recbole")


class _ModelFinder(MetaPathFinder):
    """Answers where ``get_model`` looks: ``recbole.model.<family>.showcase<name>``, and our own.

    It is asked last, so that a model of RecBole's of the same name is found before, and so for
    ``recbole`` itself where nobody else has it.
    """

    def __init__(
        self,
        family_of: Callable[[str], str | None],
        compose: Callable[[str, str], type],
        recommender: Callable[[str, str], type],
    ) -> None:
        self._family_of, self._compose, self._recommender = family_of, compose, recommender

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == "recbole":
            raise MissingRecBole(f"RecBole is not installed. {HOW_TO_INSTALL}", name=fullname)
        parent, _, stem = fullname.rpartition(".")
        family = parent.removeprefix("recbole.model.")
        if family not in MODEL_PACKAGES:
            return None
        if recommender_name(stem):
            make = self._recommender if family == RECOMMENDER_PACKAGE else None
        else:
            composed = stem.startswith(PREFIX.lower()) and self._family_of(stem) == family
            make = self._compose if composed else None
        return make and ModuleSpec(fullname, _ModelLoader(make), origin="recbole_showcase")


class _ModelLoader(Loader):
    """A module whose one class is made when ``get_model`` asks for it."""

    def __init__(self, make: Callable[[str, str], type]) -> None:
        self._make = make

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        stem = module.__name__.rpartition(".")[2]

        def make(name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            return self._make(name, stem)

        module.__getattr__ = make  # type: ignore[method-assign]
