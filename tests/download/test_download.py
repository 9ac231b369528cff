"""What becomes of photos, by a host on this machine that is unkind in every way."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from recbole_showcase.download import Account, Kind
from tests.download.server import Answer, Handler, Site, jpeg

Fetch = Callable[..., Account]


def counted(account: Account) -> dict[str, int]:
    return {str(kind): n for kind, n in account.counts.items() if n}


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def missing(account: Account) -> dict[str, str]:
    lines = (account.folder.parent / "photos.missing.jsonl").read_text().splitlines()
    return {told["image_id"]: told["what"] for told in map(json.loads, lines)}


def test_photos_get_to_their_places_and_are_not_asked_for_again(fetch: Fetch, site: Site) -> None:
    names = [f"p{n}" for n in range(60)]
    account = fetch(*names)
    assert files(account.folder) == {f"p{n}.jpg": jpeg(n) for n in range(60)}
    assert counted(account) == {"fetched": 60} and account.complete
    assert account.bytes == sum(len(jpeg(n)) for n in range(60))
    (account.folder / "p7.jpg").write_bytes(b"")  # as a power cut leaves one
    again = fetch(*names, "p60")
    assert counted(again) == {"there before": 59, "fetched": 2} and again.there == 61
    assert {path for path, n in site.asked.items() if n > 1} == {"/p7"}
    assert all("Cookie" not in sent for sent in site.headers)
    told = json.loads((account.folder.parent / "photos.json").read_text())
    assert told["counts"]["there before"] == 59 and told["listed"] == 61 and told["complete"]
    assert missing(again) == {}
    beside = {path.name for path in account.folder.parent.iterdir()}
    assert beside == {"d.image", "photos", "photos.json", "photos.missing.jsonl", ".photos.lock"}


def fails_once(answer: Answer) -> Answer:
    return lambda h: answer(h) if h.times == 1 else h.photo()


def broken(h: Handler) -> None:
    """End in the middle."""
    h.send_response(200)
    h.send_header("content-length", "1000")
    h.end_headers()
    h.wfile.write(b"\xff\xd8\xff" * 100)
    h.close_connection = True


def huge_png(h: Handler) -> None:
    """A few bytes that say they are ten thousand million pixels."""
    head = b"IHDR" + struct.pack(">IIBBBBB", 100_000, 100_000, 1, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    data = b"IDAT" + zlib.compress(b"\0" * 1000)
    more = struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))
    h.photo(b"\x89PNG\r\n\x1a\n" + chunk + more)


ANSWERS: dict[str, tuple[Answer, Kind, str]] = {
    "404": (lambda h: h.status(404), Kind.GONE, "status 404"),
    "410": (lambda h: h.status(410, b"no"), Kind.GONE, "status 410"),
    "403": (lambda h: h.status(403), Kind.REFUSED, "status 403"),
    "204": (lambda h: h.status(204), Kind.NO_IMAGE, "status 204"),
    "nothing": (lambda h: h.status(200), Kind.NO_IMAGE, "cannot be decoded"),
    "a page": (lambda h: h.photo(b"<html>photo</html>"), Kind.NO_IMAGE, "cannot be decoded"),
    "cut off": (lambda h: h.photo(jpeg(1)[:500]), Kind.NO_IMAGE, "cannot be decoded"),
    "compressed": (
        lambda h: h.photo(zlib.compress(jpeg(1)), content_encoding="deflate"),
        Kind.NO_IMAGE, "cannot be decoded",
    ),
    "typed otherwise": (lambda h: h.photo(content_type="text/html"), Kind.FETCHED, ""),
    "a bomb": (huge_png, Kind.REFUSED, "huge"),
    "announced": (
        lambda h: h.status(200, content_length="99999999"), Kind.REFUSED, "too many bytes",
    ),
    "endless": (lambda h: h.drip(10**6, b"x" * 9000, 0), Kind.REFUSED, "too many bytes"),
    "broken": (broken, Kind.FAILED, "connection"),
    "500": (lambda h: h.status(500), Kind.FAILED, "status 500"),
    "429": (lambda h: h.status(429, retry_after="0"), Kind.FAILED, "status 429"),
    "broken once": (fails_once(broken), Kind.FETCHED, ""),
    "500 once": (fails_once(lambda h: h.status(500)), Kind.FETCHED, ""),
    "503 once": (fails_once(lambda h: h.status(503, retry_after="0")), Kind.FETCHED, ""),
    "429 once": (fails_once(lambda h: h.status(429)), Kind.FETCHED, ""),
    "moved": (lambda h: h.status(302, location="/p1"), Kind.FETCHED, ""),
    "in a circle": (
        lambda h: h.status(302, location=h.path), Kind.REFUSED, "redirected more than 5 times",
    ),
    "to a file": (
        lambda h: h.status(302, location="file:///etc/passwd"), Kind.REFUSED, "scheme not allowed",
    ),
    "elsewhere": (
        lambda h: h.status(302, location="https://example.org/"), Kind.REFUSED, "host not allowed",
    ),
    "to another port": (
        lambda h: h.status(302, location="http://127.0.0.1:1/"), Kind.REFUSED, "host not allowed",
    ),
    "to nowhere": (
        lambda h: h.status(302, location="http://[x"), Kind.REFUSED, "host not allowed",
    ),
    "without a place": (lambda h: h.status(302), Kind.NO_IMAGE, "status 302"),
}  # fmt: skip


def test_every_answer_has_its_name(fetch: Fetch, site: Site) -> None:
    """All at once, so that none is in another's way."""
    names = {f"a{number}": case for number, case in enumerate(ANSWERS.values())}
    site.answers = {f"/{name}": answer for name, (answer, *_) in names.items()}
    account = fetch(*names, "p1", "p2", max_bytes=100_000)
    found = missing(account)
    for (name, (_, kind, _)), case in zip(names.items(), ANSWERS, strict=True):
        assert (case, found.get(name, Kind.FETCHED)) == (case, kind)
    for kind in {kind for _, kind, _ in ANSWERS.values()} - {Kind.FETCHED}:
        reasons = [why for _, other, why in ANSWERS.values() if other == kind]
        assert account.reasons[kind] == {why: reasons.count(why) for why in reasons}
    there = {f"{n}.jpg" for n, (_, kind, _) in names.items() if kind is Kind.FETCHED}
    assert set(files(account.folder)) == there | {"p1.jpg", "p2.jpg"}
    assert sum(account.counts.values()) == account.listed == len(ANSWERS) + 2
    tried = {case: site.asked[f"/{name}"] for name, case in zip(names, ANSWERS, strict=True)}
    once = {"404", "403", "a page", "a bomb", "announced", "endless", "elsewhere", "to a file"}
    assert {tried[case] for case in once} == {1}
    assert {tried[case] for case in ("broken", "500", "429")} == {3}
    assert tried["in a circle"] == 6


