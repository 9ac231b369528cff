"""The parts that a configuration names: explainers, selectors, relevance models and metrics.

A part is found by a name or by the path of its code, ``package.module:Name``. Names come from the
package's own tables, from :func:`register`, and from installed packages that have an entry point
of the group ``recbole_showcase``; its value is a module that registers parts when it is imported.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from recbole_showcase.errors import RegistrationError, SettingsError
from recbole_showcase.parts.imports import check_trusted, code_of, import_path, is_planted
from recbole_showcase.settings import read_settings

ENTRY_POINTS = "recbole_showcase"


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
        self._reserved: set[str] = set()
        self._lock = threading.Lock()

    def declare(self, paths: Mapping[str, str]) -> Registry:
        """Add parts by the paths of their code, ``package.module:Name``; returns the registry."""
        with self._lock:
            self._parts.update(paths)
        return self

    def reserve(self, names: Iterable[str]) -> None:
        """Keep names, in any case, from being given to parts."""
        with self._lock:
            self._reserved.update(name.lower() for name in names)

    def add(self, name: str, part: Any) -> None:
        """Add a part, in the place of an earlier version of it where its module is loaded again.

        Raises:
            RegistrationError: If another part has the name, in any case, or it cannot be one.
        """
        if not isinstance(name, str) or not name.strip() or any(sign in name for sign in ":@ "):
            raise RegistrationError(
                f"{name!r} cannot name a part; allowed: text without a space, ':' or '@'"
            )
        with self._lock:
            alike = next((own for own in self._parts if own.lower() == name.lower()), name)
            known = self._parts.get(alike)
            taken = known is not None and (alike != name or not _same_code(known, part))
            if taken or name.lower() in self._reserved:
                raise RegistrationError(
                    f"the {self.title} '{alike}' is there already; register yours by another name"
                )
            self._parts[name] = part

    def remove(self, name: str) -> None:
        """Forget a part."""
        with self._lock:
            self._parts.pop(name, None)

    def name_of(self, path: str) -> str | None:
        """The name of the part of this package whose code has a path; None if none has."""
        return next((name for name, part in self._parts.items() if part == path), None)

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
    if kind in REGISTRIES and isinstance(part, type) and not options:
        _check_settings(part, kind)
        REGISTRIES[kind].add(name, part)
    elif callable(part) and kind is None and not isinstance(part, type):
        from recbole_showcase.metrics.metric import Metric

        try:
            row = Metric(name, part, **options)
        except TypeError as error:
            raise RegistrationError(f"metric '{name}' cannot be registered: {error}") from error
        METRICS.add(name, row)
    else:
        raise RegistrationError(
            f"{part!r} is no part; allowed: a subclass of Explainer, RelevanceModel or "
            "ImageSelector, without options, or a function that gives a metric"
        )
    return part


def _check_settings(part: Any, kind: str) -> None:
    """Refuse settings that cannot be read, or whose names could be RecBole's or another part's."""
    settings: Any = part.Settings
    frozen = is_dataclass(settings) and settings.__dataclass_params__.frozen  # type: ignore[union-attr]
    if not isinstance(settings, type) or not frozen:
        raise RegistrationError(
            f"{code_of(part)} has the Settings {settings!r}; allowed: a frozen dataclass"
        )
    for field in fields(settings):
        if not field.name.startswith(f"{kind}_"):
            raise RegistrationError(
                f"{code_of(part)} has the setting '{field.name}'; allowed: names that begin with "
                f"'{kind}_'"
            )


def _same_code(known: Any, part: Any) -> bool:
    """Whether a module that was loaded again registers what it had registered before.

    What is typed in, in a notebook or at a prompt, may replace what was typed in before.
    """
    if known is part:
        return True
    if isinstance(known, str):
        return known == code_of(part)
    ours, theirs = code_of(known), code_of(part)
    return ours == theirs and ("<" not in ours.replace("<locals>", "") or "__main__" in ours)


@cache
def load_entry_points() -> Mapping[str, str]:
    """Import the modules that installed packages name; what failed, by package.

    Packages that merely lie where Python was started are no installed ones.
    """
    broken = {}
    for point in entry_points(group=ENTRY_POINTS):
        if point.dist is not None and is_planted(str(point.dist.locate_file(""))):
            continue
        try:
            check_trusted(point.module, f"module '{point.module}'")
            point.load()
        except Exception as error:  # another's package may raise anything
            broken[point.dist.name if point.dist else point.value] = str(error)
    return broken


def _broken_packages() -> str:
    found = load_entry_points().items()
    return "".join(f"; parts of package '{name}' cannot be loaded: {why}" for name, why in found)
