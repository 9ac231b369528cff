"""The door: how settings pass through RecBole's ``Config``, our defaults in, dataclasses out.

Here alone settings of this package are read from a configuration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import recbole_showcase.explainers
import recbole_showcase.relevance
import recbole_showcase.selectors  # noqa: F401 - these three declare the parts of this package
from recbole_showcase.errors import SettingsError
from recbole_showcase.evaluation.resources import EvaluationResources
from recbole_showcase.files.yaml_files import read_yaml
from recbole_showcase.parts import EXPLAINERS, RELEVANCE, SELECTORS, Registry
from recbole_showcase.resources import properties_path
from recbole_showcase.settings import ShowcaseSettings, check_known, read_settings

PARTS: tuple[Registry, ...] = (EXPLAINERS, SELECTORS, RELEVANCE)
_PREFIX = "showcase_"
_resources: WeakKeyDictionary[Any, EvaluationResources] = WeakKeyDictionary()


@dataclass(frozen=True)
class RunSettings:
    """The settings of a run.

    Attributes:
        showcase: Those of every composed model.
        explainer, selector, relevance: Those of the chosen parts, instances of their ``Settings``.
    """

    showcase: ShowcaseSettings
    explainer: Any
    selector: Any
    relevance: Any


def run_settings(config: Any) -> RunSettings:
    """The settings of a composed model from a RecBole ``Config``.

    Raises:
        SettingsError: If a part is not known, or a setting is unknown, of the wrong type, or out of
            range.
    """
    return _read(config.final_config_dict)


def showcase_settings(config: Any) -> ShowcaseSettings:
    """The settings that no part has, from a RecBole ``Config``; no part is looked for.

    Raises:
        SettingsError: If a setting is unknown, of the wrong type, or out of range.
    """
    return _read_showcase(_with_defaults(config.final_config_dict))


def evaluation_resources(config: Any) -> EvaluationResources:
    """What the evaluations of a run need from outside; the same for one configuration.

    So what is loaded to see that it is there need not be loaded again.
    """
    wanted = run_settings(config).showcase, Path(config["data_path"]), str(config["device"])
    known = _resources.get(config)
    if known is None or (known.settings, known.data_path, known.device) != wanted:
        known = _resources[config] = EvaluationResources(*wanted)
    return known


def showcase_defaults(external: Mapping[str, Any]) -> dict[str, Any]:
    """Defaults of a composed model, with those of the parts that the user chose.

    Args:
        external: What the user set, by file, dict or command line.

    Raises:
        SettingsError: If the user set a key that is not ours but looks like it, or a value of
            the wrong type: said here, before any data is loaded.
    """
    defaults = {**_own_defaults(), **_yaml(properties_path() / "showcase.yaml")}
    chosen = {table.kind: _part(table, {**defaults, **external}) for table in PARTS}
    for table in PARTS:
        defaults.update(part_defaults(table.kind, chosen[table.kind]))
    check_known(external, _all_keys() | set(defaults))
    _read({**defaults, **external})
    return defaults


def recommender_defaults(
    model: type, external: Mapping[str, Any], known: Iterable[str] = ()
) -> dict[str, Any]:
    """Defaults of a recommender of this package.

    Args:
        model: Its class.
        external: What the user set, by file, dict or command line.
        known: Keys that RecBole has for it, which may look like ours.

    Raises:
        SettingsError: If the user set a key that is not ours but looks like it, or a value of
            the wrong type or out of range: said here, before any data is loaded.
    """
    settings = model.Settings  # type: ignore[attr-defined]
    defaults = _defaults(settings, "")
    defaults.update(_yaml(properties_path() / "model" / f"{model.__name__}.yaml"))
    check_known(set(external) - set(known), _all_keys() | set(defaults))
    values = {**defaults, **external}
    read_settings(settings, "", {field.name: values[field.name] for field in fields(settings)})
    return {_PREFIX + "encoder": ShowcaseSettings.encoder, **defaults}


def part_defaults(kind: str, name: str) -> dict[str, Any]:
    """Defaults of one explainer, selector or relevance model.

    They are those of the fields of its ``Settings``, and of its file in ``properties`` if it is
    one of this package.

    Args:
        kind: ``explainer``, ``selector`` or ``relevance``.
        name: What the setting ``showcase_<kind>`` may be.

    Raises:
        SettingsError: If there is no such part.
    """
    (table,) = (table for table in PARTS if table.kind == kind)
    defaults = _defaults(table.find(name).Settings, "")
    name = table.name_of(name) or name  # one of this package may be given by its path
    file = properties_path() / kind / f"{name}.yaml"
    if name in table and table.is_own(name) and file.is_file():
        defaults.update(_yaml(file))
    return defaults


def _read(values: Mapping[str, Any]) -> RunSettings:
    """Read the settings, those that are not given having their defaults."""
    merged = _with_defaults(values)
    parts = {}
    for table in PARTS:
        name = _part(table, merged)
        settings = table.find(name).Settings
        own = {field.name: values[field.name] for field in fields(settings) if field.name in values}
        own = {**part_defaults(table.kind, name), **own}
        parts[table.kind] = read_settings(settings, "", own)
    return RunSettings(_read_showcase(merged), **parts)


def _with_defaults(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the settings that no part has, with the defaults of the others."""
    given = {key: value for key, value in values.items() if key.startswith(_PREFIX)}
    return {**_own_defaults(), **_yaml(properties_path() / "showcase.yaml"), **given}


def _read_showcase(merged: Mapping[str, Any]) -> ShowcaseSettings:
    ours = {key: value for key, value in merged.items() if key.startswith(_PREFIX)}
    return read_settings(ShowcaseSettings, _PREFIX, ours)


def _part(table: Registry, values: Mapping[str, Any]) -> str:
    """The name of the part that is chosen, which there is."""
    key = _PREFIX + table.kind
    name = values[key]
    if not isinstance(name, str):
        raise SettingsError(f"setting '{key}' is {name!r}; allowed: the name of a part")
    try:
        table.find(name)
    except SettingsError as error:
        raise SettingsError(f"setting '{key}': {error}") from error
    return name


@cache
def _yaml(path: Path) -> Mapping[str, Any]:
    return read_yaml(path)


def _own_defaults() -> dict[str, Any]:
    return _defaults(ShowcaseSettings, _PREFIX)


def _defaults(cls: type, prefix: str) -> dict[str, Any]:
    """Defaults of the fields of a settings dataclass, by configuration key."""
    found = {}
    for field in fields(cls):
        if field.default is not MISSING:
            found[prefix + field.name] = field.default
        elif field.default_factory is not MISSING:
            found[prefix + field.name] = field.default_factory()
    return found


def _all_keys() -> set[str]:
    """Every key of ours, whichever parts are chosen: another part's keys do no harm."""
    keys = {_PREFIX + field.name for field in fields(ShowcaseSettings)}
    for table in PARTS:
        for name in table:
            file = properties_path() / table.kind / f"{name}.yaml"
            if table.is_own(name) and file.is_file():  # as its class, which is not imported for it
                keys.update(_yaml(file))
            else:
                keys.update(field.name for field in fields(table[name].Settings))
    return keys
