"""Names and texts as they must be written in SQL."""

from __future__ import annotations

from collections.abc import Mapping


def literal(text: str) -> str:
    """Quote a text.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Quote the name of a column or table.

    >>> identifier('the "best" name')
    '"the ""best"" name"'
    """
    return '"' + name.replace('"', '""') + '"'


def column_types(types: Mapping[str, str]) -> str:
    """The columns of a file and their types, as DuckDB's readers take them.

    >>> column_types({"user": "VARCHAR", "pics": "VARCHAR[]"})
    "{'user': 'VARCHAR', 'pics': 'VARCHAR[]'}"
    """
    return "{" + ", ".join(f"{literal(name)}: {literal(t)}" for name, t in types.items()) + "}"
