"""Importing code by its path, ``package.module:Name``, for a user or for a file of a stranger's.

A user may name any code. A file may only name code that the user has installed or imported: a
module that merely lies in the folder that Python was started in may have come with the file.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.metadata import packages_distributions
from typing import Any

from recbole_showcase.errors import SettingsError

_imported: list[str] = []  # modules that import_modules was asked for
_of_a_file: ContextVar[bool] = ContextVar("of_a_file", default=False)


@contextmanager
def named_by_a_file() -> Iterator[None]:
    """While a file of somebody else's is read, which may name installed code and no other."""
    token = _of_a_file.set(True)
    try:
        yield
    finally:
        _of_a_file.reset(token)


def is_named_by_a_file() -> bool:
    """Whether code is being named by a file of somebody else's, rather than by the user."""
    return _of_a_file.get()


def import_path(path: str) -> Any:
    """What a path names, ``package.module:Name``.

    Raises:
        SettingsError: If it names no module, or nothing in it, or may not be imported here.
    """
    module, _, name = path.partition(":")
    check_trusted(module, f"'{path}'")
    try:
        found: Any = import_module(module)
        for attribute in name.split("."):
            found = getattr(found, attribute)
    except Exception as error:  # a module may raise anything
        raise SettingsError(
            f"'{path}' cannot be imported ({type(error).__name__}: {error}); allowed: "
            "'package.module:Name' of a module that is installed, or in a folder of PYTHONPATH"
        ) from error
    return found


def import_modules(modules: Iterable[str]) -> None:
    """Import modules that register parts.

    Raises:
        SettingsError: If they are no list, or one cannot be imported, or may not be here.
    """
    if isinstance(modules, str):
        raise SettingsError(f"the modules to import are '{modules}'; allowed: a list of names")
    for module in modules:
        check_trusted(module, f"module '{module}'")
        try:
            import_module(module)
        except Exception as error:  # a module may raise anything
            raise SettingsError(
                f"module '{module}' of parts cannot be imported ({type(error).__name__}: {error}); "
                "install its package, or put its folder on PYTHONPATH"
            ) from error
        _imported.append(module)


def imported_modules() -> tuple[str, ...]:
    """The modules that :func:`import_modules` has imported, for other processes to do the same."""
    return tuple(dict.fromkeys(_imported))


def check_trusted(module: str, what: str) -> None:
    """Refuse a module that a file names, unless it has been imported or a package installs it.

    Args:
        module: Its name.
        what: What the file names, for the error.

    Raises:
        SettingsError: Saying how the user may allow it.
    """
    if not _of_a_file.get() or module in sys.modules:
        return
    package = module.partition(".")[0]
    if package == __name__.partition(".")[0]:  # ours, wherever it was imported from
        return
    if package in packages_distributions() and _is_installed(module):
        return
    raise SettingsError(
        f"the file names {what}, which no installed package has, and a file chooses no other code: "
        f"install its package, or import it first (import {module}; --import {module})"
    )


def is_planted(folder: str) -> bool:
    """Whether a folder may be one that a stranger's files lie in, rather than installed ones."""
    own = {os.getcwd(), *sys.path[:1], ""}
    installed = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
    inside = [os.path.realpath(place) for place in own]
    return any(_within(folder, place) for place in inside) and not any(
        _within(folder, place) for place in map(os.path.realpath, filter(None, installed))
    )


def _within(path: str, folder: str) -> bool:
    return os.path.commonpath([os.path.realpath(path), folder]) == folder


def _is_installed(module: str) -> bool:
    """Whether the file that an import would run is one that was installed; nothing is imported."""
    spec: ModuleSpec | None = None
    places: Any = None
    name = ""
    for part in module.split("."):
        name = f"{name}.{part}" if name else part
        spec = _spec(name, places)
        if spec is None or (spec.origin is not None and is_planted(spec.origin)):
            return False
        places = spec.submodule_search_locations
    return spec is not None and spec.origin is not None


def _spec(name: str, places: Any) -> ModuleSpec | None:
    """Where a module is; unlike ``importlib.util.find_spec`` without importing its parents."""
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        if find is not None and (spec := find(name, places, None)) is not None:
            return spec
    return None


def code_of(part: Any) -> str:
    """The path of a part's code."""
    part = getattr(part, "value", part)  # a metric is where its function is
    return f"{part.__module__}:{getattr(part, '__qualname__', type(part).__name__)}"
