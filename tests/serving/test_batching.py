"""Requests that come together: batches, deadlines, a full queue, faults, and the end."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from recbole_showcase.data.corpus import TRAIN
from recbole_showcase.encoders import embed_dataset
from recbole_showcase.errors import FeatureStoreError
from recbole_showcase.serving import Served, ServeOptions, batcher
from recbole_showcase.serving.batcher import Batcher
from recbole_showcase.serving.jobs import Explain, Recommend
from recbole_showcase.serving.metrics import Metrics
from recbole_showcase.serving.refusals import Full, NotFound
from recbole_showcase.serving.writing import Pace
from recbole_showcase.text.sentences import split_sentences
from tests.tiny import TinyWorld

PAIRS = [(f"u{n % 12}", f"i{n % 7}") for n in range(40)]


def asked(*pairs: tuple[str, str], **more: Any) -> dict[str, Any]:
    return {"pairs": [{"user": user, "item": item} for user, item in pairs], **more}


class Gate:
    """Stands before the writing of texts, and lets it through when it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.open, self.reached = threading.Event(), threading.Event()
        self.order: list[tuple[str, int]] = []
        write, choose = batcher.write, batcher.choose

        def slow(served: Served, parts: Sequence[Any], **how: Any) -> Any:
            self.reached.set()
            assert self.open.wait(20)
            self.order.append(("write", len(parts)))
            return write(served, parts, **how)

        def noted(served: Served, jobs: Sequence[Any], **how: Any) -> Any:
            self.order.append(("choose", len(jobs)))
            return choose(served, jobs, **how)

        monkeypatch.setattr(batcher, "write", slow)
        monkeypatch.setattr(batcher, "choose", noted)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    found = Gate(monkeypatch)
    yield found
    found.open.set()


def test_who_comes_together_is_answered_together(
    serving: Callable[..., TestClient], served: Served
) -> None:
    client = serving(max_wait=0.2, max_batch=16)
    known = served.recommender.explain(*map(list, zip(*PAIRS, strict=True)))
    with ThreadPoolExecutor(len(PAIRS)) as pool:
        answers = list(pool.map(lambda p: client.post("/v1/explain", json=asked(p)), PAIRS))
    for answer, shown in zip(answers, known, strict=True):
        (found,) = answer.json()["showcases"]
        assert (found["user"], found["item"], found["text"]) == (shown.user, shown.item, shown.text)
        assert [photo["id"] for photo in found["photos"]] == [photo.id for photo in shown.photos]
    metrics = client.get("/metrics").text
    (batches,) = (
        float(line.split()[-1])
        for line in metrics.splitlines()
        if line.startswith('showcase_batch_pairs_count{stage="photos"}')
    )
    assert len(PAIRS) / 16 <= batches < len(PAIRS) / 4


def test_a_late_text_leaves_the_photos(client: TestClient, gate: Gate) -> None:
    answer = client.post("/v1/explain", json=asked(("u1", "i3"), ("no", "i3"), deadline_ms=50))
    first, unknown = answer.json()["showcases"]
    assert (first["text"], first["late"]) == (None, True)
    assert len(first["photos"]) == 3
    assert unknown["error"] and not unknown["late"]
    assert 'showcase_late_total{with="photos alone"} 1.0' in client.get("/metrics").text


def test_the_deadline_of_the_service(serving: Callable[..., TestClient], gate: Gate) -> None:
    page = serving(deadline=0.05).get("/", params={"user": "u1", "k": 2})
    assert page.text.count("The text is late.") == 2
    client = serving(deadline=0.05)  # the other one is at its text still
    (shown,) = client.post("/v1/profile", json={"reviews": ["soup"], "k": 1}).json()["showcases"]
    assert shown["late"] and shown["photos"]


@pytest.fixture(scope="module")
def quoting(checkpoint: Path, world: TinyWorld, tmp_path_factory: pytest.TempPathFactory) -> Served:
    """The model where sentences have features, so that there is something to quote."""
    data = tmp_path_factory.mktemp("sentences")
    folder = Path(shutil.copytree(world.folder, data / world.name))
    embed_dataset(folder, sentences=True, progress=False)
    return Served.load(checkpoint, data_path=data)


