"""One photo from its host to its place: hops, tries, and what an answer means."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from http.cookiejar import CookieJar, DefaultCookiePolicy
from itertools import count
from pathlib import Path
from typing import Any

import httpx2

from recbole_showcase.download.account import Kind, Outcome
from recbole_showcase.download.hosts import AllowedHosts, is_public, port_of
from recbole_showcase.download.manners import Host, pause, retry_after
from recbole_showcase.download.options import DownloadOptions
from recbole_showcase.download.sizes import sized
from recbole_showcase.files.photos import PhotoError, read_photo
from recbole_showcase.resources import __version__

_HOPS = 5  # redirects that are followed
_CONNECTING = 10.0  # seconds
_LOOKED_AT = (224, 224)  # pixels, for reading a photo as an encoder does
_REST = (429, 503)  # a host that has too much to do
_LATER = (408, 425, *_REST)  # and 500 upwards
_HEADERS = {
    "user-agent": f"recbole_showcase/{__version__}",
    "accept": "image/jpeg, image/png, image/webp, image/*;q=0.5",
    "accept-encoding": "identity",  # photos are compressed, and what is not may be endless
}


class NotFetched(Exception):
    """A try has ended without a photo; FAILED may end otherwise next time."""

    def __init__(self, kind: Kind, why: str) -> None:
        super().__init__(why)
        self.outcome = Outcome(kind, why)


def make_client(options: DownloadOptions) -> httpx2.AsyncClient:
    """A client that keeps its connections, no cookies, and follows nothing by itself."""
    return httpx2.AsyncClient(
        headers=_HEADERS,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        follow_redirects=False,
        timeout=httpx2.Timeout(
            options.timeout, connect=min(_CONNECTING, options.timeout), pool=None
        ),
        limits=httpx2.Limits(
            max_connections=options.at_once, max_keepalive_connections=options.at_once
        ),
    )


class Fetcher:
    """Fetches photos, many at once, each with its own call of :meth:`fetch`."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        allowed: AllowedHosts,
        options: DownloadOptions,
        arriving: Path,
        pool: Executor,
    ) -> None:
        """Hold what all photos share.

        Args:
            client: Of :func:`make_client`.
            allowed: The hosts that may be asked.
            options: Sizes, tries and limits.
            arriving: Folder to write to, on the file system of the photo folder.
            pool: Threads that decode.
        """
        self._client = client
        self._allowed = allowed
        self._options = options
        self._arriving = arriving
        self._pool = pool
        self._hosts: dict[str, Host] = {}
        self._numbers = count()

    async def fetch(self, url: str, place: Path) -> Outcome:
        """Fetch a photo.

        Args:
            url: As ``.image`` has it.
            place: The file that it becomes.

        Raises:
            OSError: The disk is full or cannot be written.
        """
        try:
            parsed = sized(httpx2.URL(url), self._options.pixels)
            self._require_allowed(parsed)
            host = self._host(parsed)
        except (httpx2.InvalidURL, UnicodeError) as error:
            return Outcome(Kind.REFUSED, f"no URL: {error}"[:200])
        except NotFetched as refused:
            return refused.outcome
        outcome = Outcome(Kind.FAILED)
        for tries in range(1, self._options.tries + 1):
            if host.given_up:
                return Outcome(Kind.FAILED, host.given_up)
            outcome = await self._try(parsed, place)
            if outcome.kind is not Kind.FAILED:
                break
            if tries < self._options.tries:
                await asyncio.sleep(pause(tries))
        host.answered(well=outcome.kind is not Kind.FAILED)
        return outcome

    async def _try(self, url: httpx2.URL, place: Path) -> Outcome:
        """Ask once, wherever that leads."""
        arriving = self._arriving / str(next(self._numbers))
        try:
            for _ in range(_HOPS + 1):
                self._require_allowed(url)
                following = await self._ask(url, arriving)
                if following is None:
                    loop = asyncio.get_running_loop()
                    return await loop.run_in_executor(self._pool, self._keep, arriving, place)
                url = following
            return Outcome(Kind.REFUSED, f"redirected more than {_HOPS} times")
        except NotFetched as ended:
            return ended.outcome
        finally:
            arriving.unlink(missing_ok=True)

    async def _ask(self, url: httpx2.URL, arriving: Path) -> httpx2.URL | None:
        """Write the answer to a file; or return where it is said to be."""
        host = self._host(url)
        async with host.turn():
            try:
                async with (
                    asyncio.timeout(self._options.timeout),
                    self._client.stream("GET", url, extensions=self._watching(url)) as answer,
                ):
                    if answer.next_request is not None:
                        return answer.next_request.url
                    _judge(answer, host)
                    await self._take(answer, arriving)
                    return None
            except (TimeoutError, httpx2.TimeoutException) as error:
                why = f"no answer in time: {self._options.timeout:g} s"
                raise NotFetched(Kind.FAILED, why) from error
            except httpx2.TransportError as error:
                said = f"{type(error).__name__} {error}".rstrip()
                raise NotFetched(Kind.FAILED, f"connection: {said}"[:200]) from error
            except UnicodeError as error:  # a host whose name no resolver takes
                raise NotFetched(Kind.REFUSED, f"no URL: {error}"[:200]) from error

    async def _take(self, answer: httpx2.Response, arriving: Path) -> None:
        """Write the body of an answer to a file, as it comes and not too much of it."""
        most, size = self._options.max_bytes, 0
        announced = answer.headers.get("content-length", "")
        too_long = NotFetched(Kind.REFUSED, f"too many bytes: the limit is {most:,}")
        if announced.isdigit() and int(announced[:20]) > most:
            raise too_long
        with arriving.open("wb") as file:
            async for part in answer.aiter_raw():
                size += len(part)
                if size > most:
                    raise too_long
                file.write(part)

    def _keep(self, arriving: Path, place: Path) -> Outcome:
        """Put what has arrived in its place if it is a photo; done by a thread."""
        try:
            read_photo(arriving, _LOOKED_AT, self._options.pixel_limit)
        except PhotoError as error:
            why = str(error).replace(str(arriving), "the file")
            costly = why.startswith(("huge", "costly"))
            return Outcome(Kind.REFUSED if costly else Kind.NO_IMAGE, why)
        size = arriving.stat().st_size
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(arriving, place)
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            return Outcome(Kind.REFUSED, f"path not allowed: {error.strerror}: {place}")
        return Outcome(Kind.FETCHED, size=size)

    def _require_allowed(self, url: httpx2.URL) -> None:
        """Refuse a URL that may not be asked for.

        Raises:
            NotFetched: It may not.
        """
        if (why := self._allowed.refusal(url)) is not None:
            raise NotFetched(Kind.REFUSED, why)

    def _host(self, url: httpx2.URL) -> Host:
        name = f"{url.host}:{port_of(url)}"
        if name not in self._hosts:
            self._hosts[name] = Host(name, self._options.per_host)
        return self._hosts[name]

    def _watching(self, url: httpx2.URL) -> dict[str, Any]:
        """What has httpx tell where it connects to, before a byte is sent.

        The address that counts is the one that is connected to: a name may stand for another one
        each time that it is asked for. A connection to a proxy is not to the URL's host.
        """
        if self._allowed.anywhere(url):
            return {}
        asked = ""

        async def watch(event: str, info: dict[str, Any]) -> None:
            nonlocal asked
            if event == "connection.connect_tcp.started":
                asked = info["host"]
            elif event == "connection.connect_tcp.complete" and asked == url.raw_host.decode():
                await _require_public(info["return_value"], asked)

        watching: Callable[[str, dict[str, Any]], Awaitable[None]] = watch
        return {"trace": watching}


async def _require_public(stream: Any, host: str) -> None:
    """Close a connection to an address that is not public.

    Raises:
        NotFetched: It is one.
    """
    found = stream.get_extra_info("server_addr")
    address = str(found[0]) if found else ""
    if not is_public(address):
        await stream.aclose()
        raise NotFetched(Kind.REFUSED, f"address not allowed: {host} is at {address or 'none'}")


def _judge(answer: httpx2.Response, host: Host) -> None:
    """Say what an answer means that is no photo.

    Raises:
        NotFetched: It is none.
    """
    status = answer.status_code
    if status == 200:
        return
    if status in (404, 410):
        raise NotFetched(Kind.GONE, f"status {status}")
    if status in _LATER or status >= 500:
        wait = retry_after(answer.headers)
        if status in _REST:
            host.rest(pause(1) if wait is None else wait)
        raise NotFetched(Kind.FAILED, f"status {status}")
    raise NotFetched(Kind.REFUSED if status >= 400 else Kind.NO_IMAGE, f"status {status}")
