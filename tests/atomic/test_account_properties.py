"""Whatever stands in a raw file: every line that is not blank is counted once, kept or dropped."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from recbole_showcase.atomic import (
    Account,
    AmazonOptions,
    GestOptions,
    GoogleLocalOptions,
    YelpOptions,
    convert_amazon,
    convert_gest,
    convert_google_local,
    convert_yelp,
    read_atomic,
)
from recbole_showcase.atomic.cleaning import clean_value
from recbole_showcase.errors import DataError
from tests.atomic.raw import review

GOOD = json.dumps(review("good", "item", 1_600_000_000_000)).encode()
LINES = [
    json.dumps(review("u1", "i1", 1_600_000_000_001, text="Nice, \"hot\" soup\\ 牛肉面")).encode(),
    json.dumps(review("u2", "i2", None, photos=["a", "b"])).encode(),
    json.dumps(review("u3", "i1", 1_600_000_000, rating=1e300, pics={"url": []})).encode(),
    json.dumps({"user_id": "u4", "business_id": "b", "rating": 3, "review_text": "x"}).encode(),
    b"{}", b"[]", b"null", b'"text"', b"1", b"", b"   ", b"\xff\xfe", b"{", b"}",
]  # fmt: skip
BYTES = st.one_of(st.binary(max_size=3), st.sampled_from([b'"', b"\\", b"{", b"}", b",", b"\x00"]))


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A line of a raw file with a part cut out, put in or written twice."""
    line = draw(st.sampled_from(LINES))
    for _ in range(draw(st.integers(0, 2))):
        start = draw(st.integers(0, len(line)))
        end = draw(
            st.integers(start, min(len(line), start + draw(st.sampled_from([0, 1, 9, 500]))))
        )
        put = draw(st.one_of(BYTES, st.just(line[start:end] * 2)))
        line = line[:start] + put + line[end:]
    return line


FILES = st.lists(mutated(), max_size=25).map(lambda lines: b"\n".join([*lines, GOOD, b""]))


def counted(raw: bytes, convert: Callable[[Path, Path], Account]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "raw.json")
        file.write_bytes(raw)
        account = convert(file, Path(folder, "d"))
        inter = len(read_atomic(Path(folder, "d", "d.inter")))
    lines = [line for line in raw.split(b"\n") if line.strip()]
    assert account.rows_read == len(lines)
    assert account.rows_kept == inter
    shown = {broken.line for broken in account.broken_lines}
    assert len(shown) == min(account.dropped["broken line"], 10)
    for number in shown:
        assert raw.split(b"\n")[number - 1].strip(), "a blank line is none"


@settings(max_examples=12)
@given(FILES)
@example(b"{}{}\n" + GOOD + b"\n")
@example(GOOD + b"\r" + GOOD + b"\n" + GOOD)
@example(b"\x00\n\x0b\n\x0c\n" + GOOD)
@example(GOOD + GOOD + b"\n" + GOOD)
def test_google_local(raw: bytes) -> None:
    options = GoogleLocalOptions(threads=1)
    counted(raw, lambda file, out: convert_google_local([file], [], out, options))


@settings(max_examples=6)
@given(FILES.map(lambda raw: raw.replace(b"gmap_id", b"business_id")))
def test_gest(raw: bytes) -> None:
    try:
        counted(raw, lambda file, out: convert_gest(file, out, GestOptions(threads=1)))
    except DataError as error:
        assert "is cut off" in str(error)  # a mutation made it look like a split


@settings(max_examples=6)
@given(FILES)
def test_amazon(raw: bytes) -> None:
    for old, new in (
        (b"gmap_id", b"parent_asin"),
        (b'"time"', b'"timestamp"'),
        (b"pics", b"images"),
    ):
        raw = raw.replace(old, new)
    counted(raw, lambda file, out: convert_amazon([file], [], out, AmazonOptions(threads=1)))


@settings(max_examples=6)
@given(FILES)
def test_yelp(raw: bytes) -> None:
    raw = raw.replace(b"gmap_id", b"business_id").replace(b'"rating"', b'"stars"')
    raw = raw.replace(b'"time": 1600000000000', b'"date": "2020-01-02 03:04:05"')
    counted(raw, lambda file, out: convert_yelp([file], [], None, out, YelpOptions(threads=1)))


IDS = st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=6))
TIMES = st.one_of(
    st.none(),
    st.integers(0, 2 * 10**12),
    st.sampled_from([10**8 - 1, 10**8, 10**11, 10**11 + 1, -1, 0, 10**17, 10**30]),
)
RATINGS = st.one_of(
    st.none(), st.integers(-3, 9), st.floats(-9, 9, width=32), st.sampled_from(["1e999", "-1e999"])
)
ROWS = st.lists(st.tuples(IDS, IDS, TIMES, RATINGS), min_size=1, max_size=30)


def literal(
    user: str | None, item: str | None, time: int | None, rating: Any
) -> str | tuple[str, str, float, float]:
    """Why a row is dropped, or what is written of it."""
    if not clean_value(user or ""):
        return "no user"
    if not clean_value(item or ""):
        return "no business"
    milliseconds = None if time is None else time * (1000 if 10**8 <= time <= 10**11 else 1)
    if milliseconds is None or abs(milliseconds) > 2**63:
        return "no time"
    if rating is None or isinstance(rating, str):
        return "no rating"
    return clean_value(user or ""), clean_value(item or ""), rating, milliseconds / 1000


@settings(max_examples=12)
@given(ROWS)
def test_ids_times_and_ratings(rows: list[tuple[Any, Any, Any, Any]]) -> None:
    raw, expected = [], []
    for number, (user, item, time, rating) in enumerate([*rows, ("u", "i", 10**12, 5)]):
        item = None if item is None else item + f" {number}" * bool(item.strip())  # no row twice
        row = json.dumps(review(user, item, time, rating=7.125))
        told = "null" if rating is None else str(rating)
        raw.append(row.replace("7.125", told))
        expected.append(literal(user, item, time, rating))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "raw.json")
        file.write_text("\n".join(raw), encoding="utf-8")
        options = GoogleLocalOptions(threads=1, one_per_pair=False)
        account = convert_google_local([file], [], Path(folder, "d"), options)
        inter = read_atomic(Path(folder, "d", "d.inter"))
    for reason in ("no user", "no business", "no time", "no rating"):
        assert account.dropped[reason] == expected.count(reason), (reason, expected)
    kept = [row for row in expected if not isinstance(row, str)]
    assert inter[["user_id", "item_id"]].to_numpy().tolist() == [[u, i] for u, i, _, _ in kept]
    assert inter["rating"].tolist() == [r for _, _, r, _ in kept]
    assert inter["timestamp"].tolist() == [t for _, _, _, t in kept]
