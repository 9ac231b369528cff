"""Names and texts as they must be written in SQL, and queries that Ctrl-C ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager


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


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C in the middle of a query be Ctrl-C, of which DuckDB makes a RuntimeError."""
    try:
        yield
    except RuntimeError as error:
        if str(error) != "Query interrupted":
            raise
        raise KeyboardInterrupt from error
