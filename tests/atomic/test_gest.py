"""The Gest converter on small files whose right answer is known."""

from __future__ import annotations

import gzip
import json
import resource
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from recbole_showcase.atomic import GestOptions, convert_gest, read_atomic
from recbole_showcase.errors import DataError
from tests.atomic.raw import lines


def _row(user: str, business: str, history: list[str] = (), **more: Any) -> dict[str, Any]:  # type: ignore[assignment]
    row = {
        "business_id": business, "user_id": user, "rating": 4,
        "review_text": f"{user} at {business}", "pics": [f"AF1Qip{user}{business}"],
        "history_reviews": [[f"{user}_{past}", f"{user} at {past}"] for past in history],
    }  # fmt: skip
    return row | more


SPLITS = {
    "train": [_row("1", "a", ["b", "p"]), _row("1", "b", ["a", "p", "q_x"])],
    "val": [_row("2", "a", ["p"])],
    "test": [_row("3", "c", ["c2"]), _row("3", "c2"), _row("4", "a", review_text="", pics=[])],
}


def _split_file(tmp_path: Path, splits: dict[str, Any], indent: int | None = None) -> Path:
    path = tmp_path / "filter_all_t.json"
    path.write_text(json.dumps(splits, indent=indent), encoding="utf-8")
    return path


def _pairs(path: Path) -> list[tuple[str, str]]:
    frame = read_atomic(path)
    return list(zip(frame.user_id, frame.item_id, strict=True))


@pytest.mark.parametrize("indent", [None, 2])
def test_the_official_split_with_history_in_train(tmp_path: Path, indent: int | None) -> None:
    account = convert_gest(_split_file(tmp_path, SPLITS, indent), tmp_path / "g")
    assert _pairs(tmp_path / "g" / "g.train.inter") == [
        ("1", "a"), ("1", "b"), ("1", "p"), ("1", "q_x"), ("2", "p"),
    ]  # fmt: skip
    assert _pairs(tmp_path / "g" / "g.valid.inter") == [("2", "a")]
    assert _pairs(tmp_path / "g" / "g.test.inter") == [("3", "c"), ("3", "c2"), ("4", "a")]
    assert not (tmp_path / "g" / "g.inter").exists()
    train = read_atomic(tmp_path / "g" / "g.train.inter")
    assert "timestamp" not in train.columns, "no time is invented"
    assert train.rating.isna().tolist() == [False, False, True, True, True]
    assert account.rows_read == 6 + 7
    assert {k: v for k, v in account.dropped.items() if v} == {"history review seen before": 4}
    assert account.parts == {"train": 5, "valid": 1, "test": 3}
    assert (account.users, account.items, account.reviews_with_text, account.photos) == (4, 6, 8, 5)
    assert any("benchmark_filename: [train, valid, test]" in note for note in account.notes)
    review = read_atomic(tmp_path / "g" / "g.review").set_index("review_id").text
    assert set(train.review_id.map(review)) == {"1 at a", "1 at b", "1 at p", "1 at q_x", "2 at p"}


def test_pooled_and_without_history(tmp_path: Path) -> None:
    file = _split_file(tmp_path, SPLITS)
    convert_gest(file, tmp_path / "g", GestOptions(split="pooled"))
    assert len(_pairs(tmp_path / "g" / "g.inter")) == 9
    convert_gest(file, tmp_path / "h", GestOptions(split="pooled", history=False))
    assert len(_pairs(tmp_path / "h" / "h.inter")) == 6


def test_options_apply_to_gest(tmp_path: Path) -> None:
    file = _split_file(tmp_path, SPLITS)
    convert_gest(file, tmp_path / "g", GestOptions(split="pooled", with_photos=True))
    assert len(_pairs(tmp_path / "g" / "g.inter")) == 5
    convert_gest(file, tmp_path / "t", GestOptions(split="pooled", with_text=True, k_core=2))
    assert set(_pairs(tmp_path / "t" / "t.inter")) == {
        ("1", "a"),
        ("1", "p"),
        ("2", "a"),
        ("2", "p"),
    }
    account = convert_gest(file, tmp_path / "l", GestOptions(split="pooled", limit=1))
    assert account.rows_read == 3


def test_one_review_a_line(tmp_path: Path) -> None:
    rows = [_row("1", "a"), "{broken", _row("1", "a", review_text="again"), _row("2", "b")]
    file = lines(tmp_path / "image_review_all.json", rows)
    account = convert_gest(file, tmp_path / "g")
    assert _pairs(tmp_path / "g" / "g.inter") == [("1", "a"), ("2", "b")]
    assert account.dropped["broken line"] == account.dropped["repeated row"] == 1
    assert account.broken_lines[0].line == 2
    with pytest.raises(DataError, match="has no split"):
        convert_gest(file, tmp_path / "o", GestOptions(split="official"))
    assert not (tmp_path / "o").exists()


