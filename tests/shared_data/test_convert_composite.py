"""Real reviews and photos in the released layouts: the counts that must come out."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pandas as pd
import pytest

from recbole_showcase.atomic import (
    Account,
    GestOptions,
    GoogleLocalOptions,
    convert_gest,
    convert_google_local,
    photo_folder,
    read_atomic,
)


@pytest.fixture(scope="module")
def converted(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Account, Path]:
    folder = shared_data / "google-local-composite"
    out = tmp_path_factory.mktemp("data") / "composite"
    account = convert_google_local(
        [folder / "review-*.json.gz"],
        [folder / "meta-*.json.gz"],
        out,
        GoogleLocalOptions(photos=folder / "images"),
    )
    return account, out


def test_the_dirt_is_found_exactly(converted: tuple[Account, Path]) -> None:
    account, _ = converted
    assert account.rows_read == 3997
    assert {reason: count for reason, count in account.dropped.items() if count} == {
        "broken line": 2,
        "no user": 12,
        "repeated row": 15,
    }
    assert account.rows_kept == 3968
    assert [line.line for line in account.broken_lines] == [102, 903]
    assert (account.users, account.items) == (180, 90)
    assert (account.photos, account.photos_gone) == (2833, 28)


def test_the_rows_are_those_of_a_plain_reading(
    shared_data: Path, converted: tuple[Account, Path]
) -> None:
    rows = {}
    with gzip.open(
        shared_data / "google-local-composite" / "review-Composite.json.gz", "rt", encoding="utf-8"
    ) as file:
        for line in file:
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if row["user_id"] is not None:
                rows.setdefault((row["user_id"], row["gmap_id"], row["time"]), row)
    inter = read_atomic(converted[1] / "composite.inter")
    keys = zip(inter.user_id, inter.item_id, (inter.timestamp * 1000).round(), strict=True)
    assert set(keys) == set(rows)
    texts = inter.merge(read_atomic(converted[1] / "composite.review"), on="review_id")
    assert len(texts) == sum(bool(row["text"]) for row in rows.values()) == 2506
    for text in texts.itertuples():
        told = rows[text.user_id, text.item_id, round(text.timestamp * 1000)]["text"]
        told = told.removeprefix("(Translated by Google)")
        if told.startswith(" ") or "(Original)" in told:
            told = told.split("(Original)")[0]
        expected = " ".join(told.split())
        assert text.text.replace("“", '"', 1) == expected.replace("“", '"', 1)


def test_every_photo_is_there(converted: tuple[Account, Path]) -> None:
    folder = photo_folder(converted[1])
    image = read_atomic(converted[1] / "composite.image")
    assert image.image_id.is_unique
    assert all(folder.resolve(path).is_file() for path in image.path)


@pytest.mark.parametrize("suffix", ["inter", "item", "review", "image"])
def test_recbole_reads_what_we_read(converted: tuple[Account, Path], suffix: str) -> None:
    path = converted[1] / f"composite.{suffix}"
    theirs = pd.read_csv(path, delimiter="\t", engine="python", dtype=str).fillna("")
    ours = read_atomic(path)
    assert len(ours) == len(theirs)
    for head in theirs.columns:
        name, kind = head.split(":")
        if kind == "float":
            pd.testing.assert_series_equal(
                pd.to_numeric(theirs[head]), ours[name], check_names=False, check_dtype=False
            )
        else:
            assert theirs[head].tolist() == ours[name].tolist()


@pytest.mark.parametrize("split", ["official", "pooled"])
def test_gest(shared_data: Path, tmp_path: Path, split: str) -> None:
    folder = shared_data / "google-local-composite"
    account = convert_gest(
        folder / "filter_all_t.json",
        tmp_path / "gest",
        GestOptions(photos=folder / "images", split=split),
    )
    assert account.rows_read == 1209 + 9128
    assert account.dropped["history review seen before"] == 8427
    assert account.rows_kept == 1910
    parts = {"train": 1654, "valid": 124, "test": 132} if split == "official" else {}
    assert account.parts == parts
    files = list((tmp_path / "gest").glob("*.inter"))
    pairs = pd.concat([read_atomic(file) for file in files])
    assert len(pairs) == 1910
    assert not pairs.duplicated(["user_id", "item_id"]).any(), "each history review once"
    assert (account.photos, account.photos_gone) == (2833, 28)


def test_all_gest_reviews_with_photos(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "google-local-composite"
    account = convert_gest(folder / "image_review_all.json", tmp_path / "gest")
    assert (account.rows_read, account.rows_kept, account.photos) == (1209, 1209, 2861)


def test_metadata_of_a_whole_state(shared_data: Path, tmp_path: Path) -> None:
    meta = shared_data / "meta-Vermont.json.gz"
    businesses = {}
    with gzip.open(meta, "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            businesses.setdefault(row["gmap_id"], row)
    reviews = tmp_path / "review-Vermont.json"
    with reviews.open("w", encoding="utf-8") as file:
        for place in businesses:
            row = {"user_id": "u", "time": 1, "rating": 5, "gmap_id": place}
            file.write(json.dumps(row | {"text": None, "pics": None}) + "\n")
    account = convert_google_local([reviews], [meta], tmp_path / "vt")
    item = read_atomic(tmp_path / "vt" / "vt.item").set_index("item_id")
    assert len(item) == account.items == len(businesses) == 11_291 - 48
    for place, row in businesses.items():
        name = " ".join((row["name"] or "").split())
        assert item.name[place].lstrip("“") == name.lstrip('"'), place
        assert item.category[place].count(" ") == max(len(row["category"] or []) - 1, 0)
