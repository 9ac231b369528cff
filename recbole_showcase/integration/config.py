"""How settings pass through RecBole's ``Config``: our defaults in, our dataclasses out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from recbole_showcase.errors import SettingsError
from recbole_showcase.resources import properties_path
from recbole_showcase.settings import ShowcaseSettings, check_known, read_settings

PARTS = ("explainer", "selector", "relevance")


@cache
def _yaml(path: Path) -> Mapping[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


def part_names(part: str) -> list[str]:
    """Names of the explainers, selectors or relevance models that have a file of defaults."""
    return sorted(path.stem for path in (properties_path() / part).glob("*.yaml"))


def part_defaults(part: str, name: str) -> Mapping[str, Any]:
    """Defaults of one explainer, selector or relevance model.

    Raises:
        SettingsError: If there is no such part.
    """
    names = part_names(part)
    if name not in names:
        raise SettingsError(f"setting 'showcase_{part}' is '{name}'; allowed: {', '.join(names)}")
    return _yaml(properties_path() / part / f"{name}.yaml")


def showcase_defaults(external: Mapping[str, Any]) -> dict[str, Any]:
    """Defaults of a composed model, with those of the parts that the user chose.

    Args:
        external: What the user set, by file, dict or command line.

    Raises:
        SettingsError: If the user set a key that is not ours but looks like it, or a value of
            the wrong type: said here, before any data is loaded.
    """
    from recbole_showcase.explainers import EXPLAINERS
    from recbole_showcase.relevance import RELEVANCE
    from recbole_showcase.selectors import SELECTORS

    defaults = dict(_yaml(properties_path() / "showcase.yaml"))
    for part in PARTS:
        key = f"showcase_{part}"
        defaults.update(part_defaults(part, external.get(key, defaults[key])))
    check_known(external, _all_keys())
    merged = {**defaults, **external}
    read_settings(ShowcaseSettings, "showcase_", merged)
    tables: tuple[Mapping[str, Any], ...] = (EXPLAINERS, SELECTORS, RELEVANCE)
    for part, table in zip(PARTS, tables, strict=True):
        name = merged[f"showcase_{part}"]
        values = {key: merged[key] for key in part_defaults(part, name)}
        read_settings(table[name].Settings, "", values)
    return defaults


def showcase_settings(config: Any) -> ShowcaseSettings:
    """The settings of a composed model from a RecBole ``Config``."""
    values = {k: v for k, v in config.final_config_dict.items() if k.startswith("showcase_")}
    return read_settings(ShowcaseSettings, "showcase_", values)


def part_values(config: Any, part: str) -> dict[str, Any]:
    """The configuration keys of the chosen part, and no others."""
    allowed = part_defaults(part, config[f"showcase_{part}"])
    return {key: config[key] for key in allowed}


def _all_keys() -> set[str]:
    """Every key of ours, whichever parts are chosen: another part's keys do no harm."""
    keys = {
        key for key in _yaml(properties_path() / "showcase.yaml") if key.startswith("showcase_")
    }
    for part in PARTS:
        for name in part_names(part):
            keys.update(part_defaults(part, name))
    return keys
