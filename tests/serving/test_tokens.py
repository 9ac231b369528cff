"""Photos are found by their ids, whatever these are, on the disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recbole_showcase.atomic import IMAGE, StoredColumn, line_starts, write_atomic
from recbole_showcase.serving import tokens
from recbole_showcase.serving.tokens import TokenPlaces


def column(folder: Path, ids: list[str]) -> StoredColumn:
    rows = [(token, "i", "r", "a.jpg") for token in ids]
    table = pd.DataFrame(rows, columns=[field.name for field in IMAGE.fields])
    write_atomic(folder / "a.image", IMAGE, table)
    return StoredColumn(folder / "a.image", "image_id", line_starts(folder / "a.image"))


def test_every_token_is_found_at_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_AT_ONCE", 7)
    ids = [f"p{n}" for n in range(50)] + ["фото", "写真", "a b", "../x", "<b>", "P1"]
    found = TokenPlaces(column(tmp_path, ids))
    assert [found.find(token) for token in ids] == list(range(len(ids)))
    assert [found.find(token) for token in ("p50", "", "p", "p1 ")] == [-1] * 4


def test_tokens_of_one_hash_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_hashed", lambda ids: np.zeros(len(ids), dtype=np.uint64))
    found = TokenPlaces(column(tmp_path, ["a", "b", "c"]))
    assert [found.find(token) for token in ("c", "a", "b", "d")] == [2, 0, 1, -1]


def test_of_no_photos_none_is_found(tmp_path: Path) -> None:
    assert (
        TokenPlaces(StoredColumn(tmp_path / "none", "image_id", np.empty(0, int))).find("a") == -1
    )
