"""The Google Local converter on small files whose right answer is known."""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recbole_showcase.atomic import (
    IMAGE,
    LINKED_IMAGE,
    Account,
    GoogleLocalOptions,
    convert_google_local,
    photo_folder,
    read_atomic,
    sources,
)
from recbole_showcase.atomic.cleaning import clean_value
from recbole_showcase.errors import DataError
from tests.atomic.raw import business, lines, review


def _convert(tmp_path: Path, rows: list[Any], meta: list[Any] = (), **options: Any) -> Account:  # type: ignore[assignment]
    reviews = lines(tmp_path / "review-X.json.gz", rows)
    metas = [lines(tmp_path / "meta-X.json.gz", meta)] if meta else []
    return convert_google_local(
        [reviews], metas, tmp_path / "data" / "d", GoogleLocalOptions(**options)
    )


def _read(tmp_path: Path, suffix: str) -> pd.DataFrame:
    return read_atomic(tmp_path / "data" / "d" / f"d.{suffix}")


def _dropped(account: Account) -> dict[str, int]:
    return {reason: count for reason, count in account.dropped.items() if count}


def test_the_four_files(tmp_path: Path) -> None:
    account = _convert(
        tmp_path,
        [
            review("u1", "i1", 1_600_000_000_123, rating=4, text="Nice\tpizza\n", photos=["AF1Qa"]),
            review("u2", "i2", 1_500_000_000_000, text=None, photos=["AF1Qb", "AF1Qa"]),
        ],
        [business("i1", category=["Pizza restaurant", "Bar"], price="₩₩₩"), business("i3")],
    )
    inter = _read(tmp_path, "inter")
    assert inter.user_id.tolist() == ["u1", "u2"]
    assert inter.timestamp.tolist() == [1_600_000_000.123, 1_500_000_000.0]
    assert inter.rating.tolist() == [4, 5]
    item = _read(tmp_path, "item")
    assert item.item_id.tolist() == ["i1", "i2"], "no metadata is no reason to leave an item out"
    assert item.category.tolist() == ["Pizza_restaurant Bar", ""]
    np.testing.assert_array_equal(item.price, [3, np.nan])
    texts = _read(tmp_path, "review")
    assert texts.review_id.tolist() == inter.review_id[:1].tolist()
    assert texts.text.tolist() == ["Nice pizza"]
    image = _read(tmp_path, "image")
    assert image.image_id.tolist() == ["AF1Qa", "AF1Qb"], "a photo belongs to its first review"
    assert image.path.tolist() == ["AF1Qa.jpg", "AF1Qb.jpg"]
    assert image.review_id.tolist() == inter.review_id.tolist()
    assert (account.users, account.items, account.photos, account.photos_gone) == (2, 2, 2, 0)
    assert account.photo_folder is None


def test_every_reason_is_counted_and_the_account_adds_up(tmp_path: Path) -> None:
    account = _convert(
        tmp_path,
        [
            review("u1", "i1", 5_000),
            review(None, "i1", rating=None),
            review("  ", "i1"),
            review("u1", None),
            review("u1", "i1", None),
            review("u1", "i1", rating=None),
            '{"user_id": "u9", "na',
            "[1, 2]",
            review("u1", "i1", 5_000),
            review("u1", "i1", 4_000, text="older"),
            review("u2", "i1", 999),
            review("u2", "i1", 9_000),
            review("u2", "i1", 8_999),
        ],
        since="1970-01-01T00:00:01",
        until="1970-01-01T00:00:09+00:00",
    )
    assert _dropped(account) == {
        "broken line": 2,
        "no user": 2,
        "no business": 1,
        "no time": 1,
        "no rating": 1,
        "outside the time range": 2,
        "repeated row": 1,
        "older review of the pair": 1,
    }
    assert account.rows_read == 13
    assert account.rows_kept == 2
    assert [(line.line, line.begins[:8]) for line in account.broken_lines] == [
        (7, '{"user_i'),
        (8, "[1, 2]"),
    ]
    assert _read(tmp_path, "inter").timestamp.tolist() == [5.0, 8.999]
    stored = json.loads((tmp_path / "data" / "d" / "conversion.json").read_text())
    assert stored["rows_read"] == stored["rows_kept"] + sum(stored["dropped"].values())
    assert stored["sources"][0]["bytes"] == (tmp_path / "review-X.json.gz").stat().st_size


