r"""What has to change in a value before it can stand in an atomic file.

RecBole reads its files with pandas' Python engine, tab separated and with quoting on, and
takes some words for missing values. Four rules make a value safe for that parser and for ours:

1. Every run of white space or control characters becomes one space; the ends are trimmed.
2. A double quote at the beginning becomes ``“``: it would swallow the rows that follow.
   Quotes anywhere else stay.
3. A value that as a whole is one of pandas' marks of a missing value (``NA``, ``null``,
   ``None`` ...) gets a full stop, so that an id or a name of that kind is not lost.
4. Half of a surrogate pair, which UTF-8 cannot hold, becomes U+FFFD.

The rules exist once as Python functions and once as SQL macros, from the same constants;
a test holds the two together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

LEADING_QUOTE = "“"
TRANSLATED, ORIGINAL = "(Translated by Google)", "(Original)"
MISSING_MARKS: tuple[str, ...] = (
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip

_FOLDED = (
    r"\x{00}-\x{20}\x{7f}-\x{a0}\x{1680}"
    r"\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
)
_SPACE = re.compile(
    "[" + re.sub(r"\\x\{([0-9a-f]+)\}", lambda m: rf"\u{int(m[1], 16):04x}", _FOLDED) + "]+"
)
_HALF_PAIR = re.compile("[\ud800-\udfff]")
_MARKS = frozenset(MISSING_MARKS)


def clean_value(value: str) -> str:
    r"""Make a text, name or id safe for RecBole's parser and for ours.

    >>> clean_value('"Great" \t he said,\n twice ')
    '“Great" he said, twice'
    >>> clean_value("null")
    'null.'
    """
    value = _HALF_PAIR.sub("\ufffd", _SPACE.sub(" ", value)).strip(" ")
    if value.startswith('"'):
        value = LEADING_QUOTE + value[1:]
    return value + "." if value in _MARKS else value


def join_tokens(tokens: Iterable[str]) -> str:
    """Join the tokens of a ``token_seq``; white space inside a token becomes ``_``.

    >>> join_tokens(["Fine dining restaurant", "Cafe"])
    'Fine_dining_restaurant Cafe'
    """
    cleaned = (_SPACE.sub(" ", token).strip(" ").replace(" ", "_") for token in tokens)
    return clean_value(" ".join(token for token in cleaned if token))


def sql_macros() -> str:
    """Return SQL that defines the rules in DuckDB, as macros.

    ``clean(v)`` and ``join_tokens(list)`` are the two functions above; ``blank(v)`` tells
    whether nothing is left of a value, ``english(v)`` is the translation in a review that
    carries both. ``finite(v)`` is a number unless it is NaN or infinite, and ``photo_urls(v)`` the
    photos of a review as JSON tells them: a list of URLs or ids, or of objects with such a list or
    one such value as ``url``.
    What real texts have, line feeds and spaces in a row, is folded by plain replacements; the
    costly one by pattern runs only where there is a rarer character. A list of one stands for a
    name: a macro's argument is put in wherever it stands, and would be computed as often.
    """
    marks = ", ".join(f"'{mark}'" for mark in MISSING_MARKS)
    rare = _FOLDED.replace(r"\x{00}-\x{20}", r"\x{00}-\x{08}\x{0b}\x{0c}\x{0e}-\x{1f}", 1)
    return f"""
    CREATE OR REPLACE TEMP MACRO spaced(v) AS
        replace(replace(replace(v, chr(10), ' '), chr(13), ' '), chr(9), ' ');
    CREATE OR REPLACE TEMP MACRO plain(v) AS  -- JSON writes it as it stands, a byte a character
        strlen(to_json(v)) = length(v) + 2 AND NOT contains(v, '  ') AND NOT contains(v, chr(127));
    CREATE OR REPLACE TEMP MACRO squeezed(v) AS
        CASE WHEN plain(v) THEN v
             WHEN regexp_matches(v, '[{rare}]') THEN regexp_replace(v, '[{_FOLDED}]+', ' ', 'g')
             WHEN contains(v, '  ') THEN regexp_replace(v, ' {{2,}}', ' ', 'g') ELSE v END;
    CREATE OR REPLACE TEMP MACRO trimmed(v) AS
        CASE WHEN starts_with(v, ' ') OR ends_with(v, ' ') THEN trim(v) ELSE v END;
    CREATE OR REPLACE TEMP MACRO fold(v) AS
        [trimmed(f) FOR f IN [squeezed(s) FOR s IN [spaced(v)]]][1];
    CREATE OR REPLACE TEMP MACRO guard(v) AS
        CASE WHEN starts_with(v, '"') THEN '{LEADING_QUOTE}' || v[2:]
             WHEN v IN ({marks}) THEN v || '.' ELSE v END;
    CREATE OR REPLACE TEMP MACRO clean(v) AS [guard(f) FOR f IN [fold(v)]][1];
    CREATE OR REPLACE TEMP MACRO join_tokens(tokens) AS guard(array_to_string(
        [replace(fold(t), ' ', '_') FOR t IN tokens IF fold(t) <> ''], ' '));
    CREATE OR REPLACE TEMP MACRO english(v) AS
        CASE WHEN starts_with(v, '{TRANSLATED}')
             THEN split_part(v[{len(TRANSLATED) + 1}:], '{ORIGINAL}', 1) ELSE v END;
    CREATE OR REPLACE TEMP MACRO finite(v) AS CASE WHEN isfinite(v) THEN v END;
    CREATE OR REPLACE TEMP MACRO photo_urls(v) AS flatten([
        CASE json_type(p) WHEN 'VARCHAR' THEN [p->>'$'] WHEN 'OBJECT' THEN
            CASE json_type(p, '$.url') WHEN 'ARRAY' THEN p->>'$.url[*]'
                                       WHEN 'VARCHAR' THEN [p->>'$.url'] END END
        FOR p IN CASE json_type(v) WHEN 'ARRAY' THEN v->'$[*]' WHEN 'NULL' THEN NULL
                                   ELSE [v] END]);
    CREATE OR REPLACE TEMP MACRO blank(v) AS
        CASE WHEN v >= '!' AND v < chr(127) THEN false
             ELSE v IS NULL OR NOT regexp_matches(v, '[^{_FOLDED}]') END;
    """
