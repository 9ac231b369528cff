"""What is written comes back, through our reader and through RecBole's way of reading."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recbole_showcase.atomic import IMAGE, INTER, ITEM, REVIEW, read_atomic, write_atomic
from recbole_showcase.atomic.cleaning import clean_value
from recbole_showcase.errors import DataError

HARD = [
    "plain", "tab\there", "line\nbreak\r\nand", '"quoted" first', 'quoted "inside"', '"', '""',
    "''", "emoji 🍕👨‍👩‍👧", "null", "NA", "None", "nan", "N/A", "", " ", "#comment", "a:token",
    "x,y", "\\t",
    "\u2028", "1e5", "007", "back\\slash\\", "trailing\"", "\x1a", "ZWSP\u200b", "é\u0301",
]  # fmt: skip


def _as_recbole_reads(path: Path) -> pd.DataFrame:
    frame = pd.read_csv(path, delimiter="\t", engine="python", dtype=str, encoding="utf-8")
    return frame.rename(columns=lambda head: head.split(":")[0]).fillna("")


def test_hard_values_survive_both_readers(tmp_path: Path) -> None:
    rows = [
        {"review_id": f"r{n}", "text": text, "explanation": None} for n, text in enumerate(HARD)
    ]
    path = tmp_path / "d.review"
    write_atomic(path, REVIEW, rows)
    expected = [clean_value(text) for text in HARD]
    ours, theirs = read_atomic(path), _as_recbole_reads(path)
    assert ours.text.tolist() == expected
    assert theirs.text.tolist() == expected
    assert (
        ours.review_id.tolist() == theirs.review_id.tolist() == [f"r{n}" for n in range(len(HARD))]
    )


def test_hard_ids_survive_and_stay_apart(tmp_path: Path) -> None:
    ids = [text for text in HARD if clean_value(text) and text != '""']
    rows = [
        {"user_id": name, "item_id": name, "rating": 5, "timestamp": None, "review_id": name}
        for name in ids
    ]
    path = tmp_path / "d.inter"
    write_atomic(path, INTER, rows)
    theirs = _as_recbole_reads(path)
    assert theirs.user_id.tolist() == read_atomic(path).user_id.tolist()
    assert theirs.user_id.nunique() == len(ids)
    assert (theirs.user_id != "").all(), "no id reads as a missing value"


def test_numbers_lists_and_frames(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "num_reviews": [3, 4],
            "item_id": ["a", "b"],
            "name": ["Place", None],
            "category": [["Fine dining restaurant", "Cafe"], np.array([])],
            "latitude": [0.1 + 0.2, np.nan],
            "longitude": [-1, None],
            "price": [np.float32(0.5), 2],
            "avg_rating": [1e-7, 1e22],
        }
    )
    path = tmp_path / "d.item"
    write_atomic(path, ITEM, frame)
    back = read_atomic(path)
    assert list(back.columns) == list(ITEM.names)
    assert back.category.tolist() == ["Fine_dining_restaurant Cafe", ""]
    assert back.latitude[0] == 0.1 + 0.2
    np.testing.assert_array_equal(back.longitude, [-1, np.nan])
    assert back.avg_rating.tolist() == [1e-7, 1e22]
    assert back.name.tolist() == ["Place", ""]


def test_nothing_is_left_where_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "d.review"
    path.write_text("before")
    with pytest.raises(DataError, match="row 2, column review_id: a value is needed"):
        write_atomic(
            path,
            REVIEW,
            [{"review_id": v, "text": "", "explanation": ""} for v in ("a", " ")],
        )
    assert [p.name for p in tmp_path.iterdir()] == ["d.review"]
    assert path.read_text() == "before"


def test_columns_and_numbers_are_checked(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the file has review_id, text, explanation"):
        write_atomic(tmp_path / "d.review", REVIEW, [{"review_id": "a", "words": "x"}])
    row = {"user_id": "u", "item_id": "i", "rating": "five", "timestamp": 0, "review_id": "r"}
    with pytest.raises(DataError, match="row 1, column rating: 'five' is no float"):
        write_atomic(tmp_path / "d.inter", INTER, [row])


def test_no_rows_make_a_header(tmp_path: Path) -> None:
    write_atomic(tmp_path / "d.review", REVIEW, [])
    assert (tmp_path / "d.review").read_text() == "\t".join(f.header for f in REVIEW.fields) + "\n"


def test_an_infinite_number_is_refused(tmp_path: Path) -> None:
    rows = [{"user_id": "u", "item_id": "i", "rating": float("inf"), "review_id": "r"}]
    with pytest.raises(DataError, match="row 1, column rating: inf is no float"):
        write_atomic(tmp_path / "x.inter", INTER.without("timestamp"), rows)


def test_an_id_that_recbole_cannot_read_is_refused(tmp_path: Path) -> None:
    row = dict.fromkeys(IMAGE.names, "x")
    write_atomic(tmp_path / "x.image", IMAGE, [row | {"item_id": "i" * 131_072}])
    with pytest.raises(DataError, match=r"row 2, column item_id: 131,073 characters.*131,072"):
        write_atomic(tmp_path / "x.image", IMAGE, [row, row | {"item_id": "i" * 131_073}])
