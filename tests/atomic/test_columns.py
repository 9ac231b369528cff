"""Columns that stay on disk or in Arrow against plain Python."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbole_showcase.atomic import (
    IMAGE,
    StoredColumn,
    as_arrow,
    as_texts,
    line_starts,
    positions,
    read_atomic,
    repeated,
)
from recbole_showcase.atomic import reader as module
from recbole_showcase.encoders.store import read_tokens
from recbole_showcase.errors import DataError

TOKENS = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)


@given(st.lists(TOKENS, max_size=9), st.lists(TOKENS, max_size=9, unique=True))
def test_positions(tokens: list[str], among: list[str]) -> None:
    place = {token: number for number, token in enumerate(among)}
    assert positions(tokens, among).tolist() == [place.get(token, -1) for token in tokens]
    assert positions(among, as_arrow(among)).tolist() == list(range(len(among)))


@given(st.lists(TOKENS, max_size=9), st.lists(TOKENS, max_size=9))
def test_texts_are_indexed_as_numpys(first: list[str], second: list[str]) -> None:
    texts, wanted = as_texts(first, as_arrow(second)), np.array([*first, *second, ""], object)[:-1]
    order = np.arange(len(wanted))[::-1]
    assert list(texts) == list(wanted) and list(texts[order]) == list(wanted[order])
    assert list(texts[wanted != ""]) == [text for text in wanted if text]
    assert [type(texts[n]) for n in order] == [str] * len(wanted)
    assert as_arrow(pickle.loads(pickle.dumps(texts))).to_pylist() == list(wanted)


@given(st.lists(TOKENS, max_size=9))
def test_repeated(tokens: list[str]) -> None:
    twice = [token for token in tokens if tokens.count(token) > 1]
    assert repeated(tokens) == (twice[0] if twice else None)


@given(st.lists(TOKENS.filter(lambda token: "\n" not in token), max_size=9), st.booleans())
def test_tokens_of_a_store(tokens: list[str], ends: bool) -> None:
    content = "".join(f"{token}\n" for token in tokens)
    if not ends and tokens and tokens[-1]:  # an end of file ends a token too
        content = content.removesuffix("\n")
    assert read_tokens(content.encode()).to_pylist() == tokens


def test_broken_tokens() -> None:
    with pytest.raises(ValueError, match="UTF"):
        read_tokens(b"a\n\xff\n")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_a_stored_column_is_the_one_that_is_read(
    tmp_path: Path, newline: str, last: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BLOCK", 40)  # lines are cut by blocks
    heads = [field.header for field in IMAGE.fields][::-1]  # the columns in another order
    lines = [[f"{'é' * n}{name[0]}{n}" for name in heads] for n in range(20)]
    text = "".join("\t".join(cells) + newline for cells in [heads, *lines])
    path = tmp_path / "x.image"
    path.write_bytes((text if last else text.removesuffix(newline)).encode())
    table, starts = read_atomic(path), line_starts(path)
    assert len(starts) == len(table) == 20
    order = np.random.default_rng(0).permutation(20)
    for name in IMAGE.names:
        column = StoredColumn(path, name, starts[order])
        column = pickle.loads(pickle.dumps((column[0], column))[:])[1]
        expected = table[name].to_numpy()[order]
        assert len(column) == 20 and (column[:] == expected).all()
        index = np.array([[3, 19], [0, 3]])
        assert (column[index] == expected[index]).all() and column[7] == expected[7]
        assert (
            column[np.int64(-1)] == expected[-1]
            and (column[order > 5] == expected[order > 5]).all()
        )
    with pytest.raises(DataError, match=r"x\.image has no column 'nowhere'; it has path"):
        StoredColumn(path, "nowhere", starts)


def test_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "x.image"
    assert len(StoredColumn(path, "path", np.empty(0, np.int64))[:]) == 0
    path.write_text("\t".join(field.header for field in IMAGE.fields) + "\n")
    assert line_starts(path).shape == (0,) and len(read_atomic(path)) == 0
    with pytest.raises(DataError, match="no column"):
        read_atomic(path, ["nowhere"])


def test_a_file_written_anew_is_refused_where_its_lines_are_not_known(tmp_path: Path) -> None:
    path = tmp_path / "x.image"
    path.write_text("image_id:token\tpath:token\np1\ta.jpg\np2\tb.jpg\n")
    opened, other = (StoredColumn(path, "path", line_starts(path)) for _ in range(2))
    stored = pickle.dumps(other)
    assert opened[1] == "b.jpg"
    anew = tmp_path / "new"
    anew.write_text("image_id:token\tpath:token\np0\tlong.jpg\np1\ta.jpg\np2\tb.jpg\n")
    anew.replace(path)
    assert opened[:].tolist() == ["a.jpg", "b.jpg"], "what is open stays what it was"
    for column in (other, pickle.loads(stored)):
        with pytest.raises(DataError, match=r"x\.image has been written anew .*; start again"):
            column[0]
    path.unlink()
    with pytest.raises(DataError, match=r"x\.image cannot be read"):
        other[0]