def test_a_late_text_is_replaced_by_a_quote(
    serving: Callable[..., TestClient], quoting: Served, gate: Gate
) -> None:
    """Others wrote it of the item in training, and the evidence says who."""
    client = serving(quoting)
    answer = client.post("/v1/explain", json=asked(*PAIRS[:12], deadline_ms=50))
    corpus = quoting.recommender.model.showcase.data.corpus
    inter = corpus.interactions
    row_of = {review: row for row, review in enumerate(inter.reviews) if review}
    quotes = [shown for shown in answer.json()["showcases"] if shown["text"] is not None]
    assert len(quotes) > 3 and all(shown["late"] and shown["photos"] for shown in quotes)
    for shown in quotes:
        rows = np.array([row_of[review] for review in shown["evidence"]])
        assert len(rows) and (inter.splits[rows] == TRAIN).all()
        assert (corpus.item_tokens[inter.items[rows]] == shown["item"]).all()
        assert (corpus.user_tokens[inter.users[rows]] != shown["user"]).all()
        words = " ".join(corpus.texts[rows])
        assert all(sentence in words for sentence in split_sentences([shown["text"]])[0])
    counted = f'showcase_late_total{{with="quote"}} {float(len(quotes))}'
    assert counted in client.get("/metrics").text
    page = serving(quoting, deadline=0.05).get("/", params={"user": "u1", "k": 5}).text
    typed = serving(quoting, deadline=0.05).post("/page/profile", json={"reviews": ["soup"]}).text
    assert "The text is late; others wrote this." in page and "Rests on" in page
    assert "The text is late; others wrote this." in typed and "Rests on" in typed


def test_a_quote_that_cannot_be_had_costs_no_answer(
    serving: Callable[..., TestClient],
    quoting: Served,
    gate: Gate,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def changed(*_: Any, **__: Any) -> None:
        raise FeatureStoreError("its sentences are not those of the reviews")

    monkeypatch.setattr(quoting.quoting, "explain", changed)
    answer = serving(quoting).post("/v1/explain", json=asked(*PAIRS[:2], deadline_ms=50))
    assert answer.status_code == 200
    found = answer.json()["showcases"]
    assert all(shown["late"] and shown["photos"] and shown["text"] is None for shown in found)


def test_photos_wait_for_few_texts_where_these_are_slow(
    serving: Callable[..., TestClient], served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text takes 20 ms and the deadline is 400: five are written at once, a quarter of it."""
    order: list[tuple[str, int]] = []
    first, asking = threading.Event(), threading.Event()
    write, choose = batcher.write, batcher.choose

    def slow(served: Served, parts: Sequence[Any], **how: Any) -> Any:
        size = sum(len(part.pairs) for part in parts)
        time.sleep(0.02 * size)
        order.append(("write", size))
        first.set()
        assert asking.wait(20)
        return write(served, parts, **how)

    def noted(served: Served, jobs: Sequence[Any], **how: Any) -> Any:
        order.append(("choose", len(jobs)))
        return choose(served, jobs, **how)

    monkeypatch.setattr(batcher, "write", slow)
    monkeypatch.setattr(batcher, "choose", noted)
    client = serving(deadline=0.4, max_batch=32)
    known = served.recommender.explain(*map(list, zip(*PAIRS[:16], strict=True)))
    with ThreadPoolExecutor(2) as pool:
        many = pool.submit(client.post, "/v1/explain", json=asked(*PAIRS[:16], deadline_ms=60_000))
        assert first.wait(20)
        one = pool.submit(client.post, "/v1/recommend", json={"user": "u1", "explain": False})
        service = client.service  # type: ignore[attr-defined]
        until(lambda: len(service.batcher._new) == 1)
        asking.set()
        assert one.result().status_code == 200
        found = many.result().json()["showcases"]
    assert [shown["text"] for shown in found] == [shown.text for shown in known]
    assert [shown["evidence"] for shown in found] == [list(shown.evidence) for shown in known]
    sizes = [size for what, size in order if what == "write"]
    assert sizes[0] == 1 and max(sizes) <= 5 and sum(sizes) == 16
    assert order[:3] == [("choose", 1), ("write", 1), ("choose", 1)], "between two batches"


def test_how_many_texts_are_written_at_once() -> None:
    one, other = object(), object()
    pace = Pace.of(deadline=4.0, largest=32)  # a second a batch
    assert pace.of_model(one) == 1, "nothing is known"  # type: ignore[arg-type]
    pace.took(1, 0.125)
    assert pace.of_model(one) == 8  # type: ignore[arg-type]
    pace.took(8, 0.5)
    assert pace.most == 16
    pace.took(2, 0.5)
    assert pace.most == 16, "two that took half a second say nothing against sixteen"
    pace.took(16, 0.01)
    assert pace.most == 32, "the most in any case"
    pace.took(32, 4.0)
    assert pace.most == 8
    pace.took(8, 40.0)
    assert pace.most == 1, "one in any case"
    pace.took(1, 0.1)
    assert pace.of_model(other) == 1, "of another model nothing is known"  # type: ignore[arg-type]


def test_photos_come_first_and_nobody_writes_for_those_who_have_gone(
    client: TestClient, gate: Gate
) -> None:
    """While the first texts are written, five come: they get photos before anything is written."""
    with ThreadPoolExecutor(6) as pool:
        first = pool.submit(client.post, "/v1/explain", json=asked(("u1", "i3")))
        assert gate.reached.wait(20)
        impatient = [
            pool.submit(client.post, "/v1/explain", json=asked(pair, deadline_ms=1))
            for pair in PAIRS[:3]
        ]
        patient = [pool.submit(client.post, "/v1/explain", json=asked(pair)) for pair in PAIRS[3:5]]
        service = client.service  # type: ignore[attr-defined]
        until(lambda: len(service.batcher._new) == 5)
        gate.open.set()
        late = [answer.result().json()["showcases"][0] for answer in impatient]
        written = [answer.result().json()["showcases"][0] for answer in (first, *patient)]
    assert all(shown["late"] and shown["photos"] for shown in late)
    assert all(isinstance(shown["text"], str) and not shown["late"] for shown in written)
    assert gate.order == [("choose", 1), ("write", 1), ("choose", 5), ("write", 2)]


def test_more_than_is_taken_on_is_refused(serving: Callable[..., TestClient], gate: Gate) -> None:
    client = serving(capacity=3)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.post, "/v1/explain", json=asked(*PAIRS[:2]))
        assert gate.reached.wait(20)
        refused = client.post("/v1/explain", json=asked(*PAIRS[:2]))
        gate.open.set()
        assert first.result().status_code == 200
    assert refused.status_code == 503 and refused.headers["retry-after"] == "1"
    assert refused.json() == {"error": "too much is asked for at once; ask again later"}
    assert 'showcase_rejected_total{reason="full"} 1.0' in client.get("/metrics").text
    more = client.post("/v1/explain", json=asked(*PAIRS[:9]))
    assert more.status_code == 200, "one that is larger alone is taken when nobody waits"


def test_one_that_fails_fails_alone(
    serving: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    choose = batcher.choose

    def brittle(served: Served, jobs: Sequence[Any], **how: Any) -> Any:
        if any(job.pairs[0][0] == "u3" for job in jobs):
            raise MemoryError("a secret of ours")
        return choose(served, jobs, **how)

    monkeypatch.setattr(batcher, "choose", brittle)
    client = serving(max_wait=0.2)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda p: client.post("/v1/explain", json=asked(p)), PAIRS[:6]))
    assert [answer.status_code for answer in answers] == [200, 200, 200, 500, 200, 200]
    assert answers[3].json() == {"error": "the service failed; its log says why"}
    assert 'status="500"} 1.0' in client.get("/metrics").text


def test_a_text_that_cannot_be_written_leaves_photos_and_a_quote(
    serving: Callable[..., TestClient],
    quoting: Served,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Those who were in the same batch get theirs; what the model said stands in the log alone."""
    write = batcher.write

    def brittle(served: Served, parts: Sequence[Any], **how: Any) -> Any:
        users = np.concatenate([part.pairs.users for part in parts])
        if (users == served.recommender.find("user", ["u3"])[0]).any():
            raise RuntimeError("a secret of ours")
        return write(served, parts, **how)

    monkeypatch.setattr(batcher, "write", brittle)
    client = serving(quoting, max_wait=0.2)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda p: client.post("/v1/explain", json=asked(p)), PAIRS[:6]))
    assert {answer.status_code for answer in answers} == {200}
    found = [answer.json()["showcases"][0] for answer in answers]
    assert [shown["failed"] for shown in found] == [user == "u3" for user, _ in PAIRS[:6]]
    assert not any(shown["late"] for shown in found) and all(shown["photos"] for shown in found)
    (failed,) = [shown for shown in found if shown["failed"]]
    counted = "quote" if failed["text"] else "photos alone"
    assert f'showcase_failed_total{{with="{counted}"}} 1.0' in client.get("/metrics").text
    assert "a secret of ours" in caplog.text
    assert all("secret" not in answer.text for answer in answers)
    page = client.get("/", params={"user": "u3", "k": 5}).text
    assert "The text could not be written; others wrote this." in page and "Rests on" in page