def test_an_account_that_does_not_add_up_is_refused() -> None:
    with pytest.raises(DataError, match="does not add up"):
        Account("x", 3, 1, {"no user": 1}, 1, 1, 0, 0, 0)


def test_broken_lines_are_numbered_behind_blank_ones_and_across_files(tmp_path: Path) -> None:
    good = review("u1", "i1")
    first = lines(tmp_path / "a.json", ["", good, "  ", '{"broken'])
    second = lines(tmp_path / "b.json.gz", [good, "x" * 200])
    account = convert_google_local([tmp_path / "?.json*"], [], tmp_path / "d")
    told = [(line.path, line.line, len(line.begins)) for line in account.broken_lines]
    assert told == [(str(first), 4, 8), (str(second), 2, 80)]
    assert account.rows_read == 4


def test_pieces_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [review(f"u{n % 7}", f"i{n % 5}", n * 1000, text=f"text {n}") for n in range(400)]
    rows[211] = "{broken"
    whole = _convert(tmp_path, rows, one_per_pair=False)
    before = {p.name: p.read_bytes() for p in (tmp_path / "data" / "d").iterdir()}
    monkeypatch.setattr("recbole_showcase.atomic.engine.PIECE_BYTES", 1500)
    monkeypatch.setattr("recbole_showcase.atomic.sources.READ_BYTES", 700)
    pieces = _convert(tmp_path, rows, one_per_pair=False, overwrite=True)
    after = {p.name: p.read_bytes() for p in (tmp_path / "data" / "d").iterdir()}
    assert whole.broken_lines[0].line == pieces.broken_lines[0].line == 212
    assert before == after, "same input, same bytes"


def _core(pairs: set[tuple[str, str]], k: int) -> set[tuple[str, str]]:
    """The k-core, taken literally."""
    while True:
        users = pd.Series([u for u, _ in pairs]).value_counts()
        items = pd.Series([i for _, i in pairs]).value_counts()
        left = {(u, i) for u, i in pairs if users[u] >= k and items[i] >= k}
        if left == pairs:
            return pairs
        pairs = left


@pytest.mark.parametrize("k", [0, 1, 2, 3, 4])
def test_the_k_core_is_a_fixed_point(tmp_path: Path, k: int) -> None:
    rng = np.random.default_rng(k)
    pairs = {(f"u{int(30 * a**2)}", f"i{int(20 * b**2)}") for a, b in rng.random((260, 2))}
    account = _convert(tmp_path, [review(u, i) for u, i in sorted(pairs)], k_core=k)
    inter = _read(tmp_path, "inter")
    expected = _core(pairs, k) if k > 1 else pairs
    assert 0 < len(expected) <= len(pairs)
    assert set(zip(inter.user_id, inter.item_id, strict=True)) == expected
    assert account.dropped.get(f"outside the {k}-core", 0) == len(pairs) - len(expected)
    assert set(_read(tmp_path, "item").item_id) == {i for _, i in expected}


def test_a_chain_falls_apart_link_by_link(tmp_path: Path) -> None:
    chain = [review(f"u{n}", f"i{n + d}") for n in range(12) for d in (0, 1)]
    with pytest.raises(DataError, match=r"no row is left of 24.*outside the 2-core 24"):
        _convert(tmp_path, chain, k_core=2)
    assert not (tmp_path / "data" / "d").exists()
    assert list((tmp_path / "data").iterdir()) == []