def test_an_answer_that_takes_for_ever_is_left(fetch: Fetch, site: Site) -> None:
    """Each of its bytes comes in time."""
    site.answers = {"/p1": lambda h: h.drip(99, b"x", 0.05)}
    account = fetch("p1", timeout=0.4, tries=2)
    assert account.examples[Kind.FAILED] == {"p1": "no answer in time: 0.4 s"}
    assert files(account.folder) == {}


def test_what_was_gone_is_asked_for_again_only_where_that_is_wanted(
    fetch: Fetch, site: Site
) -> None:
    site.answers = {"/p1": lambda h: h.status(404), "/p2": lambda h: h.status(500)}
    assert missing(fetch("p1", "p2", "p3")) == {"p1": "gone", "p2": "failed"}
    site.answers.clear()
    account = fetch("p1", "p2", "p3")
    assert counted(account) == {"there before": 1, "fetched": 1, "gone": 1}
    assert site.asked["/p1"] == 1
    assert missing(account) == missing(fetch("p1")) == {"p1": "gone"}
    assert counted(fetch("p1", again=True)) == {"fetched": 1}


def test_so_many_at_once_and_no_more(fetch: Fetch, site: Site) -> None:
    site.answers = {f"/p{n}": lambda h: h.drip(3, b"x", 0.01) for n in range(24)}
    fetch(*(f"p{n}" for n in range(24)), at_once=8, per_host=3)
    assert site.most == 3


def test_a_host_that_fails_is_given_up(
    fetch: Fetch, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recbole_showcase.download.manners._GIVEN_UP_AFTER", 5)
    site.answers = {f"/p{n}": lambda h: h.status(500) for n in range(40)}
    account = fetch(*(f"p{n}" for n in range(40)), at_once=2, tries=1)
    assert counted(account) == {"failed": 40}
    assert account.reasons[Kind.FAILED] == {"status 500": 6, "host given up": 34} or (
        account.reasons[Kind.FAILED] == {"status 500": 5, "host given up": 35}
    )
    assert site.asked.total() <= 6


def test_a_host_that_wants_to_be_left_alone_for_long_is(fetch: Fetch, site: Site) -> None:
    site.answers = {"/p0": lambda h: h.status(429, retry_after="86400")}
    account = fetch("p0", "p1", "p2", at_once=1)
    assert account.reasons[Kind.FAILED] == {"host given up": 3}
    assert account.examples[Kind.FAILED]["p2"].endswith("asks to wait 86,400 s")
    assert site.asked.total() == 1
