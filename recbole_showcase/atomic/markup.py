"""HTML in texts: line breaks become white space, entities the characters that they stand for."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_ENTITY = r"&(?:#[0-9]{1,8}|#[xX][0-9a-fA-F]{1,8}|[A-Za-z][A-Za-z0-9]{1,30});"
_BREAK = r"<br\s*/?\s*>"
_FOUND = re.compile(_ENTITY)


def unescaped(text: str) -> str:
    """A text with its entities decoded, once; those without a semicolon are none.

    >>> unescaped("Salt &amp; pepper &#34;shaker&#34;, AT&T, &amp;lt;")
    'Salt & pepper "shaker", AT&T, &lt;'
    """
    return _FOUND.sub(lambda found: html.unescape(found[0]), text)


def define_plain(connection: duckdb.DuckDBPyConnection) -> None:
    """Define ``without_markup(v)`` in DuckDB; Python is called where there is an entity only."""
    connection.create_function("unescaped", unescaped, ["VARCHAR"], "VARCHAR")  # type: ignore[list-item, arg-type]
    connection.execute(
        f"""
        CREATE OR REPLACE MACRO broken_lines_spaced(v) AS CASE WHEN contains(v, '<')
            THEN regexp_replace(v, '{_BREAK}', ' ', 'gi') ELSE v END;
        CREATE OR REPLACE MACRO without_markup(v) AS [
            CASE WHEN contains(s, '&') AND regexp_matches(s, '{_ENTITY}') THEN unescaped(s)
                 ELSE s END FOR s IN [broken_lines_spaced(v)]][1]
        """
    )
