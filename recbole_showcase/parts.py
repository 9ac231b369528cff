"""The parts that a configuration names: explainers, selectors, relevance models and metrics.

A part is found by a name or by the path of its code, ``package.module:Name``. Names come from the
package's own tables, from :func:`register`, and from installed packages that have an entry point
of the group ``recbole_showcase``; its value is a module that registers parts when it is imported.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import fields
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points, packages_distributions
from typing import Any

from recbole_showcase.errors import RegistrationError, SettingsError
from recbole_showcase.settings import read_settings

ENTRY_POINTS = "recbole_showcase"
# Whether code is being named by a file of somebody else's, rather than by the user.
_of_a_file: ContextVar[bool] = ContextVar("of_a_file", default=False)


class Registry(Mapping[str, Any]):
    """Parts of one kind by name; those of this package are imported when they are asked for.

    Reading is safe from several threads, and so is registering.
    """

    def __init__(self, kind: str, title: str) -> None:
        """Start without a part.

        Args:
            kind: The ``part_kind`` of the parts, and what their settings' names begin with.
            title: The kind in words.
        """
        self.kind, self.title = kind, title
        self._parts: dict[str, Any] = {}  # a part, or the path of its code
        self._lock = threading.Lock()

    def declare(self, paths: Mapping[str, str]) -> Registry:
        """Add parts by the paths of their code, ``package.module:Name``; returns the registry."""
        with self._lock:
            self._parts.update(paths)
        return self

    def add(self, name: str, part: Any) -> None:
        """Add a part.

        Raises:
            RegistrationError: If another part has the name, or the name could be a path.
        """
        if not name or ":" in name:
            raise RegistrationError(f"'{name}' cannot name a part; allowed: text without a ':'")
        with self._lock:
            known = self._parts.get(name)
            if known is not None and known is not part and not _same_code(known, part):
                raise RegistrationError(
                    f"the {self.title} '{name}' is there already; register yours by another name"
                )
            self._parts[name] = part

    def __getitem__(self, name: str) -> Any:
        """The part of a name, imported if need be."""
        part = self._parts[name]
        return import_path(part) if isinstance(part, str) else part

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._parts))

    def __len__(self) -> int:
        return len(self._parts)

    def __contains__(self, name: object) -> bool:
        return name in self._parts

    def is_own(self, name: str) -> bool:
        """Whether the part of a name or a path is one of this package's."""
        part = self._parts.get(name, name)
        path = part if isinstance(part, str) else code_of(part)
        return path.startswith("recbole_showcase.")

    def find(self, name: str) -> Any:
        """The part that a configuration names.

        Args:
            name: A registered name, or the path of a part's code, ``package.module:Name``.

        Raises:
            SettingsError: If there is no such part; with the names that are allowed.
        """
        if ":" in name:
            part = import_path(name)
            if getattr(part, "part_kind", None) != self.kind:
                raise SettingsError(f"'{name}' is no {self.title}: it is {part!r}")
            return part
        if name not in self:
            load_entry_points()
        if name not in self:
            near = get_close_matches(name, self, n=1)
            raise SettingsError(
                f"{self.title} '{name}' is unknown"
                + (f" (did you mean '{near[0]}'?)" if near else "")
                + f"; allowed: {', '.join(self)}, or a path 'package.module:Name'"
                + _broken_packages()
            )
        return self[name]

    def build(self, name: str, values: Mapping[str, Any], *inputs: Any) -> Any:
        """Build a part that has settings.

        Args:
            name: As in :meth:`find`.
            values: Settings by name; a field of ``Settings`` that is not there has its default.
            *inputs: What else the part's class takes.

        Raises:
            SettingsError: If there is no such part, or a setting is unknown or ill-typed.
        """
        part = self.find(name)
        return part(read_settings(part.Settings, "", values), *inputs)


EXPLAINERS = Registry("explainer", "explainer")
SELECTORS = Registry("selector", "image selector")
RELEVANCE = Registry("relevance", "relevance model")
METRICS = Registry("metric", "metric")
REGISTRIES = {table.kind: table for table in (EXPLAINERS, SELECTORS, RELEVANCE, METRICS)}


