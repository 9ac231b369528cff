"""The Yelp converter on small files in the released layout."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from recbole_showcase.atomic import Account, YelpOptions, convert_yelp, read_atomic, read_fields
from recbole_showcase.cli.convert import app
from recbole_showcase.data.check import check_dataset
from recbole_showcase.errors import DataError
from tests.atomic.raw import lines


def review(user: Any, business: Any, date: Any = "2018-07-07 22:09:11", **more: Any) -> dict:  # type: ignore[type-arg]
    """One row of yelp_academic_dataset_review.json."""
    return {
        "review_id": f"r-{user}-{business}-{date}", "user_id": user, "business_id": business,
        "stars": 4.0, "useful": 0, "funny": 0, "cool": 1, "text": "Good.", "date": date,
    } | more  # fmt: skip


def place(business: Any, **more: Any) -> dict:  # type: ignore[type-arg]
    """One row of yelp_academic_dataset_business.json."""
    return {
        "business_id": business, "name": f"Place {business}", "address": "1 Main St",
        "city": "Philadelphia", "state": "PA", "postal_code": "19107", "latitude": 39.95,
        "longitude": -75.15, "stars": 3.5, "review_count": 22, "is_open": 1,
        "attributes": {"RestaurantsPriceRange2": "2", "BikeParking": "True"},
        "categories": "Restaurants, Food Trucks, Arts & Entertainment",
        "hours": {"Monday": "8:0-22:0"},
    } | more  # fmt: skip


def photo(photo_id: Any, business: Any, caption: Any = "", label: Any = "food") -> dict:  # type: ignore[type-arg]
    """One row of photos.json."""
    return {"photo_id": photo_id, "business_id": business, "caption": caption, "label": label}


def convert(
    tmp_path: Path, reviews: list[Any], places: list[Any], shots: list[Any], **options: Any
) -> Account:
    return convert_yelp(
        [lines(tmp_path / "review.json.gz", reviews)],
        [lines(tmp_path / "business.json", places)],
        lines(tmp_path / "photos.json", shots),
        tmp_path / "data" / "d",
        YelpOptions(**options),
    )


def some(fates: dict[str, int]) -> dict[str, int]:
    return {fate: count for fate, count in fates.items() if count}


def test_what_becomes_of_every_field(tmp_path: Path) -> None:
    account = convert(
        tmp_path,
        [
            review("u1", "b1", text='"Wow"\n\n牛肉面\t🍜', stars=5),
            review("u2", "b1", "2012-01-31"),
            review("u1", "b-2_x"),
        ],
        [place("b1"), place("b-2_x", attributes=None, categories=None, name='"Q"')],
        [
            photo("p-_1", "b1", 'The "best" soup\nin town', "food"),
            photo("p2", "b1"),
            photo("p3", "none"),
        ],
    )
    out = tmp_path / "data" / "d" / "d"
    inter = read_atomic(f"{out}.inter")
    assert inter.rating.tolist() == [5, 4, 4]
    assert inter.timestamp.tolist() == [1_531_001_351, 1_327_968_000, 1_531_001_351], "UTC"
    assert read_atomic(f"{out}.review").text.tolist() == ['“Wow" 牛肉面 🍜', "Good.", "Good."]
    item = read_atomic(f"{out}.item").set_index("item_id")
    assert item.loc["b1"].tolist() == [
        "Place b1", "Restaurants Food_Trucks Arts_&_Entertainment", 39.95, -75.15, 2, 3.5, 22,
    ]  # fmt: skip
    assert item.loc["b-2_x", "category"] == "" and np.isnan(item.loc["b-2_x", "price"])
    image = read_atomic(f"{out}.image")
    assert image.to_numpy().tolist() == [
        ["p-_1", "b1", "", "p-_1.jpg", 'The "best" soup in town', "food"],
        ["p2", "b1", "", "p2.jpg", "", "food"],
    ]
    assert [field.name for field in read_fields(f"{out}.image")][-2:] == ["caption", "label"]
    assert some(account.others["photos"]) == {"read": 3, "of no business kept": 1, "kept": 2}
    assert some(account.others["businesses"]) == {"read": 2, "kept": 2}
    assert (account.photos, account.photos_gone) == (2, 0)
    report = check_dataset(out.parent, min_photos=0)
    assert all("features" in e or "no photos" in e for e in report.errors), report.errors


def test_every_row_of_every_file_is_counted_once(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for name in ("p1", "p8"):
        (tmp_path / "images" / f"{name}.jpg").write_bytes(b"x")
    account = convert(
        tmp_path,
        [
            review("u1", "b1"),
            review("u1", "b1"),
            review("u1", "b1", "2017-07-07 22:09:11"),
            '{"user_id": "u1", "busin',
            "[1]",
            review(None, "b1"),
            review("u1", " "),
            *(review("u2", "b1", date) for date in (None, "", "yesterday", "infinity", 7)),
            review("u2", "b1", stars=None),
            '{"user_id": "u", "business_id": "b", "stars": NaN, "date": "2018-07-07"}',
            review("u2", "b1", stars="1e999"),
            review("u" * 140_000, "b1"),
            review("u3", "b3"),
        ],
        [
            place("b1"), place("b1", name="again"), place(None), "{", place("b3", city="Reno"),
            place("b9"), '{"business_id": "b1"', {"hours": 1},
        ],
        [
            photo("p1", "b1"), photo("p1", "b3"), photo("p2", "b1"), photo("p3", "b3"),
            photo(None, "b1"), photo("p4", None), photo("../../etc", "b1"), photo("..", "b1"),
            photo("c:x", "b1"), photo("x" * 300, "b1"), photo("a b ", "b1"), "nonsense", "",
        ],
        photos=tmp_path / "images",
        cities=("philadelphia",),
    )  # fmt: skip
    assert some(account.dropped) == {
        "broken line": 2, "no user": 1, "no business": 1, "no time": 5, "no rating": 3,
        "id too long for RecBole": 1, "other city": 1, "repeated row": 1,
        "older review of the pair": 1,
    }  # fmt: skip
    assert (account.rows_read, account.rows_kept) == (17, 1)
    assert some(account.others["businesses"]) == {
        "read": 8, "broken line": 3, "no business": 1, "of no review kept": 2, "listed before": 1,
        "kept": 1,
    }  # fmt: skip
    assert some(account.others["photos"]) == {
        "read": 12, "broken line": 1, "no photo id": 1, "no business": 1,
        "id that no file can have": 5, "listed before": 1, "of no business kept": 1,
        "not in the photo folder": 1, "kept": 1,
    }  # fmt: skip
    assert account.photos_gone == 1
    assert any("broken lines of the photo list" in note for note in account.notes)
    told = json.loads((tmp_path / "data" / "d" / "conversion.json").read_text())
    assert told["others"]["photos"]["read"] == 12


def test_choosing_businesses_and_photos(tmp_path: Path) -> None:
    rows = [review(f"u{n}", f"b{n}") for n in range(5)]
    places = [
        place("b0", categories="Bars, Nightlife"), place("b1", state="FL"),
        place("b2", categories=["Bars"]), place("b3", categories="Bars"),
    ]  # fmt: skip
    shots = [photo("p0", "b0"), photo("p3", "b3")]
    account = convert(
        tmp_path, rows, places, shots, categories=("bars",), states=("pa",), with_photos=True
    )
    assert some(account.dropped) == {
        "no metadata of the business": 1, "other category": 1, "no photo of the business": 1,
    }  # fmt: skip
    inter = read_atomic(tmp_path / "data" / "d" / "d.inter")
    assert inter.item_id.tolist() == ["b0", "b3"]
    assert read_atomic(tmp_path / "data" / "d" / "d.image").image_id.tolist() == ["p0", "p3"]


def test_what_cannot_be_converted_is_said_in_one_line(tmp_path: Path) -> None:
    reviews, places = lines(tmp_path / "r.json", [review("u", "b")]), lines(tmp_path / "b.json", [])
    out = tmp_path / "d"
    with pytest.raises(DataError, match=r"needs the list of photos"):
        convert_yelp([reviews], [], None, out, YelpOptions(with_photos=True))
    with pytest.raises(DataError, match=r"cities and require-meta need metadata files"):
        convert_yelp([reviews], [], None, out, YelpOptions(cities=("x",)))
    with pytest.raises(DataError, match=r"r\.json is given as the list of photos.*'photo_id'"):
        convert_yelp([reviews], [], reviews, out)
    with pytest.raises(DataError, match=r"is metadata of businesses, and is given as reviews"):
        convert_yelp([lines(tmp_path / "p.json", [place("b")])], [places], None, out)
    cut = tmp_path / "cut.json.gz"
    cut.write_bytes(gzip.compress(reviews.read_bytes() * 50)[:-20])
    with pytest.raises(DataError, match=r"cut\.json\.gz cannot be decompressed"):
        convert_yelp([cut], [], None, out)
    assert not out.exists()


def test_the_command(tmp_path: Path) -> None:
    files = {
        "--reviews": lines(tmp_path / "r.json", [review("u", "b"), review("v", "b")]),
        "--businesses": lines(tmp_path / "b.json.gz", [place("b")]),
        "--photo-list": lines(tmp_path / "p.json.gz", [photo("p", "b", "Soup")]),
    }
    given = [word for flag, path in files.items() for word in (flag, str(path))]
    result = CliRunner().invoke(
        app,
        ["yelp", *given, "--out", str(tmp_path / "d"), "--category", "restaurants",
         "--state", "PA", "--city", "Philadelphia", "--with-photos", "--k-core", "1"],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "photos read" in result.output
    assert read_atomic(tmp_path / "d" / "d.image").caption.tolist() == ["Soup"]