def test_texts_that_look_like_the_end_of_a_split(tmp_path: Path) -> None:
    trap = '}], "val": [{"user_id": "9"}], "test": ['
    splits = {"train": [_row("1", "a", review_text=trap)], "val": [_row("2", "a")], "test": []}
    account = convert_gest(_split_file(tmp_path, splits), tmp_path / "g")
    assert account.parts == {"train": 1, "valid": 1, "test": 0}
    assert read_atomic(tmp_path / "g" / "g.review").text[0] == trap


@pytest.mark.parametrize("keep", [0.5, 0.99])
def test_a_cut_off_file(tmp_path: Path, keep: float) -> None:
    file = _split_file(tmp_path, SPLITS)
    file.write_text(file.read_text()[: int(file.stat().st_size * keep)])
    with pytest.raises(DataError, match="filter_all_t"):
        convert_gest(file, tmp_path / "g")
    assert not (tmp_path / "g").exists()


def test_what_never_ends_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recbole_showcase.atomic.splits.LONGEST_LINE", 1000)
    file = tmp_path / "filter_all_t.json"
    file.write_text('{"train": ["' + "x" * 3_000_000 + '"]}')
    with pytest.raises(DataError, match=r"filter_all_t\.json: longer than 1,000 bytes between"):
        convert_gest(file, tmp_path / "g")
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize("packed", [False, True])
def test_nothing_is_unpacked_to_the_disk(tmp_path: Path, packed: bool) -> None:
    """A few blocks of the file, whose ends fall where they may, in escapes too."""
    texts = ["\ud83d\ude00 half \ud83d," + chr(0x4F60 + n) * 200 for n in range(3000)]
    rows = [_row(f"{n}", f"{n % 7}", review_text=text) for n, text in enumerate(texts)]
    splits = {"val": rows[:1], "train": rows[1:], "test": []}  # in another order
    file = _split_file(tmp_path, splits)
    size = file.stat().st_size
    if packed:
        file.write_bytes(gzip.compress(file.read_bytes()))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size * 3 // 4, before[1]))
    try:
        account = convert_gest(file, tmp_path / "g")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert size > 3 << 20 and account.parts == {"train": 2999, "valid": 1, "test": 0}
    found = read_atomic(tmp_path / "g" / "g.review").text
    whole = [text.replace("\ud83d\ude00", "\N{GRINNING FACE}") for text in texts]
    assert sorted(found) == sorted(text.replace("\ud83d", "\ufffd") for text in whole)
    assert convert_gest(file, tmp_path / "l", GestOptions(limit=2)).parts["train"] == 1


def test_recbole_style_reading(tmp_path: Path) -> None:
    splits = {"train": [_row('"1"', "null", review_text='"q"\t\n🍕')], "val": [], "test": []}
    convert_gest(_split_file(tmp_path, splits), tmp_path / "g", GestOptions(split="pooled"))
    frame = pd.read_csv(tmp_path / "g" / "g.inter", delimiter="\t", engine="python", dtype=str)
    assert frame.iloc[0, :2].tolist() == ['“1"', "null."]
    with pytest.raises(DataError, match="split is 'random'"):
        GestOptions(split="random")


def test_history_reviews_that_name_no_business(tmp_path: Path) -> None:
    train = [_row("1_2", "a") | {"history_reviews": [["1_2_b_c", "t"], ["12", "t"], [None], []]}]
    splits = {"train": train, "val": [], "test": []}
    account = convert_gest(_split_file(tmp_path, splits), tmp_path / "g")
    assert _pairs(tmp_path / "g" / "g.train.inter") == [("1_2", "a"), ("1_2", "b_c")]
    assert {k: v for k, v in account.dropped.items() if v} == {"broken line": 2, "no business": 1}


def test_dirt_in_a_split(tmp_path: Path) -> None:
    rows = [_row("1", "a", rating=float("nan")), _row("1", "b", review_text="half \ud83d")]
    rows.append(_row("1", "c", pics=[{"url": ["https://example.org/AF1Qc=w1"]}, "AF1Qd"]))
    account = convert_gest(
        _split_file(tmp_path, {"train": rows, "val": [], "test": []}), tmp_path / "g"
    )
    assert account.dropped["no rating"] == 1 and account.rows_kept == 2
    assert read_atomic(tmp_path / "g" / "g.review").text.tolist() == ["half \ufffd", "1 at c"]
    images = read_atomic(tmp_path / "g" / "g.image").image_id
    assert images.tolist() == ["AF1Qip1b", "AF1Qc", "AF1Qd"]
