"""The Amazon converter on small files in the released layout."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from recbole_showcase.atomic import Account, AmazonOptions, convert_amazon, read_atomic, read_fields
from recbole_showcase.atomic.markup import unescaped
from recbole_showcase.cli.convert import app
from recbole_showcase.data.check import check_dataset
from recbole_showcase.errors import DataError
from tests.atomic.raw import lines

URL = "https://images-na.ssl-images-amazon.com/images/I/{}._SL1600_.jpg"


def picture(name: str, **more: Any) -> dict[str, Any]:
    return {
        "small_image_url": URL.format(name).replace("1600", "256"),
        "medium_image_url": URL.format(name).replace("1600", "800"),
        "large_image_url": URL.format(name), "attachment_type": "IMAGE",
    } | more  # fmt: skip


def review(user: Any, item: Any, time: Any = 1_588_687_728_923, **more: Any) -> dict[str, Any]:
    """One row of a review file."""
    return {
        "rating": 5.0, "title": "Such a lovely scent", "text": "Good.", "images": [],
        "asin": f"child of {item}", "parent_asin": item, "user_id": user, "timestamp": time,
        "helpful_vote": 0, "verified_purchase": True,
    } | more  # fmt: skip


def product(item: Any, **more: Any) -> dict[str, Any]:
    """One row of a metadata file."""
    return {
        "main_category": "All Beauty", "title": f"Product {item}", "average_rating": 4.8,
        "rating_number": 10, "features": [], "description": [], "price": 9.99,
        "images": [{"thumb": "t", "large": "l", "variant": "MAIN", "hi_res": None}], "videos": [],
        "store": "S", "categories": ["Beauty & Care", "Soap"], "details": {"Brand": "B"},
        "parent_asin": item, "bought_together": None,
    } | more  # fmt: skip


def convert(tmp_path: Path, reviews: list[Any], meta: list[Any], **options: Any) -> Account:
    files = [lines(tmp_path / "X.jsonl.gz", reviews)]
    metas = [lines(tmp_path / "meta_X.jsonl.gz", meta)]
    return convert_amazon(files, metas, tmp_path / "data" / "d", AmazonOptions(**options))


def some(fates: dict[str, int]) -> dict[str, int]:
    return {fate: count for fate, count in fates.items() if count}


def test_what_becomes_of_every_field(tmp_path: Path) -> None:
    account = convert(
        tmp_path,
        [
            review("A1", "B1", text="It&#39;s<br />2 &lt; 3 &amp;amp; AT&T<BR>fine",
                   images=[picture("71a"), picture("71A", large_image_url=None)]),
            review("A2", "B1", images=[picture("71a"), picture("81b+L")]),
            review("A2", "B2", 1_588_687_728, text=""),
        ],
        [product("B1", title="Salt &amp; &quot;Pepper&quot;"), product("B2", price="$1,234.50",
                                                                       categories=[])],
    )  # fmt: skip
    out = tmp_path / "data" / "d" / "d"
    inter = read_atomic(f"{out}.inter")
    assert inter.item_id.tolist() == ["B1", "B1", "B2"], "the parent, not the variant"
    assert inter.timestamp.tolist() == [1_588_687_728.923, 1_588_687_728.923, 1_588_687_728]
    texts = read_atomic(f"{out}.review")
    assert texts.text.tolist() == ["It's 2 < 3 &amp; AT&T fine", "Good."]
    item = read_atomic(f"{out}.item").set_index("item_id")
    assert item.loc["B1", "name"] == 'Salt & "Pepper"'
    assert item.category.tolist() == ["Beauty_&_Care Soap", "All_Beauty"]
    assert item.price.tolist() == [9.99, 1234.5]
    assert np.isnan(item.latitude).all()
    fields = read_fields(f"{out}.image")
    assert [f.header for f in fields][3:] == ["path:token", "url:token"], "the last column"
    image = read_atomic(f"{out}.image")
    urls = [URL.format("71a"), URL.format("71A").replace("1600", "800"), URL.format("81b+L")]
    assert image.url.tolist() == urls
    assert image.image_id.tolist() == [hashlib.md5(url.encode()).hexdigest() for url in urls]
    assert image.path.tolist() == [f"{i}.jpg" for i in image.image_id]
    assert image.review_id.tolist() == inter.review_id[[0, 0, 1]].tolist()
    assert some(account.others["images"]) == {"read": 4, "shown before": 1, "kept": 3}
    assert "1 of the rows kept tell their time in seconds" in account.notes[0]
    report = check_dataset(out.parent)
    assert all("features" in e or "no photos" in e for e in report.errors), report.errors


def test_ids_tell_urls_apart_that_end_alike(tmp_path: Path) -> None:
    ends = ["https://a.com/x.jpg", "https://b.com/x.jpg", "https://a.com/X.jpg",
            "https://a.com/x.jpg?v=2", "https://a.com/x.png"]  # fmt: skip
    rows = [review("A", "B", images=[picture("", large_image_url=url) for url in ends])]
    convert(tmp_path, rows, [])
    image = read_atomic(tmp_path / "data" / "d" / "d.image")
    assert image.url.tolist() == ends
    assert image.path.str.lower().nunique() == 5, "on disks that know no case as well"


def test_every_row_and_image_is_counted_once(tmp_path: Path) -> None:
    kept = hashlib.md5(URL.format("ok").encode()).hexdigest()
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / f"{kept}.jpg").write_bytes(b"x")
    odd = [
        picture("ok"), picture("gone"), picture("ok"), picture("v", attachment_type="VIDEO"),
        None, 3, "text", {}, picture("", large_image_url="javascript:x", medium_image_url=""),
        picture("", large_image_url="https://a.com/with space.jpg"),
        picture("", large_image_url="https://"), picture("", large_image_url=["https://a.com/x"]),
    ]  # fmt: skip
    account = convert(
        tmp_path,
        [
            review("A1", "B1", images=odd), review("A1", "B1", images=[picture("dropped")]),
            review("A1", "B1", 1_500_000_000_000), review("A2", "B1", images="none"),
            review("A3", "B1", images={"large_image_url": "https://a.com/x.jpg"}),
            review("", "B1"), review("A1", None), review("A1", "B1", None),
            review("A1", "B1", "soon"), review("A1", "B1", rating=None), '{"user_id": "A1", "par',
            review("A1", "B1", rating="five"), "NaN", {"asin": "B1", "helpful_vote": 1},
        ],
        [product("B1"), product("B1"), product("  "), product("B7"), "x", {"store": "S"}],
        photos=tmp_path / "images",
    )  # fmt: skip
    assert some(account.dropped) == {
        "broken line": 3, "no user": 1, "no item": 1, "no time": 2, "no rating": 2,
        "repeated row": 1, "older review of the pair": 1,
    }  # fmt: skip
    assert (account.rows_read, account.rows_kept) == (14, 3)
    assert some(account.others["items"]) == {
        "read": 6, "broken line": 2, "no item": 1, "of no review kept": 1, "listed before": 1,
        "kept": 1,
    }  # fmt: skip
    images = some(account.others["images"])
    assert images == {
        "read": 12, "without a URL": 9, "shown before": 1, "not in the photo folder": 1, "kept": 1,
    }  # fmt: skip
    assert (account.photos, account.photos_gone) == (1, 1)


def test_titles_and_markup(tmp_path: Path) -> None:
    rows = [
        review("A1", "B", title="Great", text="It &amp; that.<br>"),
        review("A2", "B", title="Wow!", text="Yes."), review("A3", "B", title="Only", text=" "),
        review("A4", "B", title=None, text="Text"), review("A5", "B", title="", text=None),
    ]  # fmt: skip
    account = convert(tmp_path, rows, [], titles=True)
    texts = read_atomic(tmp_path / "data" / "d" / "d.review").text.tolist()
    assert texts == ["Great. It & that.", "Wow! Yes.", "Only", "Text"]
    assert account.reviews_with_text == 4
    convert(tmp_path, rows, [], markup=True, overwrite=True)
    texts = read_atomic(tmp_path / "data" / "d" / "d.review").text.tolist()
    assert texts == ["It &amp; that.<br>", "Yes.", "Text"]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("&#0; &#xD800; &#99999999;", "� � �"),
        ("&nosuch; &; &amp &copy", "&nosuch; &; &amp &copy"),
        ("&#34;&quot;&#x1F355;", '""🍕'),
        ("&amp;lt;", "&lt;"),
    ],
)
def test_entities(text: str, plain: str) -> None:
    assert unescaped(text) == plain


def test_reviews_and_metadata_that_are_swapped_are_told_apart(tmp_path: Path) -> None:
    reviews = lines(tmp_path / "r.jsonl", [review("A", "B")])
    meta = lines(tmp_path / "m.jsonl", [product("B")])
    with pytest.raises(DataError, match="is metadata of items, and is given as reviews"):
        convert_amazon([meta], [reviews], tmp_path / "d")
    with pytest.raises(DataError, match="holds reviews, and is given as metadata"):
        convert_amazon([reviews], [reviews], tmp_path / "d")


def test_the_command(tmp_path: Path) -> None:
    reviews = lines(tmp_path / "r.jsonl.gz", [review("A", "B", images=[picture("x")])])
    meta = lines(tmp_path / "m.jsonl.gz", [product("B")])
    result = CliRunner().invoke(
        app,
        ["amazon", "--reviews", str(reviews), "--meta", str(meta), "--out", str(tmp_path / "d"),
         "--titles", "--as-written", "--require-meta", "--with-photos", "--since", "2020-01-01"],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert read_atomic(tmp_path / "d" / "d.review").text.tolist() == ["Such a lovely scent. Good."]