META = [
    business("i1", category=["Thai Restaurant"]),
    business("i2", category=["Hardware store"], address="X, 1 A St, Portland, ME 04101-1234"),
    business("i3", category=None, address="Lake Dunmore, Vermont"),
    business("i4", category=["Barber shop", "Cafe"], address=None),
    business("i1", category=["Park"], name="listed twice"),
]


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, ["i1", "i2", "i3", "i4", "i5"]),
        ({"require_meta": True}, ["i1", "i2", "i3", "i4"]),
        ({"categories": ("restaurants",)}, ["i1", "i4"]),
        ({"categories": ("HARDWARE store", "park")}, ["i2"]),
        ({"categories": ("restaurants", "hardware store")}, ["i1", "i2", "i4"]),
        ({"states": ("VT",)}, ["i1", "i3"]),
        ({"states": ("maine", "vermont")}, ["i1", "i2", "i3"]),
    ],
)
def test_choice_of_businesses(tmp_path: Path, options: dict[str, Any], kept: list[str]) -> None:
    rows = [review("u", f"i{n}", n) for n in range(1, 6)]
    _convert(tmp_path, rows, META, **options)
    item = _read(tmp_path, "item")
    assert item.item_id.tolist() == kept
    assert "listed twice" not in item.name.tolist()


@pytest.mark.parametrize(
    ("state", "kept"),
    [
        ("VA", ["i1", "i2", "i3"]),
        ("West Virginia", ["i4", "i5"]),
        ("KS", ["i6"]),
        ("Arkansas", ["i7"]),
    ],
)
def test_a_state_whose_name_ends_that_of_another(
    tmp_path: Path, state: str, kept: list[str]
) -> None:
    addresses = (
        "X, 1 A St, Richmond, Virginia", "X, Richmond,Virginia, United States", "Virginia",
        "X, 1 A St, Charleston, West Virginia", "X, Wheeling WV 26003",
        "X, 1 A St, Topeka, Kansas", "X, 1 A St, Little Rock, Arkansas",
    )  # fmt: skip
    meta = [business(f"i{n}", address=own) for n, own in enumerate(addresses, 1)]
    rows = [review("u", f"i{n}", n) for n in range(1, 8)]
    _convert(tmp_path, rows, meta, states=(state,))
    assert _read(tmp_path, "item").item_id.tolist() == kept


def test_only_reviews_with_text_or_photos(tmp_path: Path) -> None:
    rows = [
        review("u", "i1", text=None, photos=["a"]),
        review("u", "i2", text=" \n"),
        review("u", "i3", text="words"),
        review("u", "i4", text="words", photos=["b"]),
    ]
    account = _convert(tmp_path, rows, with_text=True)
    assert _read(tmp_path, "inter").item_id.tolist() == ["i3", "i4"]
    assert account.dropped["no text"] == 2
    account = _convert(tmp_path, rows, with_photos=True, overwrite=True)
    assert _read(tmp_path, "inter").item_id.tolist() == ["i1", "i4"]
    assert account.dropped["no photo"] == 2
    assert account.reviews_with_text == 1


def test_photos_are_found_by_id_at_any_depth_and_gone_ones_counted(tmp_path: Path) -> None:
    deep = tmp_path / "images" / "AF1Qip" / "OV" / "0K"
    deep.mkdir(parents=True)
    (deep / "AF1QipOV0K.jpg").write_bytes(b"x")
    (tmp_path / "images" / "AF1Qipflat.jpg").write_bytes(b"x")
    rows = [
        review("u1", "i1", photos=["AF1QipOV0K", "AF1Qipgone"]),
        review("u2", "i1", photos=["AF1Qipflat"]),
        review("u3", "i1", photos=["AF1Qiplost"]),
    ]
    account = _convert(tmp_path, rows, photos=tmp_path / "images")
    image = _read(tmp_path, "image")
    assert image.path.tolist() == ["AF1Qip/OV/0K/AF1QipOV0K.jpg", "AF1Qipflat.jpg"]
    assert (account.photos, account.photos_gone) == (2, 2)
    folder = photo_folder(tmp_path / "data" / "d")
    assert all(folder.resolve(path).is_file() for path in image.path)
    with_photos = _convert(
        tmp_path, rows, photos=tmp_path / "images", with_photos=True, overwrite=True
    )
    assert with_photos.users == 2, "a review whose photos are gone has none"
    both = _convert(
        tmp_path, rows, photos=tmp_path / "images", with_photos=True, with_text=True, overwrite=True
    )
    assert both.rows_kept == 2
    with pytest.raises(DataError, match="no photo folder"):
        _convert(tmp_path, rows, photos=tmp_path / "none", overwrite=True)


