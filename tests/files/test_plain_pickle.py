"""Pickles are read as plain data: nothing in them is called, nothing announced is made room for."""

from __future__ import annotations

import collections
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recbole_showcase.files.plain_pickle import read_plain_pickle
from recbole_showcase.files.recorded import read_pickle

VALUE: Any = [
    {"a": 1, "b": -(2**40), "c": 2**200, "d": 0.5, "e": "牛\ud83c", "f": b"x" * 300},
    (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), {3, 4}, frozenset([5]), None, True, False, [], {},
    "word " * 20_000, float("inf"), [[[["deep"]]]],
]  # fmt: skip


def read(tmp_path: Path, content: bytes) -> Any:
    path = tmp_path / "x.pickle"
    path.write_bytes(content)
    return read_plain_pickle(path)


@pytest.mark.parametrize("protocol", range(2, 6))
def test_plain_data_are_read_as_pickle_reads_them(tmp_path: Path, protocol: int) -> None:
    value = [part for part in VALUE if protocol > 3 or not isinstance(part, set | frozenset)]
    value = value if protocol > 2 else [{"a": 1, "t": "x"}, (1, 2), [0.5, None]]
    content = pickle.dumps(value * 3, protocol)
    assert read(tmp_path, content) == pickle.loads(content)


def test_texts_and_numbers_of_the_first_protocol(tmp_path: Path) -> None:
    assert read(tmp_path, pickle.dumps([1, 2**70, 0.25, "é", (True, {})], 0))[:4] == [
        1, 2**70, 0.25, "é",
    ]  # fmt: skip
    assert read(tmp_path, b"S'caf\\xc3\\xa9'\n.") == "café", "a text of Python 2"


class Calls:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return Path.touch, (self.marker,)


@pytest.mark.parametrize("protocol", range(6))
def test_nothing_is_called(tmp_path: Path, protocol: int) -> None:
    marker = tmp_path / "called"
    with pytest.raises(ValueError, match="read only if it holds plain data"):
        read(tmp_path, pickle.dumps([1, Calls(marker)], protocol))
    assert not marker.exists()


@pytest.mark.parametrize(
    "value",
    [
        np.float32(1),
        np.arange(3),
        collections.OrderedDict(a=1),
        len,
        bytearray(b"x"),
        1j,
        Path("x"),
    ],
)
def test_what_is_more_than_plain_is_named(tmp_path: Path, value: Any) -> None:
    with pytest.raises(ValueError, match=r"asks for (STACK_GLOBAL|GLOBAL|BYTEARRAY8)"):
        read(tmp_path, pickle.dumps([value], 5))


@pytest.mark.parametrize(
    "content",
    [
        b"", b"abc", b"\x80\x04", b"\x80\xff.", b"]", b".", b"(" * 100, b"Nz.", b"h\x07.", b"a.",
        b"e.", b"]r\xff\xff", b"NNs.", b"(]e.", b"](NNu.", b"I12x\n.", b"F.", b"V\\ud8\n.",
        b"I" + b"9" * 5000 + b"\n.", b"Pname\n.", b"NQ.", b"NR.", b"Nb.", b"c__main__\nx\n.",
        b"X" + struct.pack("<I", 2**31) + b"a.", b"\x8d" + struct.pack("<Q", 2**60) + b"a.",
        b"\x8e" + struct.pack("<Q", 2**63) + b"a.", b"\x8b" + struct.pack("<i", -5) + b"a.",
        b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b"N.",
        b"\x82\x01.", b"]]\x90.", b"(NN](\x86.", pickle.dumps(VALUE)[:-200],
    ],
)  # fmt: skip
def test_damage_is_one_value_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ValueError):
        read(tmp_path, content)


def test_a_number_of_a_place_takes_no_room(tmp_path: Path) -> None:
    """The compiled reader makes 2**33 places for this one value, 64 GB."""
    assert read(tmp_path, b"]r\xff\xff\xff\xff.") == []
    assert read(tmp_path, b"]p99999999999999\n.") == []


def test_every_prefix_and_every_flipped_byte_is_data_or_a_value_error(tmp_path: Path) -> None:
    content = pickle.dumps([{"user": "u", "rating": 4, "template": ("a", "b", "c d", 1)}] * 2, 4)
    broken = [content[:n] for n in range(len(content))]
    broken += [content[:n] + bytes([b]) + content[n + 1 :] for n in range(len(content))
               for b in (0, 0x28, 0x63, 0x52, 0x72, 0x93, 0xFF)]  # fmt: skip
    for one in broken:
        try:
            read(tmp_path, one)
        except ValueError:
            continue


# A tuple of forty times twice the same, eighty bytes of a file, which would take days to hash.
DEEP = b")" + b"2\x86" * 40


@pytest.mark.parametrize("reader", [read_plain_pickle, read_pickle])
@pytest.mark.parametrize(
    "content",
    [
        b"}" + DEEP + b"Ns.",  # SETITEM
        b"}(" + DEEP + b"Nu.",  # SETITEMS
        b"(" + DEEP + b"Nd.",  # DICT
        b"\x8f(" + DEEP + b"\x90.",  # ADDITEMS
        b"(" + DEEP + b"\x91.",  # FROZENSET
        b"}(" + DEEP + b"\x91Ns.",
    ],
)
def test_what_takes_for_ever_to_hash_is_not_hashed(
    tmp_path: Path, reader: Any, content: bytes
) -> None:
    (tmp_path / "deep.pickle").write_bytes(b"\x80\x04" + content)
    with pytest.raises(ValueError, match="a key of too many values"):
        reader(tmp_path / "deep.pickle")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_mappings_are_read(tmp_path: Path, protocol: int) -> None:
    value = {"a": {1: 2.0, None: True, 0.5: [{"b": {}}], ("c", (1, 2)): "d"}, "e": {}}
    (tmp_path / "it.pickle").write_bytes(pickle.dumps(value, protocol=protocol))
    assert read_plain_pickle(tmp_path / "it.pickle") == value


def test_sets_are_read(tmp_path: Path) -> None:
    value = {"a": {3, 4}, "b": frozenset({("c", 1)}), b"d": set()}
    (tmp_path / "it.pickle").write_bytes(pickle.dumps(value, protocol=4))
    assert read_plain_pickle(tmp_path / "it.pickle") == value


def test_no_room_is_made_for_what_a_file_does_not_hold(tmp_path: Path) -> None:
    """Twelve bytes that ask for a petabyte, of which Python would make room at once."""
    (tmp_path / "it.pickle").write_bytes(b"\x80\x05\x96" + (1 << 50).to_bytes(8, "little") + b".")
    with pytest.raises(ValueError, match="a size that it does not have"):
        read_pickle(tmp_path / "it.pickle")
    (tmp_path / "it.pickle").write_bytes(pickle.dumps(bytearray(b"abc"), protocol=5))
    assert read_pickle(tmp_path / "it.pickle") == bytearray(b"abc")
