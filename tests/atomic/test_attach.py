"""Texts and photos of two tables join a data set of RecBole's, and what does not is counted."""

from __future__ import annotations

import csv
import gzip
import hashlib
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from recbole_showcase.atomic import Account, AttachOptions, attach, read_atomic, read_fields
from recbole_showcase.cli import app
from recbole_showcase.data.check import check_dataset
from recbole_showcase.errors import DataError

HEAD = "user_id:token\titem_id:token\trating:float\ttimestamp:float\tmood:token_seq"
INTER = [
    "u1\ti1\t5\t1000\tgood day", 'u1\ti2\t4.50\t2000.5\t"odd', "ü\t牛肉\t3\t3000\t",
    "u2\ti1\t1\t4000\t", "u2\ti1\t2\t5000\tagain", "u3\ti3\t\t6000\t",
]  # fmt: skip


def dataset(tmp_path: Path, rows: list[str] = INTER, head: str = HEAD, name: str = "old") -> Path:
    folder = tmp_path / "data" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.inter").write_text("\n".join([head, *rows, ""]), encoding="utf-8")
    (folder / f"{name}.item").write_text("item_id:token\tcolour:token\ni1\tred\n")
    return folder


def table(path: Path, rows: list[dict[str, Any]]) -> Path:
    frame = pd.DataFrame(rows)
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, quoting=csv.QUOTE_MINIMAL)
    return path


def some(fates: dict[str, int]) -> dict[str, int]:
    return {fate: count for fate, count in fates.items() if count}


def made_id(user: str, item: str, milliseconds: int | str) -> str:
    return hashlib.md5(f"{user}\t{item}\t{milliseconds}".encode()).hexdigest()[:20]


REVIEWS = [
    {"user_id": "u1", "item_id": "i1", "timestamp": 1000, "text": 'He said "soup",\nthen left\t'},
    {"user_id": "ü", "item_id": "牛肉", "timestamp": 3000, "text": "好吃 🍜"},
    {"user_id": "u2", "item_id": "i1", "timestamp": 5000, "text": "the second time"},
    {"user_id": "u2", "item_id": "i1", "timestamp": 5000.0, "text": "once more"},
    {"user_id": "u2", "item_id": "i1", "timestamp": 7000, "text": "at no known time"},
    {"user_id": "u9", "item_id": "i1", "timestamp": 1000, "text": "a stranger"},
    {"user_id": "u1", "item_id": "i2", "timestamp": None, "text": "when?"},
    {"user_id": "u1", "item_id": "i2", "timestamp": 2000.5, "text": "  "},
    {"user_id": None, "item_id": "i2", "timestamp": 2000.5, "text": "who?"},
    {"user_id": "u1", "item_id": None, "timestamp": 2000.5, "text": "what?"},
]  # fmt: skip
PHOTOS = [
    {"item_id": "i1", "path": "a/1.jpg", "user_id": "u1", "timestamp": 1000, "caption": "So\tup"},
    {"item_id": "i1", "path": "a/2.jpg"},
    {"item_id": "i3", "path": "3.jpg", "user_id": "u3", "timestamp": 6000},
    {"item_id": "i2", "url": "https://example.org/x.jpg?y=1"},
    {"item_id": "i2", "url": "ftp://example.org/x.jpg"},
    {"item_id": "i1", "path": "a/1.jpg"},
    {"item_id": "i1", "path": "../../etc/passwd"}, {"item_id": "i1", "path": "/etc/passwd"},
    {"item_id": "i1", "path": "c:\\x.jpg"}, {"item_id": "i1", "path": "two  spaces.jpg"},
    {"item_id": "i8", "path": "8.jpg"}, {"path": "no item.jpg"}, {"item_id": "i1"},
]  # fmt: skip


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_every_row_joins_or_is_counted(tmp_path: Path, suffix: str) -> None:
    old = dataset(tmp_path)
    before = {path.name: path.read_bytes() for path in old.iterdir()}
    account = attach(
        old,
        tmp_path / "data" / "new",
        table(tmp_path / f"reviews.{suffix}", REVIEWS),
        table(tmp_path / f"photos.{suffix}", PHOTOS),
    )
    out = tmp_path / "data" / "new" / "new"
    lines = Path(f"{out}.inter").read_text(encoding="utf-8").splitlines()
    assert lines[0] == f"{HEAD}\treview_id:token"
    assert [line.rpartition("\t")[0] for line in lines[1:]] == INTER, "as they were"
    ids = [line.rpartition("\t")[2] for line in lines[1:]]
    assert ids == [
        made_id("u1", "i1", 1_000_000), "", made_id("ü", "牛肉", 3_000_000), "",
        made_id("u2", "i1", 5_000_000), made_id("u3", "i3", 6_000_000),
    ]  # fmt: skip
    review = read_atomic(f"{out}.review")
    assert review.review_id.tolist() == [ids[0], ids[2], ids[4]]
    assert review.text.tolist() == ['He said "soup", then left', "好吃 🍜", "the second time"]
    assert some(account.others["reviews"]) == {
        "read": 10, "no user": 1, "no item": 1, "no time": 1, "no text": 1, "of no interaction": 2,
        "another review of the interaction": 1, "kept": 3,
    }  # fmt: skip
    image = read_atomic(f"{out}.image")
    assert [f.name for f in read_fields(f"{out}.image")][4:] == ["caption", "url"]
    url = "https://example.org/x.jpg?y=1"
    key = hashlib.md5(url.encode()).hexdigest()
    assert image.path.tolist() == ["a/1.jpg", "a/2.jpg", "3.jpg", f"{key}.jpg"]
    assert image.review_id.tolist() == [ids[0], "", ids[5], ""]
    assert image.caption.tolist() == ["So up", "", "", ""]
    assert image.url.tolist() == ["", "", "", url]
    assert some(account.others["photos"]) == {
        "read": 13, "no item": 1, "neither path nor URL": 2, "path that is not allowed": 4,
        "of no item of the interactions": 1, "listed before": 1, "kept": 4,
    }  # fmt: skip
    assert (account.rows_read, account.users, account.items) == (6, 4, 4)
    assert Path(f"{out}.item").read_bytes() == before["old.item"]
    assert {path.name: path.read_bytes() for path in old.iterdir()} == before, "the old one stays"
    report = check_dataset(out.parent)
    assert all("features" in e or "no photos" in e for e in report.errors), report.errors