def test_translated_reviews(tmp_path: Path) -> None:
    rows = [
        review("u1", "i", text="(Translated by Google) Very good\n\n(Original)\nMuy bien"),
        review("u2", "i", text="(Translated by Google) \n\n(Original)\n👍"),
    ]
    account = _convert(tmp_path, rows)
    assert _read(tmp_path, "review").text.tolist() == ["Very good"]
    assert account.reviews_with_text == 1
    _convert(tmp_path, rows, english=False, overwrite=True)
    assert _read(tmp_path, "review").text.tolist() == [
        "(Translated by Google) Very good (Original) Muy bien",
        "(Translated by Google) (Original) 👍",
    ]


def test_every_review_of_a_pair_and_limit(tmp_path: Path) -> None:
    rows = [review("u", "i", n) for n in range(5)]
    assert _convert(tmp_path, rows).rows_kept == 1
    account = _convert(tmp_path, rows, one_per_pair=False, overwrite=True)
    assert account.rows_kept == 5
    assert _read(tmp_path, "inter").review_id.nunique() == 5
    limited = _convert(tmp_path, rows, one_per_pair=False, limit=3, overwrite=True)
    assert (limited.rows_read, limited.rows_kept) == (3, 3)


def test_review_ids_are_the_same_under_other_options(tmp_path: Path) -> None:
    rows = [review(f"u{n}", "i", n, text=None if n % 2 else "t") for n in range(6)]
    _convert(tmp_path, rows)
    everything = _read(tmp_path, "inter").set_index("user_id").review_id
    _convert(tmp_path, rows, with_text=True, overwrite=True)
    some = _read(tmp_path, "inter").set_index("user_id").review_id
    assert some.tolist() == everything[some.index].tolist()


def test_hard_ids_names_and_texts_come_through(tmp_path: Path) -> None:
    hard = ['"q"', "a\tb", "a\nc", "null", "🍕 x", "x,y", "'; --", "é", "#1", "NA"]
    rows = [review(f"{v} user", v, n, text=v, photos=[]) for n, v in enumerate(hard)]
    _convert(tmp_path, rows, [business(v, name=v, category=[v]) for v in hard])
    cleaned = ['“q"', "a b", "a c", "null.", "🍕 x", "x,y", "'; --", "é", "#1", "NA."]
    folder = tmp_path / "data" / "d"
    assert _read(tmp_path, "inter").item_id.tolist() == cleaned
    assert _read(tmp_path, "review").text.tolist() == cleaned
    for suffix, column in (("inter", "item_id:token"), ("review", "text:token_seq")):
        theirs = pd.read_csv(folder / f"d.{suffix}", delimiter="\t", engine="python", dtype=str)
        assert theirs[column].tolist() == cleaned
    item = pd.read_csv(folder / "d.item", delimiter="\t", engine="python", dtype=str)
    assert sorted(item["name:token_seq"]) == sorted(set(cleaned))
    assert not item["category:token_seq"].isna().any()


def test_texts_are_cleaned_wherever_they_need_it(tmp_path: Path) -> None:
    words = "plain words of a review"
    dirt = [
        " ",
        "  ",
        '"',
        "\n",
        "\x00",
        "\x1f",
        "\x7f",
        "\x80",
        "\xa0",
        "\u2003",
        "\u3000",
        "\\",
        "é",
    ]
    texts = [words, "#N/A N/A", "null", "1.#QNAN"]
    texts += [text for d in dirt for text in (d + words, words + d, words + d + words)]
    _convert(tmp_path, [review(f"u{n}", "i", n, text=text) for n, text in enumerate(texts)])
    assert _read(tmp_path, "review").text.tolist() == [clean_value(text) for text in texts]


