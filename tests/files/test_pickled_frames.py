"""Frames that six versions of pandas have pickled, and pickles that want to do harm."""

from __future__ import annotations

import os
import pickle
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recbole_showcase.files.pickled_frames import read_pickled_array, read_pickled_columns
from recbole_showcase.files.recorded import read_pickle

PICKLED = Path(__file__).parent / "pickled"
NAMES = ["id_user", "id_restaurant", "id_img", "take", "url", "score"]
ROWS = [
    (0, 2, 0, 1, "a", 0.0),
    (0, 3, 1, 1, "b", 0.5),
    (1, 2, 2, 1, None, 1.0),
    (0, 2, 0, 0, "d", 1.5),
    (0, 3, 1, 0, "e", 2.0),
    (1, 2, 2, 0, "f", 2.5),
]


def rows_of(columns: dict[str, np.ndarray]) -> list[tuple[Any, ...]]:
    """Rows, a missing text as None, as which NaN stands in pandas 3."""
    table = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [tuple(None if v != v else v for v in row) for row in table]


def test_there_are_pickles_of_all_forms() -> None:
    assert len({path.name.split("-")[1] for path in PICKLED.glob("*.pkl")}) == 6


@pytest.mark.parametrize("path", sorted(PICKLED.glob("*.pkl")), ids=lambda path: path.stem)
def test_frames_of_other_versions(path: Path) -> None:
    """Protocol 4 in the order of the rows, protocol 2 shuffled, with an index of its own."""
    found = rows_of(read_pickled_columns(path, NAMES))
    assert (
        found == ROWS if "plain" in path.stem else sorted(found, key=str) == sorted(ROWS, key=str)
    )
    assert list(read_pickled_columns(path, ["take"])) == ["take"]
    with pytest.raises(ValueError, match="no column 'is_dev'; it has: id_user, id_restaurant"):
        read_pickled_columns(path, ["id_user", "is_dev"])


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_what_is_pickled_now(tmp_path: Path, protocol: int) -> None:
    frame = pd.DataFrame(ROWS, columns=NAMES)
    (tmp_path / "frame").write_bytes(pickle.dumps(frame, protocol))
    assert rows_of(read_pickled_columns(tmp_path / "frame", NAMES)) == ROWS
    for array in (np.arange(12.0, dtype="f4").reshape(3, 4), np.arange(6).reshape(2, 3).T):
        (tmp_path / "array").write_bytes(pickle.dumps(array, protocol))
        found = read_pickled_array(tmp_path / "array")
        assert found.dtype == array.dtype and (found == array).all()


class Call:
    """Calls something when it is unpickled."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.function, self.args = function, args

    def __reduce__(self) -> tuple[Any, ...]:
        return self.function, self.args


def with_frame(change: Any) -> bytes:
    """A pickle of a frame one of whose parts is something else."""
    frame = pd.DataFrame({"id_user": [1, 2], "url": ["a", "b"]})
    frame["url"] = frame["url"].astype(object)
    frame.iloc[1, 1] = change
    return pickle.dumps(frame)


LOOP = b"(lp0\ng0\na."  # a list that holds itself
DEEP = b"(" * 100_000 + b"t" * 100_000 + b"."
HUGE = b"\x80\x04\x8e" + (1 << 40).to_bytes(8, "little") + b"abc."
FRAMED = b"\x80\x04\x95" + (1 << 40).to_bytes(8, "little") + b"N."
MEMO = b"\x80\x04Nr" + (2**32 - 1).to_bytes(4, "little") + b"."
DIGITS = b"I" + b"9" * 5_000 + b"\n."
SELF_STATE = b"\x80\x02cpandas._libs.arrays\n__pyx_unpickle_NDArrayBacked\n)Rq\x00(Nh\x00tb."


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(lambda mark: pickle.dumps(Call(os.system, f"touch {mark}")), id="system"),
        pytest.param(lambda mark: pickle.dumps(Call(open, str(mark), "w")), id="open"),
        pytest.param(lambda mark: with_frame(Call(os.mkdir, str(mark))), id="inside a frame"),
        pytest.param(lambda mark: f"cos\nmkdir\n(V{mark}\ntR.".encode(), id="protocol 0"),
        pytest.param(lambda mark: f"(V{mark}\nios\nmkdir\n.".encode(), id="instance"),
        pytest.param(lambda mark: LOOP, id="loop"),
        pytest.param(lambda mark: DEEP, id="deep"),
        pytest.param(lambda mark: HUGE, id="huge"),
        pytest.param(lambda mark: FRAMED, id="huge frame"),
        pytest.param(lambda mark: MEMO, id="memo"),
        pytest.param(lambda mark: DIGITS, id="digits"),
        pytest.param(lambda mark: SELF_STATE, id="state of itself"),
        pytest.param(lambda mark: b"", id="empty"),
        pytest.param(lambda mark: b"id_user,id_img\n1,2\n", id="csv"),
        pytest.param(lambda mark: pickle.dumps({"id_user": [1]}), id="mapping"),
        pytest.param(lambda mark: pickle.dumps(np.array([{}], dtype=object)), id="objects"),
    ],
)
def test_nothing_is_called_and_nothing_blows_up(tmp_path: Path, content: Any) -> None:
    mark, path = tmp_path / "mark", tmp_path / "file"
    path.write_bytes(content(mark))
    for read in (lambda: read_pickled_columns(path, ["id_user", "url"]),
                 lambda: read_pickled_array(path)):  # fmt: skip
        with pytest.raises(ValueError, match=r"it is|it holds|its frame|its column|in it"):
            read()
    assert not mark.exists()


def test_a_file_that_is_cut_off_anywhere_or_changed_is_no_other_error(tmp_path: Path) -> None:
    """All prefixes, and bytes changed at random, are read or refused."""
    whole, path = (PICKLED / "pandas-1.5.3-plain.pkl").read_bytes(), tmp_path / "file"
    for size in range(0, len(whole) - 1, 3):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError):
            read_pickled_columns(path, NAMES)
    random = np.random.default_rng(0)
    for _ in range(600):
        damaged = bytearray(whole)
        for place in random.integers(0, len(whole), 3):
            damaged[place] = random.integers(0, 256)
        path.write_bytes(bytes(damaged))
        with suppress(ValueError):
            read_pickled_columns(path, NAMES)


def test_plain_data_is_itself(tmp_path: Path) -> None:
    path = tmp_path / "N_USR"
    path.write_bytes(pickle.dumps({"n": 5, "names": ["a", ("b", None)]}))
    assert read_pickle(path) == {"n": 5, "names": ["a", ("b", None)]}