def test_without_times_a_pair_of_several_interactions_is_left_alone(tmp_path: Path) -> None:
    rows = [{k: v for k, v in row.items() if k != "timestamp"} for row in REVIEWS]
    account = attach(dataset(tmp_path), tmp_path / "new", table(tmp_path / "r.csv", rows))
    fates = some(account.others["reviews"])
    assert fates["of several interactions, which a timestamp would tell apart"] == 3
    assert fates["kept"] == 3
    ids = read_atomic(tmp_path / "new" / "new.inter").review_id.tolist()
    assert [bool(i) for i in ids] == [True, True, True, False, False, False]
    assert not len(read_atomic(tmp_path / "new" / "new.image"))


def test_ids_that_are_told_are_kept(tmp_path: Path) -> None:
    reviews = [
        {"user_id": "u1", "item_id": "i1", "text": "one", "review_id": "R1"},
        {"user_id": "u1", "item_id": "i2", "text": "two", "review_id": "R1"},
        {"user_id": "u3", "item_id": "i3", "text": "three", "review_id": ""},
    ]
    images = [
        {"item_id": "i1", "path": "1.jpg", "review_id": "R1", "image_id": "P/1"},
        {"item_id": "i2", "path": "2.jpg", "review_id": "R1"},
    ]
    account = attach(
        dataset(tmp_path), tmp_path / "new",
        table(tmp_path / "r.csv", reviews), table(tmp_path / "p.csv", images),
    )  # fmt: skip
    assert some(account.others["reviews"]) == {
        "read": 3, "no review id": 1, "review id listed before": 1, "kept": 1,
    }  # fmt: skip
    assert read_atomic(tmp_path / "new" / "new.inter").review_id.tolist() == ["R1", *[""] * 5]
    image = read_atomic(tmp_path / "new" / "new.image")
    assert image.image_id[0] == "P/1"
    assert image.review_id.tolist() == ["R1", ""], "not of another item's review"
    # A data set that has ids is joined by them.
    texts = [{"review_id": "R1", "text": "anew"}, {"review_id": "R7", "text": "of nobody"}]
    (tmp_path / "new" / "new.review").unlink()
    account = attach(tmp_path / "new", tmp_path / "third", table(tmp_path / "t.csv", texts))
    assert some(account.others["reviews"]) == {"read": 2, "of no interaction": 1, "kept": 1}
    assert read_atomic(tmp_path / "third" / "third.review").text.tolist() == ["anew"]
    assert (tmp_path / "third" / "third.image").read_bytes() == (
        tmp_path / "new" / "new.image"
    ).read_bytes()


