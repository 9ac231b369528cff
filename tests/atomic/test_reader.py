"""read_atomic against pandas, and its errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recbole_showcase.atomic import read_atomic, read_columns, read_fields
from recbole_showcase.errors import DataError


def _file(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "x.inter"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_types_missing_values_and_order_of_columns(tmp_path: Path) -> None:
    path = _file(tmp_path, 'u:token\tr:float\tt:token_seq\nNA\t1.5\t\n\t\t"x" y\nnull\tNaN\té\n')
    frame = read_atomic(path)
    assert list(frame.columns) == ["u", "r", "t"]
    assert frame.u.tolist() == ["NA", "", "null"]
    assert frame.t.tolist() == ["", '"x" y', "é"]
    assert frame.r.dtype == np.float64
    np.testing.assert_array_equal(frame.r, [1.5, np.nan, np.nan])
    assert list(read_atomic(path, ["t", "u"]).columns) == ["t", "u"]
    np.testing.assert_array_equal(read_atomic(path, ["r"]).r, [1.5, np.nan, np.nan])


def test_the_order_of_many_rows_is_kept(tmp_path: Path) -> None:
    rows = 600_000  # more than DuckDB gives to one thread: the first 8 MB
    numbers = np.arange(rows)
    body = "\n".join(f"user{n:020d}\t{n * 0.1!r}" for n in numbers.tolist())
    path = _file(tmp_path, f"u:token\tr:float\n{body}\n")
    frame = read_atomic(path)
    reference = pd.read_csv(
        path, sep="\t", names=["u", "r"], skiprows=1, float_precision="round_trip"
    )
    pd.testing.assert_frame_equal(frame, reference)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends(tmp_path: Path, newline: str, last: bool) -> None:
    text = newline.join(["u:token\tr:float", "a\t1", "b\t2"]) + (newline if last else "")
    frame = read_atomic(_file(tmp_path, text))
    assert frame.to_dict("list") == {"u": ["a", "b"], "r": [1.0, 2.0]}


def test_a_file_with_a_header_alone_is_empty(tmp_path: Path) -> None:
    frame = read_atomic(_file(tmp_path, "u:token\tr:float\n"))
    assert len(frame) == 0
    assert frame.r.dtype == np.float64


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("u:token\tr:float\na\t1\nb\n", "line 3: 1 values; the header has 2"),
        ("u:token\tr:float\na\t1\t2\nb\n", "line 2: 3 values; the header has 2"),
        ("u:token\tr:float\na\t1\n\nb\t1\n", "line 3: 1 values"),
        ("u:token\n\n", "line 2: an empty line"),
        ("u:token\tr:float\na\t1\nb\tfive\n", "line 3, column r: 'five' is no number"),
        ("u:token\tr:float\na\rb\t1\n", "line 2: a carriage return"),
        ("u:token\tr:float\r\na\t1\r\nb\t1\nc\t1\r\n", "line 3: no carriage return before its end"),
        ("u\tr:float\n", "line 1: column head 'u'"),
        ("u:token\tu:float\n", "line 1: a column is named twice"),
        ("u:text\n", "allowed types: token, token_seq, float, float_seq"),
        ("", "line 1"),
        (b"u:token\n\xff\n", "not utf-8"),
    ],
)
def test_errors_name_the_place(tmp_path: Path, content: str | bytes, told: str) -> None:
    with pytest.raises(DataError, match=told):
        read_atomic(_file(tmp_path, content))


def test_a_ragged_row_is_found_among_many(tmp_path: Path) -> None:
    lines = ["u:token\tr:float"] + ["a\t1"] * 200_000
    lines[150_000] = "a\t1\t1"
    lines[170_000] = "a"
    with pytest.raises(DataError, match="line 150001: 3 values"):
        read_atomic(_file(tmp_path, "\n".join(lines)))


def test_a_missing_file_or_column(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        read_atomic(tmp_path / "none.inter")
    with pytest.raises(DataError, match="no column 'x'; it has u"):
        read_atomic(_file(tmp_path, "u:token\na\n"), ["x"])


def test_fields(tmp_path: Path) -> None:
    fields = read_fields(_file(tmp_path, "u:token\tr:float\n"))
    assert [(f.name, f.type) for f in fields] == [("u", "token"), ("r", "float")]


@pytest.mark.parametrize("column", ["t", "r"])
def test_a_line_of_any_length_is_read(tmp_path: Path, column: str) -> None:
    texts = ["short", "x" * 3_000_000, "牛" * 1_500_000, "y" * 2_090_000, "last"]
    body = "".join(f"{text}\t{n}\n" for n, text in enumerate(texts))
    path = _file(tmp_path, f"t:token_seq\tr:float\n{body}")
    expected = {"t": texts, "r": [0, 1, 2, 3, 4]}[column]
    assert read_atomic(path, [column])[column].tolist() == expected


def test_an_error_does_not_repeat_a_long_line(tmp_path: Path) -> None:
    path = _file(tmp_path, b"t:token_seq\n" + b"x" * 3_000_000 + b"\xff\n")
    with pytest.raises(DataError) as caught:
        read_atomic(path)
    assert len(str(caught.value)) < 500


def test_some_columns_of_a_file_that_is_not_ours_to_judge(tmp_path: Path) -> None:
    content = (
        "i:token\tname:text\tx:float\tn\ni1\tNA\tno number\t1\ni2\t\t\n\ni3\tJos\xe9\t1\t1\t1\n"
    )
    found = read_columns(_file(tmp_path, content), ["name", "i", "gone"])
    assert found.to_dict("list") == {"i": ["i1", "i2", "i3"], "name": ["NA", "", "Jos\xe9"]}
    latin = "i:token;;name:token_seq\n1;;Jos\xe9\n".encode("latin-1")
    found = read_columns(_file(tmp_path, latin), ["name"], ";;", "latin-1")
    assert found["name"].tolist() == ["Jos\xe9"]
    assert read_columns(_file(tmp_path, latin), ["name"], ";;")["name"].tolist() == ["Jos\ufffd"]
    with pytest.raises(DataError, match=r"none\.item cannot be read"):
        read_columns(tmp_path / "none.item", ["i"])
    with pytest.raises(DataError, match="cannot be read: unknown encoding"):
        read_columns(_file(tmp_path, latin), ["i"], ";", "no-such")
