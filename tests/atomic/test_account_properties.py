"""Whatever stands in a raw file: every line that is not blank is counted once, kept or dropped."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from recbole_showcase.atomic import (
    Account,
    GestOptions,
    GoogleLocalOptions,
    convert_gest,
    convert_google_local,
    read_atomic,
)
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


@settings(max_examples=20)
@given(FILES)
@example(b"{}{}\n" + GOOD + b"\n")
@example(GOOD + b"\r" + GOOD + b"\n" + GOOD)
@example(b"\x00\n\x0b\n\x0c\n" + GOOD)
@example(GOOD + GOOD + b"\n" + GOOD)
def test_google_local(raw: bytes) -> None:
    options = GoogleLocalOptions(threads=1)
    counted(raw, lambda file, out: convert_google_local([file], [], out, options))


@settings(max_examples=10)
@given(FILES.map(lambda raw: raw.replace(b"gmap_id", b"business_id")))
def test_gest(raw: bytes) -> None:
    try:
        counted(raw, lambda file, out: convert_gest(file, out, GestOptions(threads=1)))
    except DataError as error:
        assert "is cut off" in str(error)  # a mutation made it look like a split
