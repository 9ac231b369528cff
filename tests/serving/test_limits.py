"""Requests that are too large, of another form, hostile, or without the key."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from recbole_showcase.errors import SettingsError
from recbole_showcase.serving import ServeOptions
from recbole_showcase.serving import guard as guarding
from recbole_showcase.serving.guard import Guard
from recbole_showcase.serving.metrics import Metrics
from recbole_showcase.serving.options import MAX_BODY, MAX_BODY_WITH_PHOTOS

KEY = "correct horse battery staple"
PAIR = {"user": "u1", "item": "i3"}
SCRIPT = "<script>alert(1)</script>"


@pytest.mark.parametrize(
    ("path", "asked", "place"),
    [
        ("recommend", {}, "body.user"),
        ("recommend", {"user": 7}, "body.user"),
        ("recommend", {"user": ""}, "body.user"),
        ("recommend", {"user": "u" * 257}, "body.user"),
        ("recommend", {"user": "u1", "k": "5"}, "body.k"),
        ("recommend", {"user": "u1", "k": True}, "body.k"),
        ("recommend", {"user": "u1", "k": 0}, "body.k"),
        ("recommend", {"user": "u1", "k": 65}, "body.k"),
        ("recommend", {"user": "u1", "explain": 1}, "body.explain"),
        ("recommend", {"user": "u1", "deadline_ms": 0}, "body.deadline_ms"),
        ("recommend", {"user": "u1", "deadline_ms": 1e9}, "body.deadline_ms"),
        ("recommend", {"user": "u1", "top_k": 5}, "body.top_k"),
        ("explain", {"pairs": []}, "body.pairs"),
        ("explain", {"pairs": [PAIR] * 65}, "body.pairs"),
        ("explain", {"pairs": [PAIR, {"user": "u1"}]}, "body.pairs.1.item"),
        ("explain", {"pairs": [{**PAIR, "photos": []}]}, "body.pairs.0.photos"),
        ("explain", {"pairs": [{**PAIR, "photos": ["p"] * 17}]}, "body.pairs.0.photos"),
        ("profile", {"reviews": ["a" * 4001]}, "body.reviews.0"),
        ("profile", {"reviews": ["a"] * 9}, "body.reviews"),
        ("profile", {"photos": ["YQ=="] * 5}, "body.photos"),
        ("profile", {"items": []}, "body.items"),
    ],
)
def test_another_form_is_named_by_its_place(
    client: TestClient, path: str, asked: dict[str, Any], place: str
) -> None:
    answer = client.post(f"/v1/{path}", json=asked)
    assert answer.status_code == 422
    assert answer.json()["error"].startswith(f"{place}: ")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b"[" * 100_000,
        b'{"user": "\\ud800"}',
        b'{"user": "u1", "k": NaN}',
        b'{"user": "u1", "k": ' + b"9" * 10_000 + b"}",
        b'{"user": "\xff"}',
        b'"user"',
        f'{{"user": 1, "{SCRIPT}": 1}}'.encode(),
        f'{{"user": "u1", "{"k" * 5000}": 1}}'.encode(),
    ],
)
def test_bodies_that_are_no_request(client: TestClient, body: bytes) -> None:
    answer = client.post(
        "/v1/recommend", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code in (400, 422)
    assert list(answer.json()) == ["error"] and len(answer.content) < 1000
    assert answer.headers["content-type"] == "application/json"


def test_what_was_given_is_not_sent_back(client: TestClient) -> None:
    answer = client.post("/v1/recommend", json={"user": "u1", "k": "a secret"})
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("path", "most"), [("recommend", MAX_BODY), ("profile", MAX_BODY_WITH_PHOTOS)]
)
def test_bodies_that_are_too_large(client: TestClient, path: str, most: int) -> None:
    def in_pieces() -> Iterator[bytes]:
        for _ in range(most // 65536 + 2):
            yield b" " * 65536

    for content in (b" " * (most + 1), in_pieces()):
        answer = client.post(f"/v1/{path}", content=content)
        assert answer.status_code == 413
        assert answer.json() == {"error": f"the body is too large; {most:,} bytes are allowed"}
    assert 'rejected_total{reason="size"} 2.0' in client.get("/metrics").text


def test_a_body_that_does_not_come() -> None:
    """Somebody announces a body, sends a part of it, and then nothing."""
    sent: list[dict[str, Any]] = []
    parts = [{"type": "http.request", "body": b"{", "more_body": True}]

    async def receive() -> dict[str, Any]:
        if not parts:
            await asyncio.sleep(60)
        return parts.pop()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def app(*_: Any) -> None:
        raise AssertionError("the application is not reached")

    guard = Guard(app, None, Metrics(), dict, seconds=0.05)
    scope = {"type": "http", "path": "/v1/recommend", "headers": []}
    asyncio.run(guard(scope, receive, send))
    assert sent[0]["status"] == 408
    assert json.loads(sent[1]["body"]) == {"error": "the body took too long to come"}


def test_large_bodies_have_room_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is taken on, a second finds no room, small ones do, and after it there is room."""
    monkeypatch.setattr(guarding, "MAX_BODIES", MAX_BODY + 100)

    async def ask() -> list[int]:
        let_go = asyncio.Event()
        statuses: list[int] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await let_go.wait()
            await send({"type": "http.response.start", "status": 200})

        async def send(message: dict[str, Any]) -> None:
            statuses.append(message.get("status", 0))

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"{}"}

        def asked(headers: dict[bytes, bytes]) -> Any:
            scope = {"type": "http", "path": "/v1/profile", "headers": [*headers.items()]}
            return guard(scope, receive, send)

        guard = Guard(app, None, Metrics(), dict)
        large = {b"content-length": str(MAX_BODY + 1).encode()}
        first = asyncio.create_task(asked(large))
        small = asyncio.create_task(asked({b"content-length": b"2"}))
        await asyncio.sleep(0)
        for headers in (large, {b"transfer-encoding": b"chunked"}):
            await asked(headers)
        let_go.set()
        await asyncio.gather(first, small)
        await asked(large)
        return [status for status in statuses if status]

    assert asyncio.run(ask()) == [503, 503, 200, 200, 200]


