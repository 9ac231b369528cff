"""No list of photos sends requests or files where its reader has not allowed."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from recbole_showcase.download import Account, DownloadOptions, Kind, download_photos
from recbole_showcase.download.hosts import AllowedHosts, is_public
from recbole_showcase.download.sizes import sized
from recbole_showcase.errors import DataError
from tests.download.conftest import Rows
from tests.download.server import Site, jpeg

GOOD = "https://lh5.googleusercontent.com/p/A=w150-h150-k-no-p"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("file:///etc/passwd", "scheme"),
        ("ftp://lh5.googleusercontent.com/x", "scheme"),
        ("//lh5.googleusercontent.com/x", "scheme"),
        ("photo.jpg", "scheme"),
        ("http://169.254.169.254/latest/meta-data", "host"),
        ("https://[::1]/x", "host"),
        ("https://localhost/x", "host"),
        ("https://2130706433/x", "host"),
        ("http://lh5.googleusercontent.com/x", "host"),
        ("https://lh5.googleusercontent.com:8443/x", "host"),
        ("https://lh5.googleusercontent.com.example.org/x", "host"),
        ("https://example.org/lh5.googleusercontent.com", "host"),
        ("https://lh5.googleusercontent.com./x", "host"),
        ("https://lh5.g\u043e\u043egleusercontent.com/x", "host"),
        ("https://user:pass@lh5.googleusercontent.com/x", "a user"),
        ("https://lh5.googleusercontent.com@example.org/x", "a user"),
    ],
)
def test_refused(url: str, why: str) -> None:
    found = AllowedHosts(["images.example.net"]).refusal(httpx2.URL(url))
    assert found is not None and found.startswith(why)


@pytest.mark.parametrize(
    ("entry", "url", "allowed"),
    [
        ("images.example.org", "https://images.example.org/a?b=c", True),
        ("images.example.org", "https://IMAGES.example.ORG:443/a", True),
        ("images.example.org", "https://a.images.example.org/", False),
        ("*.example.org", "https://a.b.example.org/", True),
        ("*.example.org", "https://example.org/", False),
        ("*.example.org", "https://badexample.org/", False),
        ("http://localhost:8000", "http://localhost:8000/x", True),
        ("http://localhost:8000", "https://localhost:8000/x", False),
        ("bücher.example", "https://xn--bcher-kva.example/", True),
        ("other.example", GOOD, True),
        ("other.example", "https://m.media-amazon.com/images/I/x.jpg", True),
        ("other.example", "https://images-na.ssl-images-amazon.com/images/I/x.jpg", True),
    ],
)
def test_entries(entry: str, url: str, allowed: bool) -> None:
    assert (AllowedHosts([entry]).refusal(httpx2.URL(url)) is None) == allowed


@pytest.mark.parametrize(
    "entry",
    ["", "*", "*.com", "a*.example.org", "ftp://x.org", "x.org/path", "u@x.org", "http://["],
)
def test_no_entries(entry: str) -> None:
    with pytest.raises(DataError, match="cannot be used; allowed: such as"):
        AllowedHosts([entry])


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
     "0.0.0.0", "224.0.0.1", "::1", "fe80::1%eth0", "fd00::1", "::ffff:127.0.0.1",
     "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "64:ff9b:1::a00:1", "fec0::1", "::127.0.0.1", ""],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)
    assert is_public("2a00:1450:4001::1") and is_public("64:ff9b::8efa:101")


def test_a_name_that_leads_to_this_machine(
    site: Site, listed: Callable[[Rows], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless it is named in full, it is not asked whatever it is called."""
    resolve = socket.getaddrinfo

    def here(host: Any, *args: Any, **how: Any) -> Any:
        return resolve("127.0.0.1", *args, **how)

    monkeypatch.setattr(socket, "getaddrinfo", here)
    place = f"a.example.org:{site.port}"
    folder = listed([("p1", "p1.jpg", f"http://{place}/p1")])
    below = DownloadOptions(hosts=(f"http://*.example.org:{site.port}",))
    account = download_photos(folder, options=below, progress=False)
    assert account.reasons[Kind.REFUSED] == {"address not allowed": 1}
    assert site.asked.total() == 0
    named = DownloadOptions(hosts=(f"http://{place}",))
    assert download_photos(folder, options=named, progress=False).there == 1


