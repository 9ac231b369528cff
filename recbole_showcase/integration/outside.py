"""Code of others: recommenders and parts that are not of RecBole or this package.

Other processes, and those who load a checkpoint later, have to import it again. It is carried by
the paths of its classes and functions, ``package.module:Name``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from recbole_showcase.errors import SettingsError
from recbole_showcase.integration.config import PARTS, run_settings
from recbole_showcase.integration.hooks import PREFIX
from recbole_showcase.parts import METRICS, REGISTRIES, code_of, import_path

_bases: dict[str, type] = {}  # recommenders by their name in lower case
_expected: list[str] = []  # what a worker of ray's is to know once it has its driver's path


def remember_base(base: type) -> None:
    """Keep a recommender that RecBole does not find by itself."""
    if not base.__module__.startswith("recbole."):
        _bases[base.__name__.lower()] = base


def base_of_others(stem: str) -> type | None:
    """The recommender of a name in lower case; None if there is none."""
    return _bases.get(stem)


def code_of_others() -> list[str]:
    """Paths of all recommenders and parts that are known here and are somebody else's."""
    parts = [
        code_of(table[name])
        for table in REGISTRIES.values()
        for name in table
        if not table.is_own(name)
    ]
    return [*map(code_of, _bases.values()), *parts]


def code_of_run(config: Any) -> list[str]:
    """Paths of the recommender, the parts and the metrics of a run that are somebody else's."""
    settings, measured = run_settings(config).showcase, map(str.lower, config["metrics"])
    chosen = [(table, getattr(settings, table.kind)) for table in PARTS]
    chosen += [(METRICS, name) for name in METRICS if name.lower() in set(measured)]
    base = _bases.get(config["model"].lower().removeprefix(PREFIX.lower()))
    return [
        *([code_of(base)] if base else []),
        *(code_of(table.find(name)) for table, name in chosen if not table.is_own(name)),
    ]


def expect_code(paths: Iterable[str]) -> None:
    """Keep paths for :func:`import_expected`."""
    _expected.extend(paths)


def import_expected() -> None:
    """Import what this process was told to expect."""
    import_code(_expected)


def import_code(paths: Iterable[str]) -> Mapping[str, str]:
    """Import recommenders and parts, which makes them known here.

    Args:
        paths: What :func:`code_of_others` gave elsewhere.

    Returns:
        Why a path could not be imported, for those that could not. Parts that stand in functions
        or in a main program have no path that leads to them.
    """
    missing = {}
    for path in paths:
        try:
            found = import_path(path)
        except SettingsError as error:
            missing[path] = str(error)
        else:
            if isinstance(found, type) and not hasattr(found, "part_kind"):
                remember_base(found)
    return missing