def test_so_many_requests_are_under_way_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is refused is counted, says which model refuses it, and leaves probes their answer."""
    monkeypatch.setattr(guarding, "MAX_REQUESTS", 2)
    metrics = Metrics()

    async def ask() -> list[tuple[int, dict[bytes, bytes]]]:
        let_go = asyncio.Event()
        sent: list[tuple[int, dict[bytes, bytes]]] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] != "/live":
                await let_go.wait()
            await send({"type": "http.response.start", "status": 200})

        async def send(message: dict[str, Any]) -> None:
            if "status" in message:
                sent.append((message["status"], dict(message["headers"])))

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b""}

        def asked(path: str) -> Any:
            return guard({"type": "http", "path": path, "headers": []}, receive, send)

        guard = Guard(app, None, metrics, lambda: {"x-showcase-model": "m"})
        first = [asyncio.create_task(asked("/v1/photo")) for _ in range(2)]
        await asyncio.sleep(0)
        await asked("/v1/photo")
        await asked("/live")
        let_go.set()
        await asyncio.gather(*first)
        await asked("/v1/photo")
        return sent

    sent = asyncio.run(ask())
    assert [status for status, _ in sent] == [503, 200, 200, 200, 200]
    assert sent[0][1][b"retry-after"] == b"1" and sent[0][1][b"x-showcase-model"] == b"m"
    assert b'showcase_requests_total{route="none",status="503"} 1.0' in metrics.text()
    assert b'showcase_rejected_total{reason="full"} 1.0' in metrics.text()


@pytest.mark.parametrize(
    "photo",
    [
        "../../../../etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "/etc/passwd",
        "photos/../../served.inter",
        "..\\..\\x",
        "a\0b",
        "served.inter",
        "\ud7ff￾",
        "x" * 256,
        SCRIPT,
    ],
)
def test_an_id_is_no_path(client: TestClient, photo: str) -> None:
    answer = client.get("/v1/photo", params={"id": photo})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"


def test_a_path_of_the_data_stays_in_the_photo_folder(
    client: TestClient, served: Any, monkeypatch: pytest.MonkeyPatch, world: Any
) -> None:
    """Whoever wrote ``.image`` chooses paths; the folder keeps them inside."""
    token = served.photo_tokens(served.photos_of(1))[0]
    Image.new("RGB", (8, 8)).save(world.folder / "outside.jpg")
    photos = served.recommender.model.showcase.data.photos
    for path in ("../outside.jpg", str(world.folder / "outside.jpg"), "link.jpg"):
        (world.folder / "photos" / "link.jpg").unlink(missing_ok=True)
        (world.folder / "photos" / "link.jpg").symlink_to(world.folder / "outside.jpg")
        served.jpeg.cache_clear()
        monkeypatch.setattr(photos, "paths", [path] * len(photos.items))
        assert client.get("/v1/photo", params={"id": token}).status_code == 404
    monkeypatch.undo()
    served.jpeg.cache_clear()
    assert client.get("/v1/photo", params={"id": token}).status_code == 200


@pytest.mark.parametrize(
    "name", ["../page.py", "..%2fpage.py", "page.py", "%2e%2e/x", "gallery.css%00"]
)
def test_three_files_are_static_and_no_other(client: TestClient, name: str) -> None:
    assert client.get(f"/static/{name}").status_code == 404


def png(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


@pytest.mark.parametrize(
    ("photo", "said"),
    [
        (png(Image.new("1", (6000, 5000))), "huge"),
        (b"\xff\xd8\xff" + b"\xff\xda" * 10_000, "photos[0] cannot be used"),
        (b"GIF89a" + b"\xff" * 100, "photos[0] cannot be used"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no photo of a format"),
        (png(Image.effect_noise((64, 64), 90))[:2000], "photos[0] cannot be used"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no photo of a format"),
        (b"\0" * ((4 << 20) + 1), "4,194,304 are allowed"),
        ("no base64!", "photos[0] is no base64"),
        ("é" * 8, "photos[0] is no base64"),
        (png(Image.new("1", (20_000, 1))), "photos[0] cannot be used: too thin"),
    ],
)
def test_what_is_dropped_may_be_anything(client: TestClient, photo: Any, said: str) -> None:
    given = photo if isinstance(photo, str) else base64.b64encode(photo).decode()
    answer = client.post("/v1/profile", json={"photos": [given]})
    assert answer.status_code == 422 and said in answer.json()["error"]
    assert len(answer.content) < 500


def test_texts_reach_the_page_as_text(
    client: TestClient, served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names, categories, users and photo ids are anybody's; nothing of them becomes markup."""
    hostile = f'"><img src=x onerror=alert(1)>{SCRIPT}'
    recommender = served.recommender
    names = [hostile] * len(recommender.item_names)
    for told in ("item_names", "item_categories"):
        monkeypatch.setattr(recommender, told, names)
    told_hostile = replace(recommender._told, item_names=names, item_categories=names)
    monkeypatch.setattr(recommender, "_told", told_hostile)
    pages = [
        client.get("/", params={"user": hostile}),
        client.get("/", params={"user": "u1", "k": 2}),
        client.post("/page/profile", json={"reviews": [hostile], "k": 2}),
    ]
    assert [page.status_code for page in pages] == [404, 200, 200]
    for page in pages:
        assert "<img src=x" not in page.text and "<script>" not in page.text
        assert "&lt;script&gt;" in page.text
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "script-src 'self';" in policy


