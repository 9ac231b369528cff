"""YAML files: read as RecBole reads them, written whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from recbole_showcase.errors import SettingsError
from recbole_showcase.files.replace import replace_text

_MOST_BY_ALIASES = 100_000


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, where 1e-3 is a number and a key may not come twice."""

    def get_single_node(self) -> yaml.Node | None:
        node: yaml.Node | None = super().get_single_node()
        if node is not None:
            _refuse_explosion(node)
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                raise _refused(f"a key is a {key_node.id}; allowed: a name", key_node)
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise _refused(f"key {key!r} is there twice", key_node)
            seen.add(key)
        return super().construct_mapping(node, deep)


# YAML 1.1 wants a point and a sign (1.0e-3); RecBole's files and people do without.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)[eE][-+]?[0-9]+$"),
    list("-+0123456789."),
)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a mapping from a YAML file.

    Raises:
        SettingsError: The file is missing, is no YAML, or holds no mapping of names.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error
    except RecursionError as error:
        raise SettingsError(f"{path} is no YAML that can be read: nested too deeply") from error
    except Exception as error:  # a date such as 2024-13-01 raises what Python's own types raise
        raise SettingsError(f"{path} is no YAML: {_said(error)}") from error
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise SettingsError(f"{path} holds {type(content).__name__}; expected a mapping of names")
    return content


def write_yaml(path: Path, values: Mapping[str, Any]) -> None:
    """Write a mapping of plain data, whole or not at all."""
    replace_text(path, yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True))


def _refuse_explosion(root: yaml.Node) -> None:
    """Refuse aliases that stand for themselves, or by each other for more than any file needs.

    A few lines of them stand for billions of values, and whoever copies or shows these has to make
    them all.
    """
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size_of(node: yaml.Node) -> int:
        if id(node) in open_nodes:
            raise _refused("an alias stands for what it is a part of", node)
        if id(node) not in sizes:
            open_nodes.add(id(node))
            inside = node.value if isinstance(node, yaml.CollectionNode) else ()
            parts = (part for own in inside for part in (own if isinstance(own, tuple) else [own]))
            sizes[id(node)] = 1 + sum(map(size_of, parts))
            open_nodes.remove(id(node))
        return sizes[id(node)]

    if size_of(root) > max(_MOST_BY_ALIASES, 10 * len(sizes)):
        raise _refused(f"its aliases stand for more than {_MOST_BY_ALIASES:,} values", root)


def _refused(what: str, node: yaml.Node) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(None, None, what, node.start_mark)


def _said(error: Exception) -> str:
    """What PyYAML says, on one line and without a piece of the file."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return " ".join(str(error).split())
    said = ", ".join(filter(None, [error.context, error.problem]))
    return f"line {error.problem_mark.line + 1}: {said}"