def test_a_photo_shown_again_belongs_to_the_first_review(tmp_path: Path) -> None:
    rows = [
        review("u1", "i1", photos=["a", "b", "a"]),
        review("u2", "i2", photos=["c", "b"]),
        review("u3", "i3", photos=["a", "d"]),
    ]
    account = _convert(tmp_path, rows)
    image = _read(tmp_path, "image")
    assert image.image_id.tolist() == ["a", "b", "c", "d"]
    assert image.item_id.tolist() == ["i1", "i1", "i2", "i3"]
    assert (account.photos, account.photos_gone) == (4, 0)
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "b.jpg").write_bytes(b"x")
    account = _convert(tmp_path, rows, photos=tmp_path / "images", overwrite=True)
    assert (account.photos, account.photos_gone) == (1, 3), "gone ones are counted once"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"k_core": -1}, "k-core is -1"),
        ({"limit": 0}, "limit is 0"),
        ({"since": "soon"}, "since is 'soon'; expected such as 2019-01-31"),
        ({"since": "2020-01-02", "until": "2020-01-01"}, "is not before"),
        ({"states": ("Bavaria",)}, "'Bavaria' is no state"),
        ({"categories": ("Park",)}, "need metadata"),
        ({"memory_limit": "much"}, "memory limit 'much'"),
    ],
)
def test_options_that_make_no_sense(tmp_path: Path, options: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError, match=told):
        _convert(tmp_path, [review("u", "i")], **options)
    assert not list(tmp_path.glob("data/*"))


def test_missing_and_damaged_files(tmp_path: Path) -> None:
    out = tmp_path / "d"
    with pytest.raises(DataError, match=r"no review file .*none\*\.gz"):
        convert_google_local([tmp_path / "none*.gz"], [], out)
    good = lines(
        tmp_path / "r.json.gz", [review("u", f"i{os.urandom(8).hex()}") for _ in range(99)]
    )
    with pytest.raises(DataError, match="no metadata file"):
        convert_google_local([good], ["nothing.json"], out)
    cut = tmp_path / "cut.json.gz"
    cut.write_bytes(good.read_bytes()[:-40])
    with pytest.raises(DataError, match=r"cut\.json\.gz cannot be decompressed"):
        convert_google_local([cut], [], out)
    empty = lines(tmp_path / "empty.json", [])
    with pytest.raises(DataError, match="no row is left of 0"):
        convert_google_local([empty], [], out)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cut.json.gz", "empty.json", "r.json.gz"]


@pytest.mark.parametrize("rating", ["NaN", "Infinity", "-Infinity", "null", "1e999", '"good"'])
def test_what_is_no_number_is_no_rating(tmp_path: Path, rating: str) -> None:
    row = json.dumps(review("u2", "i")).replace('"rating": 5', f'"rating": {rating}')
    account = _convert(tmp_path, [review("u1", "i"), row])
    assert _dropped(account) == {"no rating": 1}
    assert _read(tmp_path, "inter").rating.tolist() == [5]


def test_numbers_of_businesses_that_are_not_finite_are_unknown(tmp_path: Path) -> None:
    row = business("i", latitude=float("nan"), longitude=float("inf"), avg_rating=-float("inf"))
    _convert(tmp_path, [review("u", "i")], [row])
    item = _read(tmp_path, "item").iloc[0]
    assert np.isnan([item.latitude, item.longitude, item.avg_rating]).all()
    assert item.num_reviews == 8 and "inf" not in (tmp_path / "data/d/d.item").read_text()


def test_half_a_surrogate_pair_loses_no_line(tmp_path: Path) -> None:
    texts = [
        r"half \ud83d here", r"\udE00 first", r"whole \ud83d\ude00", r"\ud83d\ud83d\ude00",
        r"\\ud83d is no escape", r"\\\ud83d is one",
    ]  # fmt: skip
    rows = [
        json.dumps(review(f"u{n}", "i", n, text="?")).replace('"?"', f'"{text}"')
        for n, text in enumerate(texts)
    ]
    meta = json.dumps(business("i", name="?")).replace('"?"', r'"Bar \ud83d"')
    account = _convert(tmp_path, rows, [meta])
    assert account.rows_kept == len(texts) and not account.broken_lines
    assert _read(tmp_path, "review").text.tolist() == [
        "half \ufffd here", "\ufffd first", "whole 😀", "\ufffd😀", r"\ud83d is no escape",
        "\\\ufffd is one",
    ]  # fmt: skip
    assert _read(tmp_path, "item").name.tolist() == ["Bar \ufffd"]


