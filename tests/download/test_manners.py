"""When a host is asked again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from recbole_showcase.download import manners
from recbole_showcase.download.manners import Host, pause, retry_after
from tests.download.server import Site
from tests.download.test_download import Fetch


def test_a_host_rests_as_long_as_it_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """All its photos wait, also those that have had no answer."""
    now, slept = [100.0], []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(manners.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(manners.asyncio, "sleep", sleep)

    async def ask(host: Host) -> float:
        async with host.turn():
            return now[0]

    host, other = Host("h", 2), Host("o", 2)
    assert asyncio.run(ask(host)) == 100
    host.rest(30)
    host.rest(5)
    assert asyncio.run(ask(other)) == 100
    assert 130 <= asyncio.run(ask(host)) < 131 and len(slept) == 1
    host.rest(601)
    assert host.given_up == "host given up: h asks to wait 601 s"


def test_photos_that_come_do_not_let_a_host_be_given_up() -> None:
    host = Host("h", 1)
    for well in ([False] * 99 + [True]) * 3:
        host.answered(well)
    assert not host.given_up
    for _ in range(100):
        host.answered(False)
    assert host.given_up == "host given up: the last 100 photos of h failed"


def test_pauses_grow_and_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manners, "_FIRST_PAUSE", 1.0)
    for tries, most in ((1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (99, 60)):
        found = [pause(tries) for _ in range(200)]
        assert 0 <= min(found) < most / 10 and most * 0.9 < max(found) <= most


def test_how_long_an_answer_asks_to_wait() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 80 < (retry_after({"retry-after": later}) or 0) <= 90
    assert retry_after({"retry-after": " 7 "}) == 7
    for told in ("", "-1", "1.5", "\u0664", "9" * 400 + "x", "Fri, 99 Zzz 2026 00:00:00 GMT"):
        assert retry_after({"retry-after": told}) is None


def test_in_a_notebook(fetch: Fetch, site: Site) -> None:
    """Where a loop is running already."""

    async def cell() -> int:
        return fetch("p1", "p2").there

    assert asyncio.run(cell()) == 2
