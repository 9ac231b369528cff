"""JSON, YAML and arrays that are damaged, or made to cost, are refused in one line."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from recbole_showcase.errors import SettingsError
from recbole_showcase.files.plain import parse_json, read_array
from recbole_showcase.files.yaml_files import read_yaml
from recbole_showcase.settings import stored_as


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "", "[1", b"\xff"])
def test_json_that_is_none(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)
    with pytest.raises(ValueError, match=r"."):
        stored_as(dict[str, int], text)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1.5", "true", '"1"', "null"])
def test_what_is_no_count_is_named_with_its_place(value: str) -> None:
    with pytest.raises(ValueError, match=r"^\.a is .*; allowed: a valid integer"):
        stored_as(dict[str, int], f'{{"a": {value}}}')


_LAUGHS = "".join(
    f"{name}: &{name} [{', '.join([f'*{below}'] * 10)}]\n"
    for below, name in zip("abcdefgh", "bcdefghi", strict=True)
)
_MERGES = "".join(
    f"{name}: &{name} {{<<: [{', '.join([f'*{below}'] * 10)}]}}\n"
    for below, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 1000, "nested too deeply"),
        ("a: " + "{b: " * 10_000, "nested too deeply"),
        ("? [1, 2]\n: 3\n", "line 1: a key is a sequence; allowed: a name"),
        ("a: 1\nb: {? {c: 1} : 2}\n", "line 2: a key is a mapping; allowed: a name"),
        ("a: &a [1]\n" + _LAUGHS, "its aliases stand for more than 100,000 values"),
        ("a: &a {x: 1}\n" + _MERGES, "its aliases stand for more than 100,000 values"),
        ("a: &a [*a]\n", "line 1: an alias stands for what it is a part of"),
        ("a: 2024-13-01\n", "month must be in 1..12"),
        ("a: !!int x\n", "is no YAML"),
        ("a: [\nb: 1\n", "line 3: "),
        ("a: \x00\n", "is no YAML"),
    ],
)
def test_yaml_that_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError) as error:
        read_yaml(path)
    message = str(error.value)
    assert message.startswith(f"{path} is no YAML") and said in message
    assert "\n" not in message and len(message) < 400


def test_yaml_with_aliases_and_many_values_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recbole_showcase.files.yaml_files._MOST_BY_ALIASES", 100)
    path = tmp_path / "a.yaml"
    path.write_text(f"a: &a {{x: 1}}\nb: {{<<: *a, y: 1e-3}}\nc: [{'0, ' * 300}]\n")
    found = read_yaml(path)
    assert found["b"] == {"x": 1, "y": 0.001} and len(found["c"]) == 300


def _array(header: str) -> bytes:
    text = header.encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[1, 2]",
        _array("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999,), }"),
        _array("(" * 9000),
        _array("{'descr': 'abc', 'fortran_order': False, 'shape': (1,), }"),
        _array("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"),
    ],
)
def test_arrays_that_are_none(tmp_path: Path, content: bytes, mapped: bool) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"^.*$") as error:
        read_array(path, mapped)
    assert "pickle.load" not in str(error.value)


def test_an_array_is_read(tmp_path: Path) -> None:
    path, buffer = tmp_path / "a.npy", io.BytesIO()
    np.save(buffer, np.arange(3))
    path.write_bytes(buffer.getvalue())
    assert read_array(path).tolist() == read_array(path, mapped=True).tolist() == [0, 1, 2]
