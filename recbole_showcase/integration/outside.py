"""Code of others: recommenders and parts that are not of RecBole or this package.

Other processes, and those who load a checkpoint later, have to import it again. What is carried is
where the code is and what it is called.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from recbole_showcase.errors import SettingsError, ShowcaseError
from recbole_showcase.integration.config import PARTS, run_settings
from recbole_showcase.integration.hooks import PREFIX
from recbole_showcase.parts import (
    METRICS,
    REGISTRIES,
    Registry,
    code_of,
    import_path,
    is_named_by_a_file,
    register,
)
from recbole_showcase.recommenders import is_recommender

_BASE = "recommender"  # a kind beside those of parts
_OPTIONS = ("smaller", "at", "ranking")  # of a metric; what it needs from outside cannot travel
_bases: dict[str, type] = {}  # recommenders by their name in lower case
_expected: list[Mapping[str, Any]] = []  # what a worker of ray's is to know


def remember_base(base: type) -> None:
    """Keep a recommender that RecBole does not find by itself."""
    if not base.__module__.startswith("recbole.") and not is_recommender(base):
        _bases[base.__name__.lower()] = base


def base_of_others(stem: str) -> type | None:
    """The recommender of a name in lower case; None if there is none."""
    return _bases.get(stem)


def code_of_others() -> list[Mapping[str, Any]]:
    """All recommenders and parts that are known here and are somebody else's, as plain data."""
    parts = [_part(table, name) for table in REGISTRIES.values() for name in table]
    return [*map(_recommender, _bases.values()), *(part for part in parts if part is not None)]


def code_of_run(config: Any) -> list[Mapping[str, Any]]:
    """The recommender, the parts and the metrics of a run that are somebody else's."""
    settings = run_settings(config).showcase
    measured = {name.lower() for name in config["metrics"]}
    chosen = [(table, getattr(settings, table.kind)) for table in PARTS]
    chosen += [(METRICS, name) for name in METRICS if name.lower() in measured]
    base = _bases.get(config["model"].lower().removeprefix(PREFIX.lower()))
    parts = [_part(table, name) for table, name in chosen]
    own = [] if base is None else [_recommender(base)]
    return [*own, *(part for part in parts if part is not None)]


def _recommender(base: type) -> Mapping[str, Any]:
    return {"kind": _BASE, "name": base.__name__, "path": code_of(base), "options": {}}


def _part(table: Registry, name: str) -> Mapping[str, Any] | None:
    """A part by its name or path; None if it is one of this package."""
    if table.is_own(name):
        return None
    part = table.find(name)
    options = {key: getattr(part, key) for key in _OPTIONS} if table is METRICS else {}
    return {"kind": table.kind, "name": name, "path": code_of(part), "options": options}


def expect_code(code: Iterable[Mapping[str, Any]]) -> None:
    """Keep code for :func:`import_expected`."""
    _expected.extend(code)


def import_expected() -> None:
    """Import what this process was told to expect."""
    import_code(_expected)


def import_code(code: Iterable[Mapping[str, Any]]) -> Mapping[str, str]:
    """Import recommenders and parts, which makes them known here by their names.

    Args:
        code: What :func:`code_of_others` gave elsewhere.

    Returns:
        Why a path could not be imported, for those that could not. Parts that stand in functions
        have no path that leads to them.
    """
    missing = {}
    for entry in code:
        try:
            _make_known(**{key: entry[key] for key in ("kind", "name", "path", "options")})
        except (ShowcaseError, KeyError, TypeError) as error:
            path = entry.get("path") if isinstance(entry, Mapping) else entry
            missing[str(path)] = str(error)
    return missing


def _make_known(kind: str, name: str, path: str, options: Mapping[str, Any]) -> None:
    found = import_path(path)  # a module that registers its parts has done so now
    if kind == _BASE:
        if isinstance(found, type):
            remember_base(found)
        return
    table = REGISTRIES[kind]
    if ":" in name or name in table:
        return
    if table is METRICS and is_named_by_a_file():
        # A file may name a function, not have it called.
        raise SettingsError(f"'{path}' is no registered metric; register it as '{name}' first")
    register(name, found, **options)
