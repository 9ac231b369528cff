"""Rows found without a table are those that the table gives."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from recbole_showcase.encoders.in_order import RowsInOrder

TOKENS = st.lists(st.text(max_size=3), unique=True, max_size=12)


def parted(values: list[str], ends: list[int]) -> list[pa.Array]:
    cuts = [0, *sorted(min(end, len(values)) for end in ends), len(values)]
    return [pa.array(values[a:b], pa.large_string()) for a, b in pairwise(cuts)]


@given(
    TOKENS,
    st.data(),
    st.lists(st.integers(0, 12), max_size=3),
    st.lists(st.integers(0, 12), max_size=3),
)
def test_rows_are_those_of_a_table(
    tokens: list[str], data: st.DataObject, blocks: list[int], parts: list[int]
) -> None:
    is_skipped = [data.draw(st.booleans()) for _ in tokens]
    skipped = [token for token, is_out in zip(tokens, is_skipped, strict=True) if is_out]
    stored = [token for token in tokens if token not in skipped]
    order = RowsInOrder(parted(stored, blocks), skipped)
    found = [order.rows(part) for part in parted(tokens, parts)]
    rows = {token: row for row, token in enumerate(stored)}
    assert np.concatenate(found).tolist() == [rows.get(token, -1) for token in tokens]


@given(TOKENS.filter(lambda tokens: len(tokens) > 1), st.data())
def test_another_order_is_noticed(tokens: list[str], data: st.DataObject) -> None:
    asked = data.draw(st.permutations(tokens).filter(lambda other: other != tokens))
    order = RowsInOrder(parted(tokens, [3]), [])
    found = [order.rows(part) for part in parted(asked, [2])]
    first = next(n for n, rows in enumerate(found) if rows is None)
    assert all(rows is None or not len(rows) for rows in found[first:]), "nor any after them"


def test_rows_that_nobody_asks_for_at_the_end() -> None:
    order = RowsInOrder(parted(["a", "b", "c"], []), [])
    assert order.rows(pa.array(["a", "b"])).tolist() == [0, 1]
    order = RowsInOrder(parted(["a", "b", "c"], []), [])
    assert order.rows(pa.array(["a", "c"])) is None
    assert order.rows(pa.array(["b"])) is None