def register(name: str, part: Any = None, **options: Any) -> Any:
    """Register a part, as a function or as a decorator.

    Args:
        name: What configurations call it.
        part: A subclass of ``Explainer``, ``RelevanceModel`` or ``ImageSelector``, or a function of
            an ``Evaluation`` that gives a metric; None to decorate one.
        **options: Of a metric: the fields of :class:`~recbole_showcase.metrics.Metric`.

    Returns:
        The part as it was given, or a decorator that returns it.

    Raises:
        RegistrationError: If it is no part, or the name is taken.
    """
    if part is None:
        return lambda decorated: register(name, decorated, **options)
    kind = getattr(part, "part_kind", None)
    if kind in REGISTRIES and not options:
        _check_settings(part, kind)
        REGISTRIES[kind].add(name, part)
    elif callable(part) and not isinstance(part, type):
        from recbole_showcase.metrics.metric import Metric

        METRICS.add(name, Metric(name, part, **options))
    else:
        raise RegistrationError(
            f"{part!r} is no part; allowed: a subclass of Explainer, RelevanceModel or "
            "ImageSelector, without options, or a function that gives a metric"
        )
    return part


def _check_settings(part: Any, kind: str) -> None:
    """Refuse settings whose names could be RecBole's or another part's."""
    for field in fields(part.Settings):
        if not field.name.startswith(f"{kind}_"):
            raise RegistrationError(
                f"{code_of(part)} has the setting '{field.name}'; allowed: names that begin with "
                f"'{kind}_'"
            )


def import_path(path: str) -> Any:
    """What a path names, ``package.module:Name``.

    Raises:
        SettingsError: If it names no module, or nothing in it, or may not be imported here.
    """
    module, _, name = path.partition(":")
    _check_trusted(module, f"'{path}'")
    try:
        found: Any = import_module(module)
        for attribute in name.split("."):
            found = getattr(found, attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingsError(
            f"'{path}' cannot be imported ({error}); allowed: 'package.module:Name' of a module "
            "that is installed, or in a folder of PYTHONPATH"
        ) from error
    return found


def import_modules(modules: Iterable[str]) -> None:
    """Import modules that register parts.

    Raises:
        SettingsError: Naming the first that cannot be imported, or may not be here.
    """
    for module in modules:
        _check_trusted(module, f"module '{module}'")
        try:
            import_module(module)
        except Exception as error:  # a module may raise anything
            raise SettingsError(
                f"module '{module}' of parts cannot be imported ({type(error).__name__}: {error}); "
                "install its package, or put its folder on PYTHONPATH"
            ) from error


@contextmanager
def named_by_a_file() -> Iterator[None]:
    """While a file of somebody else's is read: it may name code that is installed, and no other.

    A module that merely lies in a folder of the path may have come with the file.
    """
    token = _of_a_file.set(True)
    try:
        yield
    finally:
        _of_a_file.reset(token)


def is_named_by_a_file() -> bool:
    """Whether code is being named by a file of somebody else's."""
    return _of_a_file.get()


def _check_trusted(module: str, what: str) -> None:
    if not _of_a_file.get() or module in sys.modules:
        return
    if module.partition(".")[0] not in packages_distributions():
        raise SettingsError(
            f"the file names {what}, which no installed package has, and a file chooses no other "
            f"code: install its package, or import it first (import {module}; --import {module})"
        )


def code_of(part: Any) -> str:
    """The path of a part's code."""
    part = getattr(part, "value", part)  # a metric is where its function is
    return f"{part.__module__}:{getattr(part, '__qualname__', type(part).__name__)}"


def _same_code(known: Any, part: Any) -> bool:
    """Whether a module that was loaded again registers what it had registered before."""
    return (known if isinstance(known, str) else code_of(known)) == code_of(part)


@cache
def load_entry_points() -> Mapping[str, str]:
    """Import the modules that installed packages name; what failed, by package."""
    broken = {}
    for point in entry_points(group=ENTRY_POINTS):
        try:
            point.load()
        except Exception as error:  # another's package may raise anything
            broken[point.dist.name if point.dist else point.value] = str(error)
    return broken


def _broken_packages() -> str:
    found = load_entry_points().items()
    return "".join(f"; parts of package '{name}' cannot be loaded: {why}" for name, why in found)
