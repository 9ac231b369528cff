"""What stands before every route: host, key, the size of a body, and the headers of an answer."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from recbole_showcase.serving.hosts import answers_to
from recbole_showcase.serving.metrics import Metrics
from recbole_showcase.serving.options import (
    MAX_BODIES,
    MAX_BODY,
    MAX_BODY_WITH_PHOTOS,
    MAX_REQUESTS,
)

OPEN = ("/live", "/ready")  # probes show no key, and ask by any name
WITH_PHOTOS = ("/v1/profile", "/page/profile")
BODY_SECONDS = 30.0  # to send a body in
OTHER_HOST = (
    "this service has no key, so it answers to addresses, localhost and the names of --allow-host "
    "alone; the request's Host is another"
)

# The page's own script and styles, photos of ours and previews of dropped ones; style attributes
# are bars, whose lengths are numbers of ours.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
Scope = dict[str, Any]


class Guard:
    """An ASGI application around another one."""

    def __init__(
        self,
        app: Any,
        key: str | None,
        metrics: Metrics,
        version: Callable[[], dict[str, str]],
        seconds: float = BODY_SECONDS,
        hosts: frozenset[str] | None = None,
    ) -> None:
        """Guard an application.

        Args:
            app: The application.
            key: What requests have to show, if anything; only its digest is kept.
            metrics: What is counted.
            version: Headers that say which model and data answer now.
            seconds: To send a body in.
            hosts: Names, in lower case, that requests may ask by; None for any.
        """
        self._app, self._metrics, self._version = app, metrics, version
        self._key = None if key is None else _digest(key.encode())
        self._seconds, self._hosts = seconds, hosts
        self._held = 0  # bytes that large bodies take, or may
        self._under_way = 0  # requests

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Answer a request, or say why not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        started = False

        async def send_with_headers(message: dict[str, Any]) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._count(scope, message["status"])
                message["headers"] = self._with_headers(message.get("headers", []))
            await send(message)

        if not self._is_meant(scope):
            await self._refuse(send_with_headers, 421, "host", OTHER_HOST)
            return
        if not self._has_key(scope):
            await self._refuse(send_with_headers, 401, "key", "an API key is needed")
            return
        size = _large(scope)
        if not self._has_room(scope, size):
            busy = "too much is asked for at once; ask again later"
            await self._refuse(send_with_headers, 503, "full", busy)
            return
        self._held += size
        self._under_way += 1
        try:
            await self._pass_on(scope, receive, send_with_headers)
        except Exception:  # a fault of ours: the server logs it with its traceback
            if not started:
                failed = "the service failed; its log says why"
                await self._answer(send_with_headers, 500, failed)
            raise
        finally:
            self._held -= size
            self._under_way -= 1

    async def _pass_on(self, scope: Scope, receive: Any, send: Any) -> None:
        """Read the body, and have the application answer."""
        try:
            async with asyncio.timeout(self._seconds):
                body = await _body(receive, _declared(scope), _most(scope["path"]))
        except TimeoutError:
            await self._refuse(send, 408, "slow", "the body took too long to come")
            return
        if body is None:
            most = f"{_most(scope['path']):,} bytes are allowed"
            await self._refuse(send, 413, "size", f"the body is too large; {most}")
            return
        await self._app(scope, _once(body, receive), send)

    def _has_room(self, scope: Scope, size: int) -> bool:
        """Whether one more request can be taken on, with a body of so many bytes; probes always."""
        if self._under_way >= MAX_REQUESTS and scope["path"] not in OPEN:
            return False
        return not (self._held and size and self._held + size > MAX_BODIES)

    def _is_meant(self, scope: Scope) -> bool:
        if self._hosts is None or scope["path"] in OPEN:
            return True
        return answers_to(dict(scope["headers"]).get(b"host", b""), self._hosts)

    def _has_key(self, scope: Scope) -> bool:
        if self._key is None or scope["path"] in OPEN:
            return True
        shown = [_digest(key) for key in _keys(dict(scope["headers"]))]
        return any([hmac.compare_digest(self._key, key) for key in shown])

    async def _refuse(self, send: Any, status: int, reason: str, text: str) -> None:
        self._metrics.rejected.labels(reason).inc()
        await self._answer(send, status, text)

    async def _answer(self, send: Any, status: int, text: str) -> None:
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        if status == 401:
            # A browser asks its user by itself; any name will do, the key is the password.
            headers.append((b"www-authenticate", b'Basic realm="showcases", charset="UTF-8"'))
        if status == 503:
            headers.append((b"retry-after", b"1"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps({"error": text}).encode()})

    def _with_headers(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        there = {name.lower() for name, _ in headers}
        version = [(key.encode(), text.encode()) for key, text in self._version().items()]
        own = [*_HEADERS, *version]
        return [*headers, *((name, value) for name, value in own if name not in there)]

    def _count(self, scope: Scope, status: int) -> None:
        route = str(getattr(scope.get("route"), "path", "none"))  # the path may be anything
        self._metrics.requests.labels(route, str(status)).inc()


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


def _keys(headers: dict[bytes, bytes]) -> list[bytes]:
    """The keys that a request shows, in any of three ways."""
    found = [headers[b"x-api-key"]] if b"x-api-key" in headers else []
    kind, _, value = headers.get(b"authorization", b"").strip().partition(b" ")
    if kind.lower() == b"bearer":
        found.append(value.strip())
    if kind.lower() == b"basic":
        with contextlib.suppress(binascii.Error):
            found.append(base64.b64decode(value.strip(), validate=True).partition(b":")[2])
    return found


def _most(path: str) -> int:
    return MAX_BODY_WITH_PHOTOS if path in WITH_PHOTOS else MAX_BODY


def _declared(scope: Scope) -> int:
    length = dict(scope["headers"]).get(b"content-length", b"0")
    return int(length) if length.isdigit() else 0


def _large(scope: Scope) -> int:
    """How many bytes a body takes at most, if it may be a large one; else 0.

    Small ones are bounded by the number of connections. Who is asked to come again has not sent it.
    """
    most, declared = _most(scope["path"]), _declared(scope)
    if b"transfer-encoding" in dict(scope["headers"]):  # its length is not told
        declared = most
    return declared if MAX_BODY < declared <= most else 0


async def _body(receive: Any, declared: int, most: int) -> bytes | None:
    """The body of a request; None if it is larger, of which no more is read."""
    if declared > most:
        return None
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > most:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _once(body: bytes, receive: Any) -> Any:
    """What the application receives: the body, then what else there is."""
    given = False

    async def receive_again() -> Any:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
