"""Rows that are written, cut off at any byte and written again end as the same bytes."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recbole_showcase.encoders.partial import RowWriter

MOST, DIM = 9, 3
ROWS = np.random.default_rng(0).normal(size=(MOST, DIM)).astype(np.float16)
COMMITS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1)), min_size=1, max_size=4)
CUTS = st.lists(st.floats(0, 1), max_size=2)


def write(folder: Path, commits: list[tuple[int, int]], stop: int | None = None) -> None:
    """Go on with what is there; at the end the file is finished, unless stopped before."""
    with RowWriter(folder / "m.npy", folder / "m.journal", MOST, DIM, "float16") as rows:
        done = count = 0
        for number, (kept, skipped) in enumerate(commits):
            if number == stop:
                return
            if done == rows.done:
                left_out = {f"c{number}": "missing"} if skipped else {}
                rows.commit(kept + skipped, ROWS[count : count + kept], left_out)
            done, count = done + kept + skipped, count + kept
        assert (rows.done, rows.rows) == (done, count)
        rows.finish()


def content(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in ("m.npy", "m.journal")]


@given(COMMITS, st.integers(0, 4), CUTS, st.binary(max_size=4))
def test_cut_anywhere(
    commits: list[tuple[int, int]], stop: int, cuts: list[float], after: bytes
) -> None:
    commits = [(kept, skipped) for kept, skipped in commits if kept + skipped] or [(1, 0)]
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        whole, cut = Path(one), Path(other)
        write(whole, commits)
        for share in cuts:
            write(cut, commits, stop)
            journal = cut / "m.journal"
            os.truncate(journal, int(journal.stat().st_size * share))
            with journal.open("ab") as torn:
                torn.write(after.replace(b"\n", b""))
        write(cut, commits)
        assert content(cut) == content(whole)
