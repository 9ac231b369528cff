from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from recbole_showcase.atomic import LINKED_IMAGE, write_atomic
from recbole_showcase.download import Account, DownloadOptions, download_photos
from tests.download.server import Site

Rows = list[tuple[str, str, str]]


@pytest.fixture
def site() -> Iterator[Site]:
    """A host of photos, at an address of its own."""
    with Site() as site:
        thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield site
        site.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recbole_showcase.download.manners._FIRST_PAUSE", 0.01)
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def listed(tmp_path: Path) -> Callable[[Rows], Path]:
    """Write a data set of photos: their ids, paths and URLs."""

    def write(rows: Rows) -> Path:
        folder = tmp_path / "data" / "d"
        folder.mkdir(parents=True, exist_ok=True)
        table = [
            {"image_id": i, "item_id": "i", "review_id": "", "path": path, "url": url}
            for i, path, url in rows
        ]
        write_atomic(folder / "d.image", LINKED_IMAGE, table)
        return folder

    return write


@pytest.fixture
def fetch(site: Site, listed: Callable[[Rows], Path]) -> Callable[..., Account]:
    """Download photos by their names on the site, as ``<name>.jpg``."""

    def run(*names: str, **options: Any) -> Account:
        folder = listed([(n, f"{n}.jpg", f"{site.origin}/{n}") for n in names])
        hosts = (site.origin, *options.pop("hosts", ()))
        chosen = DownloadOptions(**{"tries": 3, "timeout": 5.0} | options, hosts=hosts)
        return download_photos(folder, options=chosen, progress=False)

    return run