@pytest.fixture
def locked(serving: Callable[..., TestClient]) -> TestClient:
    return serving(api_key=KEY)


PATHS = ("/", "/v1/users", "/v1/photo?id=x", "/metrics", "/openapi.json", "/docs", "/nothing")


def test_nothing_but_probes_without_the_key(locked: TestClient) -> None:
    wrong = ({}, {"x-api-key": "x"}, {"authorization": "Bearer x"}, {"authorization": "Basic %"})
    for path in (*PATHS, "/static/page.js"):
        for headers in wrong:
            answer = locked.get(path, headers=headers)
            assert (answer.status_code, answer.json()) == (401, {"error": "an API key is needed"})
            assert answer.headers["www-authenticate"].startswith("Basic")
    assert locked.post("/v1/recommend", json={"user": "u1"}).status_code == 401
    assert locked.get("/live").status_code == locked.get("/ready").status_code == 200


def test_the_key_may_be_shown_in_three_ways(
    locked: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    basic = base64.b64encode(f"anybody:{KEY}".encode()).decode()
    caplog.set_level(logging.DEBUG)
    for headers in (
        {"x-api-key": KEY},
        {"authorization": f"Bearer {KEY}"},
        {"authorization": f"Basic {basic}"},
    ):
        assert locked.get("/v1/users", headers=headers).status_code == 200
    metrics = locked.get("/metrics", headers={"x-api-key": KEY}).text
    assert KEY not in caplog.text and basic not in caplog.text
    assert KEY not in metrics and KEY not in repr(ServeOptions(api_key=KEY))


STRANGE = (
    "evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example",
    "localhost@evil.example", "evillocalhost", "[evil.example]", "1", "", " ",
)  # fmt: skip


def test_without_a_key_no_page_of_another_site_reads_what_is_answered(client: TestClient) -> None:
    """Its name may lead to this machine, and is said all the same."""
    for path in (*PATHS, "/static/page.js"):
        for host in STRANGE:
            answer = client.get(path, headers={"host": host})
            assert answer.status_code == 421, (path, host)
            assert "--allow-host" in answer.json()["error"] and "evil" not in answer.text
    asked = {"user": "u1", "explain": False}
    for host, status in (("evil.example", 421), ("127.0.0.1:8000", 200), ("[::1]:8000", 200)):
        found = client.post("/v1/recommend", json=asked, headers={"host": host})
        assert found.status_code == status, found.text
    for path in ("/live", "/ready"):
        assert client.get(path, headers={"host": "evil.example"}).status_code == 200
    assert 'showcase_rejected_total{reason="host"}' in client.get("/metrics").text


def test_names_that_a_service_answers_to(serving: Callable[..., TestClient]) -> None:
    named = serving(hosts=("Showcases.example.org", "kitchen"))
    for host in ("showcases.EXAMPLE.org:443", "showcases.example.org.", "kitchen:8000", "10.0.0.7"):
        assert named.get("/v1/users", headers={"host": host}).status_code == 200, host
    assert named.get("/v1/users", headers={"host": "org"}).status_code == 421
    locked = serving(api_key=KEY)
    shown = {"host": "any.example", "x-api-key": KEY}
    assert locked.get("/v1/users", headers=shown).status_code == 200, "a page cannot show the key"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"hosts": ("https://a.example",)}, "host 'https://a.example' is no name"),
        ({"hosts": ("a.example", "b.example:8000")}, "host 'b.example:8000' is no name"),
        ({"hosts": ("*",)}, r"host '\*' is no name; allowed: one without scheme, port"),
        ({"hosts": ("",)}, "host '' is no name"),
        ({"api_key": "short"}, "5 characters"),
        ({"api_key": f"{KEY}\n"}, "blanks around it"),
        ({"api_key": f"{KEY}\udcff"}, "not printed"),
        ({"max_batch": 0}, "max_batch is 0"),
        ({"capacity": 1.5}, "capacity is 1.5"),
        ({"max_wait": -1.0}, "max_wait is -1.0"),
        ({"deadline": 0.0}, "deadline is 0.0"),
        ({"deadline": float("nan")}, "deadline is nan"),
        ({"watch": -1.0}, "watch is -1.0"),
    ],
)
def test_options_out_of_range(options: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        ServeOptions(**options)
