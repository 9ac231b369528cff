from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recbole_showcase.encoders.partial import RowWriter
from recbole_showcase.errors import FeatureStoreError

ROWS = np.random.default_rng(3).normal(size=(9, 4)).astype(np.float16)


def writer(folder: Path, most: int = 9) -> RowWriter:
    return RowWriter(folder / "m.npy", folder / "m.journal", most, 4, "float16")


def test_file_equals_numpys_own(tmp_path: Path) -> None:
    with writer(tmp_path) as rows:
        rows.commit(4, ROWS[:4], {})
        rows.commit(5, ROWS[4:], {})
        rows.finish()
    np.save(tmp_path / "own.npy", ROWS)
    assert (tmp_path / "m.npy").read_bytes() == (tmp_path / "own.npy").read_bytes()


def test_skipped_candidates_leave_no_gap(tmp_path: Path) -> None:
    with writer(tmp_path) as rows:
        rows.commit(4, ROWS[:2], {"a": "missing", "b": "huge"})
        rows.commit(1, ROWS[2:3], {})
        rows.finish()
    assert np.array_equal(np.load(tmp_path / "m.npy"), ROWS[:3])


def test_goes_on_from_the_journal(tmp_path: Path) -> None:
    with writer(tmp_path) as rows:
        rows.commit(5, ROWS[:4], {"a": "missing"})
    with writer(tmp_path) as rows:
        assert (rows.done, rows.rows, rows.skipped) == (5, 4, {"a": "missing"})
        rows.commit(4, ROWS[4:8], {})
        rows.finish()
    assert np.array_equal(np.load(tmp_path / "m.npy"), ROWS[:8])


@pytest.mark.parametrize("torn", [b'{"done": 9, "rows"', b'{"done": 9, "rows": 9, "skipped": {}}'])
def test_a_torn_journal_line_does_not_count(tmp_path: Path, torn: bytes) -> None:
    with writer(tmp_path) as rows:
        rows.commit(4, ROWS[:4], {})
    with (tmp_path / "m.journal").open("ab") as journal:
        journal.write(torn)
    for _ in range(2):
        with writer(tmp_path) as rows:
            assert (rows.done, rows.rows) == (4, 4)
    with writer(tmp_path) as rows:
        rows.commit(5, ROWS[4:], {})
    with writer(tmp_path) as rows:
        assert (rows.done, rows.rows) == (9, 9)


def test_rows_count_only_after_they_are_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    real = "recbole_showcase.encoders.partial.os.fsync"
    with writer(tmp_path) as rows:
        names = {rows._matrix.fileno(): "matrix", rows._journal.fileno(): "journal"}
        size = (tmp_path / "m.journal").stat().st_size

        def fsync(descriptor: int) -> None:
            order.append(names[descriptor])
            if names[descriptor] == "matrix":
                assert (tmp_path / "m.journal").stat().st_size == size
                stored = np.fromfile(tmp_path / "m.npy", dtype=np.float16, offset=128, count=16)
                assert np.array_equal(stored, ROWS[:4].ravel())

        monkeypatch.setattr(real, fsync)
        rows.commit(4, ROWS[:4], {})
    assert order == ["matrix", "journal"]


def test_a_journal_without_its_matrix_is_worth_nothing(tmp_path: Path) -> None:
    with writer(tmp_path) as rows:
        rows.commit(4, ROWS[:4], {})
    (tmp_path / "m.npy").unlink()
    with writer(tmp_path) as rows:
        assert rows.done == 0


def test_room_is_taken_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with writer(tmp_path, most=1000):
        assert (tmp_path / "m.npy").stat().st_size == 128 + 1000 * 8

    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("recbole_showcase.encoders.partial.os.posix_fallocate", full)
    with pytest.raises(FeatureStoreError, match=r"m\.npy: no room for 9 rows .*No space left"):
        writer(tmp_path)