def test_what_was_accepted_is_answered_at_the_end(served: Served) -> None:
    async def end() -> list[Any]:
        found = Batcher(served, ServeOptions(max_wait=0.5), Metrics())
        work = asyncio.create_task(found.run())
        jobs = [Recommend("u1", 2), Explain((("u2", "i3", None),)), Recommend("nobody", 2)]
        answers = [asyncio.create_task(found.answer(job, 30.0)) for job in jobs]
        await asyncio.sleep(0)
        found.close()
        given = await asyncio.gather(*answers, return_exceptions=True)
        await asyncio.wait_for(work, 20)
        return given

    first, second, unknown = asyncio.run(end())
    assert len(first.written.texts) == 2 and len(second.written.texts) == 1
    assert isinstance(unknown, NotFound)


def test_a_request_that_was_cancelled_leaves_no_place_taken(served: Served) -> None:
    async def cancel() -> None:
        found = Batcher(served, ServeOptions(capacity=1, max_wait=0.0), Metrics())
        waiting = asyncio.create_task(found.answer(Recommend("u1", 1), 30.0))
        await asyncio.sleep(0)
        with pytest.raises(Full):
            await found.answer(Recommend("u1", 1), 30.0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        work = asyncio.create_task(found.run())
        assert (await found.answer(Recommend("u2", 1), 30.0)).written is not None
        found.close()
        await asyncio.wait_for(work, 20)

    asyncio.run(cancel())


def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)