def test_times_in_seconds_are_seen_and_told(tmp_path: Path) -> None:
    rows = [
        review("u1", "i", 1_600_000_000_123),
        review("u2", "i", 1_600_000_000),
        review("u3", "i", 1_600_000_000.5),  # type: ignore[arg-type]
        review("u4", "i", 1_500_000_000),
        review("u5", "i", 1e300),  # type: ignore[arg-type]
    ]
    account = _convert(tmp_path, rows, since="2020-01-01")
    assert _read(tmp_path, "inter").timestamp.tolist() == [1600000000.123, 1600000000, 1600000000.5]
    assert _dropped(account) == {"outside the time range": 1, "no time": 1}
    said = "2 of the rows kept tell their time in seconds, the others in milliseconds."
    assert account.notes == (said,)
    assert _convert(tmp_path, rows[:1], overwrite=True).notes == ()


def test_photos_in_every_form_in_their_order(tmp_path: Path) -> None:
    url = "https://example.org/p/"
    rows = [
        review("u1", "i", pics=[{"url": [url + "A=w150", "B"]}, {"url": url + "C"}, url + "D=s0"]),
        review("u2", "i", pics=url + "E.JPG?w=150"),
        review("u3", "i", pics={"url": url + "F.x.png"}),
        review("u4", "i", pics=[None, 3, {"width": 150}, {"url": None}, []]),
        review("u5", "i", pics=[]),
    ]
    account = _convert(tmp_path, rows)
    assert _read(tmp_path, "image").image_id.tolist() == ["A", "B", "C", "D", "E", "F.x"]
    assert account.photos == 6 and account.rows_kept == 5


def test_broken_lines_are_shown_where_nothing_is_left(tmp_path: Path) -> None:
    rows = ["<html>", "not found", "</html>"]
    said = r"no row is left of 3.*dropped: broken line 3; broken lines: .*X\.json\.gz:1: '<html>'"
    with pytest.raises(DataError, match=said):
        _convert(tmp_path, rows)


def test_review_ids_are_those_that_anybody_can_compute(tmp_path: Path) -> None:
    _convert(tmp_path, [review("u 1", '"i"', 1_600_000_000_123), review("u2", "i", 7)])
    digests = [hashlib.md5(text.encode()).hexdigest() for text in (
        "u 1\t“i\"\t1600000000123", "u2\ti\t7",
    )]  # fmt: skip
    assert _read(tmp_path, "inter").review_id.tolist() == [digest[:20] for digest in digests]


def _full(*_: Any) -> None:
    raise OSError(28, "No space left on device")


def test_a_full_disk_leaves_the_data_set_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _convert(tmp_path, [review("u", "i")])
    before = (tmp_path / "data" / "d" / "d.inter").read_bytes()
    monkeypatch.setattr("recbole_showcase.atomic.sources._write_piece", _full)
    said = r"data/d was left as it was, nothing is written: .*No space left on device"
    with pytest.raises(DataError, match=said):
        _convert(tmp_path, [review("v", "i")], overwrite=True)
    assert (tmp_path / "data" / "d" / "d.inter").read_bytes() == before
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["d"]


def test_too_little_memory_is_one_line(tmp_path: Path) -> None:
    rows = [review(f"u{n}", f"i{n}") for n in range(30_000)]
    with pytest.raises(DataError, match="cannot be read: Out of Memory") as raised:
        _convert(tmp_path, rows, memory_limit="3MB", threads=1)
    assert "\n" not in str(raised.value)


def test_a_text_of_any_length_is_converted_and_read(tmp_path: Path) -> None:
    texts = ["x" * 3_000_000, "短", "y" * 140_000]
    _convert(tmp_path, [review(f"u{n}", "i", text=text) for n, text in enumerate(texts)])
    assert _read(tmp_path, "review").text.tolist() == texts


def test_ids_that_recbole_cannot_read_are_dropped_by_name(tmp_path: Path) -> None:
    longest = "i" * 131_072
    rows = [review("u1", longest), review("u2", longest + "i"), review("u" * 140_000, "i")]
    account = _convert(tmp_path, rows)
    assert _dropped(account) == {"id too long for RecBole": 2}
    with (tmp_path / "data" / "d" / "d.inter").open(encoding="utf-8", newline="") as file:
        assert [row[1] for row in csv.reader(file, delimiter="\t")][1:] == [longest]


