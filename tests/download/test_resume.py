"""A download that was ended anywhere goes on, and says so."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from recbole_showcase import cli
from recbole_showcase.atomic import IMAGE, write_atomic
from recbole_showcase.download import Account, DownloadOptions, Kind, download_photos
from recbole_showcase.errors import DataError
from tests.download.conftest import Rows
from tests.download.server import Handler, Site, jpeg

_DOWNLOADS = """
import sys
from recbole_showcase.download import DownloadOptions, download_photos
options = DownloadOptions(hosts=(sys.argv[2],), at_once=4)
download_photos(sys.argv[1], options=options, progress=False)
"""


@pytest.fixture
def typed(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, list[str], str]]:
    """Status, lines and errors of ``recbole-showcase photos``."""

    def run(folder: Path, *words: str) -> tuple[int, list[str], str]:
        line = ["x", "photos", str(folder), "--host", site.origin, *words]
        monkeypatch.setattr(sys, "argv", line)
        status = 0
        try:
            cli.main()
        except SystemExit as end:
            status = int(end.code or 0)
        out, err = capsys.readouterr()
        return status, out.splitlines(), err

    return run


def rows_of(site: Site, count: int) -> Rows:
    return [(f"p{n}", f"{n % 7}/p{n}.jpg", f"{site.origin}/p{n}") for n in range(count)]


def test_killed(site: Site, listed: Callable[[Rows], Path]) -> None:
    """No photo is half, none is asked for twice that was there, and what was gone is remembered."""
    folder = listed(rows_of(site, 60))
    site.answers = {"/p0": lambda h: h.status(404), "/p30": lambda h: kill()}
    command = [sys.executable, "-W", "ignore", "-c", _DOWNLOADS, str(folder), site.origin]
    with subprocess.Popen(command) as program:
        kill = program.kill
        assert program.wait(60) == -signal.SIGKILL
    assert list((folder / "photos" / ".arriving").iterdir()) != []
    before = {path.name for path in (folder / "photos").rglob("*.jpg")}
    assert 20 < len(before) < 40
    with (folder / "photos.missing.jsonl").open("a") as file:
        file.write('{"image_id": "p9", "what": "go')  # what a kill may leave
    site.asked.clear()
    site.answers = {"/p0": site.answers["/p0"]}
    options = DownloadOptions(hosts=(site.origin,))
    account = download_photos(folder, options=options, progress=False)
    assert (account.there, account.counts[Kind.GONE]) == (59, 1)
    assert account.counts[Kind.THERE] == len(before)
    assert set(site.asked) == {f"/p{n}" for n in range(1, 60)} - {f"/{n[:-4]}" for n in before}
    for n in range(1, 60):
        assert (folder / "photos" / str(n % 7) / f"p{n}.jpg").read_bytes() == jpeg(n)
    assert not (folder / "photos" / ".arriving").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(
    site: Site, listed: Callable[[Rows], Path], typed: Any, number: signal.Signals
) -> None:
    folder = listed(rows_of(site, 40))

    def interrupt(h: Handler) -> None:
        os.kill(os.getpid(), number)
        h.drip(100, b"x", 0.05)

    site.answers = {"/p20": interrupt}
    handler = signal.getsignal(signal.SIGTERM)
    # A shell starts what is to run in the background with SIGINT ignored.
    asked = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        status, out, err = typed(folder, "--at-once", "2")
        assert (status, out) == (130, [])
        assert err == "interrupted; what is fetched is kept: the same command goes on\n"
        told = json.loads((folder / "photos.json").read_text())
        assert not told["complete"] and 10 < told["counts"]["fetched"] < 30
        assert not (folder / "photos" / ".arriving").exists()
        # One that gets to its place while the command ends is there, and not counted.
        there = len(list((folder / "photos").rglob("*.jpg")))
        assert 0 <= there - told["counts"]["fetched"] <= 2
        site.answers.clear()
        status, out, _ = typed(folder)
    finally:
        signal.signal(signal.SIGTERM, handler)
        signal.signal(signal.SIGINT, asked)
    assert status == 0
    assert out[0] == f"photos: {there} there before, {40 - there} fetched"
    assert out[-1] == f"next: recbole-showcase embed {folder} " + (
        "--encoder ViT-B-32 --weights laion2b_s34b_b79k"
    )


def test_what_is_said(site: Site, listed: Callable[[Rows], Path], typed: Any) -> None:
    site.answers = {
        "/p0": lambda h: h.status(404),
        "/p1": lambda h: h.photo(b"no"),
        "/p2": lambda h: h.status(500),
    }
    folder = listed([*rows_of(site, 3), ("p\x1b[2J", "p.jpg", "https://example.org/p")])
    status, out, _ = typed(folder, "--tries", "1")
    assert status == 1 and out[-1] == (
        "no photo is there: the same command asks for those that failed"
    )
    assert out[0] == "photos: 1 gone, 1 refused, 1 not an image, 1 failed"
    at = out.index("  refused: host not allowed (1)")
    assert out[at + 1].endswith("host not allowed: https://example.org")
    assert out[at + 2].startswith("    a host that you trust is allowed by --host")
    assert "\x1b" not in "".join(out)
    folder = listed(rows_of(site, 4))
    status, out, _ = typed(folder, "--tries", "1")
    assert status == 1 and out[-1].startswith("next: the same command asks for those that failed")
    assert any(line.startswith("1 of 4 photos are in ") for line in out)
    site.answers.clear()
    status, out, _ = typed(folder, "--again")
    assert (status, out[0]) == (0, "photos: 1 there before, 3 fetched")


def test_errors_before_anything_is_asked(
    site: Site, listed: Callable[[Rows], Path], typed: Any, tmp_path: Path
) -> None:
    folder = listed(rows_of(site, 2))
    assert "host '*.com' cannot be used" in typed(folder, "--host", "*.com")[2]
    with FileLock(folder / ".photos.lock"):
        status, _, err = typed(folder)
    assert (status, err) == (2, f"error: another download into {folder} is at work\n")
    (tmp_path / "elsewhere").mkdir()
    told = json.dumps({"photo_folder": str(tmp_path / "elsewhere")})
    (folder / "conversion.json").write_text(told)
    assert f"are in {tmp_path / 'elsewhere'}, as conversion.json says" in typed(folder)[2]
    assert typed(folder, "--photos", str(tmp_path / "elsewhere"))[0] == 0
    assert len(list((tmp_path / "elsewhere").rglob("*.jpg"))) == 2
    (folder / "conversion.json").unlink()
    row = {"image_id": "p", "item_id": "i", "review_id": "", "path": "p.jpg"}
    write_atomic(folder / "d.image", IMAGE, [row])
    assert "d.image has no column url, which says where its photos are" in typed(folder)[2]
    write_atomic(folder / "d.image", [*IMAGE.fields, type(IMAGE.fields[0])("url", "float")], [])
    assert "column url is of the type float" in typed(folder)[2]
    assert site.asked.total() == 2


def test_a_full_disk(fetch: Callable[..., Account], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("recbole_showcase.download.fetching.os.replace", full)
    with pytest.raises(OSError, match="No space left"):
        fetch("p1", "p2", "p3")


def test_without_the_client(
    site: Site, listed: Callable[[Rows], Path], typed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("recbole_showcase.download")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "httpx2", None)
    status, _, err = typed(listed(rows_of(site, 1)))
    assert status == 2 and "pip install 'recbole_showcase[photos]'" in err


@pytest.mark.parametrize(
    "wrong", [{"tries": 0}, {"at_once": 1.5}, {"pixels": -1}, {"pixels": 20_000}, {"timeout": 0.0}]
)
def test_options_out_of_range(wrong: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=next(iter(wrong))):
        DownloadOptions(**wrong)
