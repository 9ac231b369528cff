"""What the JSON routes answer, against the recommender asked directly."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families

from recbole_showcase.data.pairs import Pairs
from recbole_showcase.offline.answers import Answers
from recbole_showcase.serving import Served
from recbole_showcase.serving.metrics import Metrics
from recbole_showcase.showcase import Showcase
from tests.photographed import painted, past_of
from tests.tiny import TinyWorld


def said(shown: Showcase) -> dict[str, Any]:
    """What of a showcase goes over the wire, the floats rounded."""
    return {
        "user": shown.user,
        "item": shown.item,
        "name": shown.item_name,
        "category": shown.category,
        "rank": shown.rank,
        "score": None if shown.score is None else pytest.approx(shown.score, rel=1e-5),
        "photos": [
            {
                "id": photo.id,
                "url": f"/v1/photo?id={photo.id}",
                "relevance": pytest.approx(photo.relevance, rel=1e-4),
            }
            for photo in shown.photos
        ],
        "text": shown.text,
        "evidence": list(shown.evidence),
        "newcomer": shown.newcomer,
        "late": False,
        "failed": False,
        "error": None,
    }


def test_recommendations_are_the_recommenders(client: TestClient, served: Served) -> None:
    answer = client.post("/v1/recommend", json={"user": "u5", "k": 3})
    assert answer.status_code == 200
    known = served.recommender.recommend(["u5"], 3)[0]
    assert answer.json()["showcases"] == [said(shown) for shown in known]
    assert all(shown.evidence for shown in known)  # the past that the texts were written from
    assert "Rests on" in client.get("/", params={"user": "u5", "k": 3}).text
    bare = client.post("/v1/recommend", json={"user": "u5", "k": 3, "explain": False}).json()
    assert [shown["item"] for shown in bare["showcases"]] == [shown.item for shown in known]
    assert all(not s["photos"] and s["text"] is None and not s["late"] for s in bare["showcases"])


def test_pairs_are_explained_and_unknown_ones_say_so(client: TestClient, served: Served) -> None:
    pairs = [("u1", "i3"), ("nobody", "i3"), ("u2", "nowhere"), ("u2", "i4")]
    asked = {"pairs": [{"user": user, "item": item} for user, item in pairs]}
    found = client.post("/v1/explain", json=asked).json()["showcases"]
    known = served.recommender.explain(["u1", "u2"], ["i3", "i4"])
    assert [found[0], found[3]] == [said(shown) for shown in known]
    assert [shown["error"] for shown in found[1:3]] == [
        "user 'nobody' is not in the data set",
        "item 'nowhere' is not in the data set",
    ]
    assert found[1]["photos"] == [] and found[1]["text"] is None


@pytest.mark.parametrize(
    ("path", "asked", "error"),
    [
        ("recommend", {"user": "nobody"}, "user 'nobody' is not in the data set"),
        (
            "explain",
            {"pairs": [{"user": "u1", "item": "x\ny"}]},
            "item 'x y' is not in the data set",
        ),
        ("profile", {"items": [{"item": "no"}]}, "item 'no' is not in the data set"),
        (
            "explain",
            {"pairs": [{"user": "u1", "item": "i3", "photos": ["no"]}]},
            "item 'i3' has no photo 'no'",
        ),
    ],
)
def test_who_is_not_there_is_a_404(
    client: TestClient, path: str, asked: dict[str, Any], error: str
) -> None:
    answer = client.post(f"/v1/{path}", json=asked)
    assert (answer.status_code, answer.json()) == (404, {"error": error})


def test_the_text_follows_given_photos(client: TestClient, served: Served) -> None:
    model = served.recommender.model
    item = served.item("i3")
    photos = served.photos_of(item)[::-1][:2]
    tokens = served.photo_tokens(photos)
    pair = {"user": "u1", "item": "i3", "photos": tokens}
    other = {"user": "u2", "item": "i3"}
    (elsewhere,) = served.photo_tokens(served.photos_of(served.item("i4"))[:1])
    asked = {"pairs": [pair, other, {**other, "photos": [elsewhere]}]}
    found = client.post("/v1/explain", json=asked).json()["showcases"]
    pairs = Pairs.of_ids(np.array([served.user("u1")]), np.array([item]))
    assert found[0]["text"] == model.explain(pairs, photos=photos[None]).texts[0]
    assert [photo["id"] for photo in found[0]["photos"]] == tokens
    assert [photo["relevance"] for photo in found[0]["photos"]] == [None, None]
    assert found[1] == said(served.recommender.explain(["u2"], ["i3"])[0])
    assert found[2]["error"] == f"item 'i3' has no photo '{elsewhere}'"


def test_somebody_who_is_in_no_file(client: TestClient, served: Served, world: TinyWorld) -> None:
    content = io.BytesIO()
    painted(2, 5).save(content, "PNG")
    asked = {
        "reviews": ["The salad was great.", " "],
        "photos": [base64.b64encode(content.getvalue()).decode()],
        "k": 3,
    }
    given = (["The salad was great."], [content.getvalue()])
    found = client.post("/v1/profile", json=asked).json()["showcases"]
    assert found == [said(s) for s in served.recommender.explain_profile(*given, top_k=3)]
    some = {**asked, "items": [{"item": "i3"}, {"item": "no"}, {"item": "i5"}]}
    found = client.post("/v1/profile", json=some).json()["showcases"]
    known = served.recommender.explain_profile(*given, items=["i3", "i5"])
    assert [found[0], found[2]] == [said(shown) for shown in known]
    assert found[1]["error"] == "item 'no' is not in the data set"
    photo = served.photo_tokens(served.photos_of(served.item("i3")))[-1]
    swapped = {**asked, "items": [{"item": "i3", "photos": [photo]}]}
    (found,) = client.post("/v1/profile", json=swapped).json()["showcases"]
    assert [p["id"] for p in found["photos"]] == [photo] and found["text"] is not None


def test_without_the_encoder_only_profiles_are_refused(
    client: TestClient, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served, "takes_profiles", False)
    answer = client.post("/v1/profile", json={"reviews": ["soup"]})
    assert answer.status_code == 501 and "encoder" in answer.json()["error"]
    assert client.post("/v1/recommend", json={"user": "u1"}).status_code == 200
    assert "no encoder" in client.get("/").text


def test_users_and_items_are_looked_up_in_pages(client: TestClient, world: TinyWorld) -> None:
    def ids(path: str, **params: Any) -> tuple[int, list[str]]:
        found = client.get(path, params=params).json()
        listed = found.get("users") or [item["id"] for item in found.get("items", [])]
        return found["total"], listed

    total, first = ids("/v1/users", limit=5)
    _, second = ids("/v1/users", limit=5, offset=5)
    _, last = ids("/v1/users", limit=5, offset=10)
    assert total == 12 and sorted([*first, *second, *last]) == sorted(f"u{n}" for n in range(12))
    total, some = ids("/v1/users", search="U1")
    assert (total, set(some)) == (3, {"u1", "u10", "u11"})
    assert ids("/v1/items", search="place 3") == (1, ["i3"])
    assert ids("/v1/items", search="nothing like it") == (0, [])
    assert ids("/v1/users", offset=99) == (12, [])
    user = client.get("/v1/user", params={"id": "u1", "limit": 2}).json()
    past = past_of(world, "u1")
    assert [r["id"] for r in user["reviews"]] == [
        review for review in past["review_id"] if review in {r["id"] for r in user["reviews"]}
    ]
    assert user["total"] > 2 == len(user["reviews"])
    item = client.get("/v1/item", params={"id": "i3", "limit": 100}).json()
    assert item["item"] == {"id": "i3", "name": "Place 3", "category": "food"}
    posted = {photo for photo in world.topic_of_photo if photo.endswith("-3")}
    assert {photo["id"] for photo in item["photos"]} == posted and item["total"] == len(posted)
    for path in ("/v1/user", "/v1/item"):
        assert client.get(path, params={"id": "no"}).status_code == 404


def test_a_photo_is_encoded_anew(client: TestClient, served: Served, world: TinyWorld) -> None:
    token = next(iter(world.topic_of_photo))
    file = world.folder / "photos" / f"{token}.jpg"
    own = file.read_bytes()
    large, exif = Image.new("RGB", (900, 300), "teal"), Image.Exif()
    exif[0x010E] = "a secret place"
    try:
        large.save(file, exif=exif)
        answer = client.get("/v1/photo", params={"id": token, "side": 256})
    finally:
        file.write_bytes(own)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert Image.open(io.BytesIO(answer.content)).size == (256, 85)
    assert b"secret" not in answer.content
    served.jpeg.cache_clear()


def test_every_answer_says_which_model_and_data(client: TestClient, served: Served) -> None:
    by = Answers(served.recommender, 5, served.digest).facts(False).settings
    model, data = by["model"], by["data_fingerprint"]
    for answer in (
        client.post("/v1/recommend", json={"user": "u1", "k": 1}),
        client.get("/v1/users"),
        client.get("/ready"),
    ):
        assert (answer.json()["model"], answer.json()["data"]) == (model, data)
    for path in ("/", "/nothing", "/v1/photo?id=no", "/metrics", "/v1/item?id=no"):
        headers = client.get(path).headers
        assert (headers["x-showcase-model"], headers["x-showcase-data"]) == (model, data)


def test_probes_and_metrics(serving: Callable[..., TestClient]) -> None:
    client = serving()
    assert client.get("/live").json() == {"status": "live"}
    assert client.get("/ready").json()["status"] == "ready"
    shown = client.post("/v1/recommend", json={"user": "u1", "k": 3}).json()["showcases"]
    assert len(shown) == 3
    client.post("/v1/recommend", json={"user": "no"})
    lines = client.get("/metrics").text.splitlines()
    for line in (
        'showcase_requests_total{route="/v1/recommend",status="200"} 1.0',
        'showcase_requests_total{route="/v1/recommend",status="404"} 1.0',
        'showcase_batch_pairs_sum{stage="text"} 3.0',
        'showcase_stage_seconds_count{stage="photos"} 2.0',
        "showcase_waiting_pairs 0.0",
        'showcase_rejected_total{reason="full"} 0.0',
    ):
        assert line in lines


def test_the_page_names_all_that_is_counted_from_zero_on() -> None:
    page = Path(__file__).parents[2].joinpath("docs", "serving.md").read_text(encoding="utf-8")
    table = page.partition("## Metrics")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(showcase_\w+)(?:{([\w,]+)})?` \| (.*) \|$", table, re.M)
    told = {name.removesuffix("_total"): (labels, what) for name, labels, what in rows}
    every = text_string_to_metric_families(Metrics().text().decode())
    counted = [family for family in every if not family.name.endswith("_created")]
    assert {family.name for family in counted} == set(told)
    for family in counted:
        labels, what = told[family.name]
        found = {value for sample in family.samples for value in sample.labels.values()}
        if family.type == "counter" and "," not in labels:
            assert found == set(re.findall("`([^`]+)`", what)), family.name


def test_a_service_whose_work_has_ended_is_neither_live_nor_ready(client: TestClient) -> None:
    service = client.service  # type: ignore[attr-defined]
    service._tasks[1].get_loop().call_soon_threadsafe(service._tasks[1].cancel)
    client.get("/v1/users")
    assert client.get("/live").status_code == 503
    assert client.get("/ready").status_code == 503


def test_the_schema_and_its_page_need_no_other_host(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    page = client.get("/docs").text
    for path in schema["paths"]:
        assert f"<code>{path}</code>" in page
    for name in schema["components"]["schemas"]:
        assert f'id="{name}"' in page
    assert "<script" not in page and "//" not in page.replace("<!DOCTYPE html>", "")
