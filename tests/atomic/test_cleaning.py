"""One set of rules, written once in Python and once in SQL."""

from __future__ import annotations

import duckdb
import pytest

from recbole_showcase.atomic.cleaning import MISSING_MARKS, clean_value, join_tokens, sql_macros

CASES = {
    "plain": "plain",
    "": "",
    " \t\n ": "",
    "a\tb": "a b",
    "a\r\nb": "a b",
    "a  b": "a b",
    " a ": "a",
    "nul\x00byte": "nul byte",
    "next\x85line\u2028and\u2029more": "next line and more",
    "wide\u3000and\u00a0hard": "wide and hard",
    '"quoted"': '“quoted"',
    '"': "“",
    ' "after space': "“after space",
    '""two': '“"two',
    'in "the" middle': 'in "the" middle',
    "null": "null.",
    " NA ": "NA.",
    "null and void": "null and void",
    "Null": "Null",
    "🍕 👨‍👩‍👧 café 北京": "🍕 👨‍👩‍👧 café 北京",
    "x'; DROP TABLE rows; --": "x'; DROP TABLE rows; --",
    "$1 \\1 \\n": "$1 \\1 \\n",
}


@pytest.fixture(scope="module")
def sql() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(sql_macros())
    return connection


@pytest.mark.parametrize(("raw", "expected"), CASES.items())
def test_python_and_sql_clean_alike(
    sql: duckdb.DuckDBPyConnection, raw: str, expected: str
) -> None:
    assert clean_value(raw) == expected
    assert sql.execute("SELECT clean(?)", [raw]).fetchall() == [(expected,)]
    assert clean_value(expected) == expected, "cleaning twice changes nothing"


@pytest.mark.parametrize("mark", MISSING_MARKS)
def test_every_mark_of_a_missing_value_is_guarded(
    sql: duckdb.DuckDBPyConnection, mark: str
) -> None:
    assert clean_value(mark) == mark + "."
    assert sql.execute("SELECT clean(?)", [mark]).fetchall() == [(mark + ".",)]


def test_marks_are_those_of_pandas() -> None:
    from pandas._libs.parsers import STR_NA_VALUES

    assert set(MISSING_MARKS) == STR_NA_VALUES - {""}


def test_half_a_surrogate_pair_becomes_the_replacement_character() -> None:
    assert clean_value("a\ud83d") == "a\ufffd"


def test_every_white_space_character_is_folded(sql: duckdb.DuckDBPyConnection) -> None:
    spaces = [chr(code) for code in range(0x3100) if chr(code).isspace()]
    for space in spaces:
        assert clean_value(f"a{space}b") == "a b", hex(ord(space))
        assert sql.execute("SELECT clean(?)", [f"a{space}b"]).fetchall() == [("a b",)]


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (["Fine dining restaurant", "Cafe"], "Fine_dining_restaurant Cafe"),
        (["  a \t b ", "", " "], "a_b"),
        (['"Best" bar'], '“Best"_bar'),
        ([], ""),
        (["null"], "null."),
    ],
)
def test_tokens_are_joined_alike(
    sql: duckdb.DuckDBPyConnection, tokens: list[str], expected: str
) -> None:
    assert join_tokens(tokens) == expected
    assert sql.execute("SELECT join_tokens(?::VARCHAR[])", [tokens]).fetchall() == [(expected,)]


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("(Translated by Google) Good\n\n(Original)\nBueno", "Good"),
        ("(Translated by Google) Good", "Good"),
        ("Good (Original)", "Good (Original)"),
    ],
)
def test_the_english_part(sql: duckdb.DuckDBPyConnection, text: str, english: str) -> None:
    assert sql.execute("SELECT clean(english(?))", [text]).fetchall() == [(english,)]


def test_blank(sql: duckdb.DuckDBPyConnection) -> None:
    answers = sql.execute(
        "SELECT [blank(v) FOR v IN [NULL, '', ' ', chr(10) || chr(12288), ' a', 'a', 'é']]"
    ).fetchall()
    assert answers == [([True, True, True, True, False, False, False],)]