def test_broken_lines_of_the_metadata_are_counted(tmp_path: Path) -> None:
    meta = [business("i"), "", "xx", "[1]", business("j")]
    account = _convert(tmp_path, [review("u", "i")], meta)
    (note,) = account.notes
    assert note.startswith("2 broken lines of the metadata are passed over; the first is ")
    assert note.endswith("meta-X.json.gz:3: 'xx'.")
    assert _read(tmp_path, "item").name.tolist() == ["Place i"]


def test_a_line_without_an_end_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few KB of gz may hold GBs."""
    monkeypatch.setattr(sources, "LONGEST_LINE", 1 << 20)
    monkeypatch.setattr(sources, "READ_BYTES", 1 << 16)
    with pytest.raises(DataError, match=r"review-X.json.gz, line 3: longer than 1,048,576 bytes"):
        _convert(tmp_path, [review("u", "i"), "x" * 1_000_000, " " * 50_000_000])
    assert not list(tmp_path.glob("data/*"))


def test_swapped_files_are_told_by_their_content(tmp_path: Path) -> None:
    reviews, meta = tmp_path / "a.json", tmp_path / "b.json"
    reviews.write_text('{"user_id": "u1", "gmap_id": "g1", "time": 1e12, "rating": 5}\n')
    meta.write_text('{"gmap_id": "g1", "name": "Il Forno", "address": "x"}\n')
    with pytest.raises(DataError, match=r"b\.json is metadata of businesses.* with --meta"):
        convert_google_local([meta], [reviews], tmp_path / "out")
    with pytest.raises(DataError, match=r"a\.json holds reviews, .* with --reviews"):
        convert_google_local([reviews], [reviews], tmp_path / "out")
    for line in ("", "[1]\n", "[" * 100_000 + "\n", '{"gmap_id": "g1"}\n'):  # not for us to tell
        (tmp_path / "c.json").write_text(line)
        account = convert_google_local(
            [reviews], [tmp_path / "c.json"], tmp_path / "out", GoogleLocalOptions(overwrite=True)
        )
        assert account.rows_kept == 1


def test_a_file_that_the_disk_cannot_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its error has no name, and is not that of what is written."""

    class Broken(io.BytesIO):
        def read(self, *_: object) -> bytes:
            raise OSError(errno.EIO, "Input/output error")

    path = tmp_path / "a.json"
    path.write_text('{"user_id": "u1", "gmap_id": "g1", "time": 1e12, "rating": 5}\n')
    monkeypatch.setattr(
        "recbole_showcase.atomic.sources.open_plain", lambda _: (Broken(), Broken())
    )
    monkeypatch.setattr("recbole_showcase.atomic.reviews.first_row", lambda _: {})
    with pytest.raises(DataError, match=r"a\.json cannot be read: \[Errno 5\]"):
        convert_google_local([path], [], tmp_path / "out")


def test_urls_of_photos_are_kept_where_the_source_tells_them(tmp_path: Path) -> None:
    rows = [
        review("u1", "i1", photos=["A", "B"]),
        review("u2", "i1", pics=["C", "HTTPS://h/D.png?x", " ftp://h/E", "http://h/" + "F" * 9000]),
        review("u3", "i2", pics={"url": "http://h/a b\tc"}),
    ]
    _convert(tmp_path, rows)
    image = _read(tmp_path, "image")
    assert list(image.columns) == [field.name for field in LINKED_IMAGE.fields]
    urls = dict(zip(image.image_id, image.url, strict=True))
    assert urls == {
        "A": "https://lh5.googleusercontent.com/p/A=w150-h150-k-no-p",
        "B": "https://lh5.googleusercontent.com/p/B=w150-h150-k-no-p",
        "C": "", "D": "HTTPS://h/D.png?x", "E": "", "F" * 9000: "", "a b c": "http://h/a b c",
    }  # fmt: skip
    _convert(tmp_path, [review("u1", "i1", pics=["A", "B"])], overwrite=True)
    assert list(_read(tmp_path, "image").columns) == [field.name for field in IMAGE.fields]
