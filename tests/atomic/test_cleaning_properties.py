"""Any text, number and id is cleaned by the SQL as by a literal reading of the rules in Python."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from recbole_showcase.atomic.cleaning import (
    MISSING_MARKS,
    ORIGINAL,
    TRANSLATED,
    clean_value,
    join_tokens,
    sql_macros,
)
from recbole_showcase.atomic.sources import mend_half_pairs

MANY = 40  # texts of an example: a query costs more than a text

# What the rules look at stands beside anything.
_NOTABLE = st.sampled_from(
    [
        *MISSING_MARKS,
        *(
            TRANSLATED,
            ORIGINAL,
            '"',
            '""',
            "“",
            " ",
            "  ",
            "\t",
            "\n",
            "\r\n",
            "\x00",
            "\x7f",
            "\x85",
        ),
        *"\u00a0\u1680\u200b\u2028\u202f\u3000\ufeff",
        *("牛肉面", "é", "e\u0301"),
    ]
)
_ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
TEXTS = st.one_of(_ANY, _NOTABLE, st.lists(st.one_of(_ANY, _NOTABLE), max_size=4).map("".join))
HALVES = st.text(st.one_of(st.characters(), st.characters(categories=["Cs"])), max_size=12)


@pytest.fixture(scope="module")
def sql() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": 1})
    connection.execute(sql_macros())
    return connection


def asked(sql: duckdb.DuckDBPyConnection, expression: str, values: list[Any], kind: str) -> list:
    """What an expression of ``text`` is for each value."""
    query = f"SELECT {expression} FROM (SELECT unnest(?::{kind}[]) AS text)"
    return [row[0] for row in sql.execute(query, [values]).fetchall()]


@given(st.lists(TEXTS, min_size=1, max_size=MANY))
def test_texts_and_ids(sql: duckdb.DuckDBPyConnection, texts: list[str]) -> None:
    expected = [clean_value(text) for text in texts]
    assert asked(sql, "clean(text)", texts, "VARCHAR") == expected
    assert [clean_value(text) for text in expected] == expected, "cleaning twice changes nothing"
    assert asked(sql, "blank(text)", texts, "VARCHAR") == [not text for text in expected]
    for text in expected:
        assert text not in MISSING_MARKS and not text.startswith('"') and text == text.strip()
        assert not set(text) & set("\t\r\n\x00")


@given(st.lists(st.lists(TEXTS, max_size=5), min_size=1, max_size=MANY))
def test_sequences_of_tokens(sql: duckdb.DuckDBPyConnection, rows: list[list[str]]) -> None:
    assert asked(sql, "join_tokens(text)", rows, "VARCHAR[]") == [join_tokens(row) for row in rows]


@given(st.lists(TEXTS, min_size=1, max_size=MANY))
@example([f"{TRANSLATED} a {ORIGINAL} b {ORIGINAL} c", f"a {ORIGINAL} {TRANSLATED}", TRANSLATED])
def test_the_english_part(sql: duckdb.DuckDBPyConnection, texts: list[str]) -> None:
    expected = [
        text.removeprefix(TRANSLATED).split(ORIGINAL)[0] if text.startswith(TRANSLATED) else text
        for text in texts
    ]
    assert asked(sql, "english(text)", texts, "VARCHAR") == expected


@given(st.lists(st.one_of(st.none(), st.floats(width=64)), min_size=1, max_size=MANY))
def test_numbers(sql: duckdb.DuckDBPyConnection, numbers: list[float | None]) -> None:
    found = asked(sql, "finite(text)", numbers, "DOUBLE")
    assert found == [n if n is not None and math.isfinite(n) else None for n in numbers]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(HALVES, min_size=1, max_size=MANY), st.booleans())
def test_halves_of_surrogate_pairs_of_a_json_file(
    sql: duckdb.DuckDBPyConnection, tmp_path: Path, texts: list[str], upper: bool
) -> None:
    file = tmp_path / "raw.json"
    raw = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    file.write_text(raw.replace("\\ud8", "\\uD8") if upper else raw)
    mend_half_pairs(file)
    rows = sql.execute(
        f"SELECT clean(text) FROM read_json('{file}', format='newline_delimited', "
        "columns={'text': 'VARCHAR'})"
    ).fetchall()
    paired = [text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for text in texts]
    assert [row[0] for row in rows] == [clean_value(text) for text in paired]
