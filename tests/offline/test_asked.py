"""Files of users and pairs: one meaning in three formats, and refused before the work begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from recbole_showcase.errors import CheckpointError, DataError
from recbole_showcase.offline import OfflineOptions, write_showcases
from recbole_showcase.offline.asked import Asked
from tests.offline.folders import file_of


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("asked.txt", "user\nu1\n", r"ends with '.txt'; allowed: .csv, .parquet, .jsonl"),
        ("asked.csv", "name\nu1\n", "has 0 columns 'user'; it has name"),
        ("asked.csv", "user,user\nu1,u2\n", "has 2 columns 'user'"),
        ("asked.csv", "user,x\nu1,1\nu2\n", "cannot be read: .*Expected 2 columns, got 1"),
        ("asked.csv", "", "cannot be read: Empty CSV file"),
        ("asked.csv", "PK\x03\x04\udcff\n\udc85\n", r"asked\.csv cannot be read: .*utf-8"),
        ("asked.parquet", "user", "cannot be read: "),
        ("asked.jsonl", '{"user": "u1"}\n{"user": 1.5}\n', "line 2: 'user' is 1.5; allowed"),
        ("asked.jsonl", '{"user": "u1"}\n{"use": 1}\n', "line 2: 'user' is None"),
        ("asked.jsonl", '{"user": "u1"\n', "line 1: no JSON"),
        ("asked.jsonl", '["u1"]\n', "line 1: a list; allowed: an object"),
    ],
)
def test_files_of_another_kind_are_refused_before_anything_is_made(
    checkpoint: Path, tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / name).write_text(text, errors="surrogateescape")
    with pytest.raises(DataError, match=said):
        write_showcases(checkpoint, tmp_path / "out", tmp_path / name, progress=False)
    assert not (tmp_path / "out").exists()


def test_values_that_are_no_ids_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    for values, said in (([1.0], "'user' is of double"), (["u1", None], "row 2: there is no")):
        asked = file_of(tmp_path, "parquet", {"user": values})
        with pytest.raises(DataError, match=said):
            write_showcases(checkpoint, tmp_path / "out", asked, progress=False)
    with pytest.raises(CheckpointError, match=r"nothing.pth' does not exist"):
        write_showcases(tmp_path / "nothing.pth", tmp_path / "out", progress=False)
    with pytest.raises(DataError, match="both given"):
        write_showcases(checkpoint, tmp_path / "out", asked, asked, progress=False)
    with pytest.raises(DataError, match="part_rows is 0"):
        OfflineOptions(part_rows=0)


def test_ids_that_look_like_numbers_or_nothing_stay_texts(tmp_path: Path) -> None:
    wanted = ["007", "NA", "null", "1e3", "", 'a,"b"', "é"]
    numbers = {"csv": "12\n", "jsonl": '{"user": 12}\n'}
    for ending in ("csv", "parquet", "jsonl"):
        asked = Asked.of_file(file_of(tmp_path, ending, {"user": wanted}), ("user",))
        found = [user for batch in asked.batches(3) for user in batch["user"].to_pylist()]
        assert (found, asked.rows) == (wanted, 7)
        assert [len(batch) for batch in asked.batches(3, skip=2)] == [3, 2]
        if ending == "parquet":
            path = file_of(tmp_path, ending, {"user": [12]})
        else:
            path = tmp_path / f"asked.{ending}"
            path.write_text("user\n" * (ending == "csv") + numbers[ending])
        (batch,) = Asked.of_file(path, ("user",)).batches(3)
        assert batch["user"].to_pylist() == ["12"]
