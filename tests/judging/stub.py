"""A server of chat completions that fails as real ones do, and pairs to ask it about."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from recbole_showcase.judging.asking import Answer, Question
from recbole_showcase.judging.pairs import Pair


def completion(text: str | None, usage: bool = True) -> dict[str, Any]:
    tokens = {"usage": {"prompt_tokens": 100, "completion_tokens": 5}} if usage else {}
    return {"choices": [{"message": {"role": "assistant", "content": text}}], **tokens}


def grade_of(body: dict[str, Any]) -> int:
    """What the stub thinks: depends on the explanation and on the seed, and is on the scale."""
    question = body["messages"][1]["content"]
    low, high = map(int, re.findall(r"whole numbers from (\d+) to (\d+)", question)[0])
    said = question.partition("The explanation to grade:")[2]
    return min(high, low + (len(said) + body["seed"]) % (high - low + 1))


@dataclass
class Stub:
    """A running server.

    Attributes:
        url: Where its API begins.
        reply: Answers the n-th request, from 0, with a status, headers and a body.
        bodies: All that was asked.
        keys: The headers ``Authorization`` that came.
        at_once: The most requests at a time.
    """

    url: str = ""
    reply: Callable[[dict[str, Any], int], tuple[int, dict[str, str], bytes] | None] | None = None
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    at_once: int = 0
    _now: int = 0
    _lock: Any = field(default_factory=threading.Lock)

    def answer(self, body: dict[str, Any], number: int) -> tuple[int, dict[str, str], bytes] | None:
        found = self.reply(body, number) if self.reply else None
        return found or (200, {}, json.dumps(completion(f'{{"score": {grade_of(body)}}}')).encode())


@contextmanager
def serving() -> Iterator[Stub]:
    stub = Stub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with stub._lock:
                number = len(stub.bodies)
                stub.bodies.append(body)
                stub.keys.append(self.headers["Authorization"])
                stub._now += 1
                stub.at_once = max(stub.at_once, stub._now)
            time.sleep(0.002)
            found = stub.answer(body, number)
            with stub._lock:
                stub._now -= 1
            status, headers, content = found or (0, {}, b"")
            if status == 0:  # cut off
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(content)
            except OSError:  # who asked has heard enough
                self.close_connection = True

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    stub.url = f"http://127.0.0.1:{server.server_port}/v1"
    yield stub
    server.shutdown()
    server.server_close()
    thread.join()


def some_pairs(n: int = 6, word: str = "soup") -> list[Pair]:
    """Pairs of n users, each with all that criteria read."""
    return [
        Pair(
            user=f"u{k}",
            item=f"i{k % 5}",
            text=f"The {word} was {'very ' * (k % 5)}good.",
            item_name=f"Place {k % 5}",
            reference=f"I loved the soup {k}.",
            evidence=("Their soup is good.", "Small place."),
            history=("I like soup.",),
        )
        for k in range(n)
    ]


class Fixed:
    """A judge whose answers are given."""

    samples = 2

    def __init__(self, texts: Callable[[Question], str]) -> None:
        self._texts, self.asked = texts, 0

    def identity(self) -> dict[str, Any]:
        return {"kind": "fixed"}

    def answer(
        self, questions: Iterator[Question], keep: Callable[[Question, Answer], None]
    ) -> None:
        for question in questions:
            self.asked += 1
            keep(question, Answer(self._texts(question)))