def test_parts_and_names_of_fields(tmp_path: Path) -> None:
    folder = dataset(tmp_path)
    (folder / "old.inter").unlink()
    head = "uid:token\tasin:token"
    (folder / "old.train.inter").write_text(f"{head}\nu1\ti1\nu2\ti2\n")
    (folder / "old.test.inter").write_text(f"{head}\r\nu1\ti2\r\n")
    rows = [{"user_id": "u1", "item_id": "i2", "text": "x"}]
    options = AttachOptions(user_field="uid", item_field="asin")
    account = attach(folder, tmp_path / "new", table(tmp_path / "r.csv", rows), options=options)
    assert account.parts == {"test": 1, "train": 2}
    assert read_atomic(tmp_path / "new" / "new.train.inter").review_id.tolist() == ["", ""]
    test = read_atomic(tmp_path / "new" / "new.test.inter")
    assert test.to_numpy().tolist() == [["u1", "i2", made_id("u1", "i2", "")]]


def test_photos_that_the_folder_has_not_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "photos" / "a").mkdir(parents=True)
    (tmp_path / "photos" / "a" / "1.jpg").write_bytes(b"x")
    options = AttachOptions(photos=tmp_path / "photos")
    images = table(tmp_path / "p.csv", PHOTOS)
    account = attach(dataset(tmp_path), tmp_path / "new", images=images, options=options)
    assert (account.photos, account.photos_gone) == (1, 3)
    assert account.photo_folder == str(tmp_path / "photos")


def refused(tmp_path: Path, said: str, *given: Any, **options: Any) -> None:
    with pytest.raises(DataError, match=said):
        attach(tmp_path / "data" / "old", tmp_path / "new", *given, AttachOptions(**options))
    assert not (tmp_path / "new").exists(), "nothing half"


def test_what_cannot_be_attached_is_said_in_one_line(tmp_path: Path) -> None:
    old = dataset(tmp_path)
    good = table(tmp_path / "r.csv", REVIEWS)
    refused(tmp_path, "there is nothing to attach", None, None)
    refused(tmp_path, r"there is no file .*none\.csv", tmp_path / "none.csv", None)
    refused(tmp_path, "has no column 'uid'; it has user_id", good, None, user_field="uid")
    refused(tmp_path, "delimiter is 'ab'", good, None, delimiter="ab")
    stranger = table(tmp_path / "s.csv", [{"user_id": 7.0, "item_id": "i1", "text": "x"}])
    refused(tmp_path, r"none of 1 reviews joins.*user 'u1'.*it has user '7\.0'", stranger, None)
    nameless = table(tmp_path / "n.csv", [{"user": "u1", "item_id": "i1", "text": "x"}])
    refused(tmp_path, r"has no columns user_id and item_id; it has item_id, text", nameless, None)
    textless = table(tmp_path / "t.csv", [{"user_id": "u1", "item_id": "i1"}])
    refused(tmp_path, r"t\.csv has no column 'text'", textless, None)
    refused(tmp_path, r"has neither a column 'path' nor 'url'", None, textless)
    ragged = tmp_path / "ragged.csv"
    ragged.write_text("user_id,item_id,text\nu1,i1,x\nu1,i1\n")
    refused(tmp_path, r"ragged\.csv, line 3: 2 values; the header has 3", ragged, None)
    fake = tmp_path / "fake.parquet"
    fake.write_bytes(b"PAR1" + b"x" * 50)
    refused(tmp_path, r"fake\.parquet cannot be read", fake, None)
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(gzip.compress(good.read_bytes() * 9)[:-9])
    refused(tmp_path, r"cut\.csv\.gz cannot be decompressed", cut, None)
    (old / "old.inter").write_text("user_id:token\titem_id:token\nu1\n")
    refused(tmp_path, r"old\.inter, line 2: 1 values; the header has 2", good, None)
    (old / "old.inter").write_text(
        "user_id:token\titem_id:token\treview_id:token\nu\ti\tr\nv\ti\tr\n"
    )
    refused(tmp_path, "review_id 'r' is in two rows of .inter", good, None)
    dataset(tmp_path)
    (old / "old.review").write_text("review_id:token\ttext:token_seq\n")
    refused(tmp_path, r"old\.review is there: its rows would be lost", good, None)
    with pytest.raises(DataError, match="is the data set itself"):
        attach(old, old, None, good)


def test_the_command(tmp_path: Path) -> None:
    old, out = dataset(tmp_path), tmp_path / "data" / "new"
    files = ["--reviews", str(table(tmp_path / "r.csv", REVIEWS)), "--images",
             str(table(tmp_path / "p.csv", PHOTOS))]  # fmt: skip
    result = CliRunner().invoke(app, ["attach", str(old), "--out", str(out), *files])
    assert result.exit_code == 0, result.output
    assert "reviews read" in result.output and "of no interaction" in result.output


def test_an_account_of_an_attachment_says_what_was_read(tmp_path: Path) -> None:
    account: Account = attach(
        dataset(tmp_path), tmp_path / "new", table(tmp_path / "r.csv", REVIEWS)
    )
    assert [Path(source.path).name for source in account.sources] == ["old.inter", "r.csv"]
    assert account.options["user_field"] == "user_id"
