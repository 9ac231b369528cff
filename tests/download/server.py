"""A host of photos on this machine that answers as it is told, and remembers what it was asked."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

from tests.photographed import painted

Answer = Callable[["Handler"], None]


def jpeg(number: int) -> bytes:
    """A photo that no other number has."""
    file = BytesIO()
    painted(number % 4, number).save(file, "JPEG")
    return file.getvalue() + b"%d" % number


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or a body waits until its head is acknowledged
    server: Site

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.asked[self.path] += 1
            self.server.headers.append(dict(self.headers))
            self.server.now += 1
            self.server.most = max(self.server.most, self.server.now)
        try:
            answer = self.server.answers.get(self.path)
            if answer is None:
                self.photo()
            else:
                answer(self)
        finally:
            with self.server.lock:
                self.server.now -= 1

    @property
    def times(self) -> int:
        """How often this was asked for, this time included."""
        return self.server.asked[self.path]

    def photo(self, content: bytes | None = None, **headers: str) -> None:
        """Answer with a photo, that of the number in the path, or with other bytes."""
        if content is None:
            content = jpeg(int("".join(filter(str.isdigit, self.path)) or 0))
        self.status(200, content, **{"content_type": "image/jpeg"} | headers)

    def status(self, code: int, content: bytes = b"", **headers: str) -> None:
        """Answer with a status, headers and a body."""
        self.send_response(code)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in ({"content-length": str(len(content))} | named).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def drip(self, parts: int, each: bytes, pause: float) -> None:
        """Send a body in chunks, slowly, as long as somebody reads."""
        self.send_response(200)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        self.close_connection = True
        try:
            for _ in range(parts):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(each), each))
                self.wfile.flush()
                time.sleep(pause)
        except OSError:
            pass

    def log_message(self, *_: Any) -> None:
        pass


class Site(ThreadingHTTPServer):
    """The host.

    Attributes:
        answers: By path, what to do; others are answered with a photo.
        asked: How often each path was asked for.
        headers: Of each request.
        most: How many requests were in progress at once, at most.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Answer] = {}
        self.asked: Counter[str] = Counter()
        self.headers: list[dict[str, str]] = []
        self.now = self.most = 0
        self.lock = threading.Lock()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def handle_error(self, *_: Any) -> None:
        """Say nothing of connections that were left."""