def test_files_stay_in_their_folder(site: Site, listed: Callable[[Rows], Path]) -> None:
    paths = [
        *("../out.jpg", "/tmp/out.jpg", "a/../../out.jpg", "..\\out.jpg", "C:/out.jpg"),
        *("link/out.jpg", ".bashrc", "page.html", "photo.jpg/x.jpg", "there.jpg", "x" * 300),
    ]
    rows = [(f"bad{n}", path, f"{site.origin}/p{n}") for n, path in enumerate(paths)]
    folder = listed([("good", "deep/er/photo.jpg", f"{site.origin}/p77"), *rows])
    (folder / "photos" / "there.jpg").mkdir(parents=True)
    (folder / "photos" / "link").symlink_to(folder.parent)
    (folder / "photos" / "photo.jpg").write_bytes(b"somebody's")
    before = {path for path in folder.parent.rglob("*") if "photos" not in path.name}
    account = download_photos(folder, options=DownloadOptions(hosts=(site.origin,)), progress=False)
    assert account.reasons == {Kind.REFUSED: {"path not allowed": len(paths)}}
    assert (folder / "photos" / "deep" / "er" / "photo.jpg").read_bytes() == jpeg(77)
    after = {path for path in folder.parent.rglob("*") if "photos" not in path.name}
    assert {path.name for path in after - before} == {"deep", "er", "photo.jpg"}
    assert (folder / "photos" / "photo.jpg").read_bytes() == b"somebody's"


def test_hostile_urls_are_counted_and_stop_nothing(
    fetch: Callable[..., Account], site: Site, listed: Callable[[Rows], Path]
) -> None:
    urls = [
        *("http://[::1", f"https://{'a' * 70}.x.example.org:{site.port}/", "https://\u2603"),
        *("https://lh5.googleusercontent.com:99999/x", "h" * 9000, "https:///x", "javascript:x"),
    ]
    rows = [(f"p{n}", f"p{n}.jpg", url) for n, url in enumerate(urls)]
    folder = listed([*rows, ("none", "none.jpg", ""), ("p9", "p9.jpg", f"{site.origin}/p9")])
    hosts = (site.origin, f"https://*.example.org:{site.port}")
    options = DownloadOptions(hosts=hosts, tries=1, timeout=2)
    account = download_photos(folder, options=options, progress=False)
    assert account.counts[Kind.REFUSED] + account.counts[Kind.FAILED] == len(urls)
    assert account.counts[Kind.NO_URL] == account.counts[Kind.FETCHED] == 1


@pytest.mark.parametrize(
    ("url", "becomes"),
    [
        (GOOD, "https://lh5.googleusercontent.com/p/A=s640-k-no"),
        ("https://lh3.googleusercontent.com/p/A", "https://lh3.googleusercontent.com/p/A=s640"),
        ("https://lh3.googleusercontent.com/p/A=s0", "https://lh3.googleusercontent.com/p/A=s640"),
        (f"{GOOD}?a=b", "https://lh5.googleusercontent.com/p/A=s640-k-no?a=b"),
        (
            "https://lh3.googleusercontent.com/-x/A/s64-c/photo.jpg",
            "https://lh3.googleusercontent.com/-x/A/s64-c/photo.jpg",
        ),
        (
            "https://images-na.ssl-images-amazon.com/images/I/71-a+b._SL256_.jpg",
            "https://images-na.ssl-images-amazon.com/images/I/71-a+b._SL640_.jpg",
        ),
        (
            "https://images-na.ssl-images-amazon.com/images/I/71eG._SY88.jpg",
            "https://images-na.ssl-images-amazon.com/images/I/71eG._SL640_.jpg",
        ),
        (
            "https://m.media-amazon.com/images/I/71a.jpg",
            "https://m.media-amazon.com/images/I/71a.jpg",
        ),
        ("https://example.org/A=w150", "https://example.org/A=w150"),
    ],
)
def test_sizes(url: str, becomes: str) -> None:
    assert str(sized(httpx2.URL(url), 640)) == becomes
    assert str(sized(httpx2.URL(url), 0)) == url


def test_a_proxy_may_be_anywhere(
    site: Site, listed: Callable[[Rows], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the reader's own, and asks for hosts that only it can find."""
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv("HTTP_PROXY", site.origin)
    folder = listed([("p1", "p1.jpg", "http://a.example.org/p1")])
    options = DownloadOptions(hosts=("http://*.example.org",))
    assert download_photos(folder, options=options, progress=False).there == 1
    assert set(site.asked) == {"http://a.example.org/p1"}
