"""A checkpoint that changes is swapped in without a lost request; a broken one changes nothing."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from fastapi.testclient import TestClient

from recbole_showcase.encoders import embed_dataset
from recbole_showcase.errors import CheckpointError
from recbole_showcase.serving import Served, ServeOptions, Service, create_app
from recbole_showcase.serving import served as served_module
from recbole_showcase.serving.jobs import Explain
from tests.photographed import painted
from tests.tiny import TinyWorld


@pytest.fixture
def file(checkpoint: Path, tmp_path: Path) -> Path:
    """A checkpoint of its own."""
    return Path(shutil.copy(checkpoint, tmp_path / "model.pth"))


def write_another(file: Path) -> None:
    """Put a model of other weights in a checkpoint's place, as training does."""
    state = torch.load(file, weights_only=True)
    for name, weight in state["state_dict"].items():
        if name.endswith("item_embedding.weight"):
            state["state_dict"][name] = -weight
    torch.save(state, file.with_suffix(".new"))
    os.replace(file.with_suffix(".new"), file)


def counted(service: Service, outcome: str) -> float:
    return float(service.metrics.reloads.labels(outcome)._value.get())


def test_a_new_checkpoint_is_swapped_in_while_requests_are_answered(
    served: Served, file: Path
) -> None:
    """Requests come all the time; each is answered, by the old or by the new model."""
    service = Service(served, ServeOptions(watch=0.05), file, lambda: Served.load(file))
    job = Explain((("u1", "i3", None),))

    async def ask_on() -> list[Any]:
        answers, after = [], 0
        async with service.running():
            answers.append(await service.answer(job, None))
            await asyncio.to_thread(write_another, file)
            while after < 3:
                answers += await asyncio.gather(*(service.answer(job, 30_000) for _ in range(3)))
                after += service.batcher.served is not served
        return answers

    answers = asyncio.run(asyncio.wait_for(ask_on(), 60))
    assert all(answer.written and answer.missing is None for answer in answers)
    models = [answer.served.model for answer in answers]
    assert set(models) == {served.model, service.batcher.served.model}
    assert models == sorted(models, key=models.index), "first the old one, then the new one"
    assert service.batcher.served.digest == served_module.digest_of_file(file) != served.digest
    assert counted(service, "swapped") == 1.0
    text = service.metrics.text().decode()
    assert text.count("showcase_version{") == 1
    assert service.batcher.served.digest in text


@pytest.mark.parametrize("broken", ["", "no checkpoint", "half"])
def test_a_broken_checkpoint_changes_nothing(
    served: Served, file: Path, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def look() -> Service:
        service = Service(served, ServeOptions(), file, lambda: Served.load(file))
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2] if broken == "half" else broken.encode())
        await service.reloader.look()
        await service.reloader.look()  # one look is enough
        return service

    service = asyncio.run(look())
    assert service.batcher.served is served
    assert counted(service, "failed") == 1.0 and counted(service, "swapped") == 0.0
    (line,) = [r.getMessage() for r in caplog.records if "the old one stays" in r.getMessage()]
    assert str(file) in line and "\n" not in line


def test_what_is_the_same_is_not_loaded(served: Served, file: Path) -> None:
    def load() -> Served:
        raise AssertionError("it has not changed")

    async def look() -> None:
        service = Service(served, ServeOptions(), file, load)
        await service.reloader.look()
        assert counted(service, "unchanged") == 0.0
        os.utime(file)
        await service.reloader.look()
        assert counted(service, "unchanged") == 1.0
        file.unlink()  # as between a removal and the next training's save
        await service.reloader.look()
        assert counted(service, "failed") == 0.0

    asyncio.run(look())


def test_asked_for_it_is_loaded_although_it_is_the_same(served: Served, file: Path) -> None:
    """The data may have changed."""
    loaded = []

    def load() -> Served:
        loaded.append(served)
        return served

    async def ask() -> None:
        service = Service(served, ServeOptions(watch=0.0), file, load)
        async with service.running():
            service.reloader.ask()
            while counted(service, "swapped") < 1:
                await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(ask(), 20))
    assert loaded == [served]


def test_a_file_that_is_written_while_it_is_read(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(path: Path, **_: Any) -> Any:
        path.write_bytes(b"another")

    monkeypatch.setattr(served_module, "load_explainer", load)
    with pytest.raises(CheckpointError, match="was written while it was read"):
        Served.load(file)


def more_of(world: TinyWorld, folder: Path) -> TinyWorld:
    """A copy of a world's files, to be moved on."""
    shutil.copytree(world.folder, folder / world.name)
    return TinyWorld(folder, world.name, {})


def move_on(world: TinyWorld) -> None:
    """A new user writes of a new item, with a photo; features follow."""
    name = f"{world.folder}/{world.name}"
    for suffix, line in (
        ("inter", "v0\tn0\t5.0\t9000.0\tnew"),
        ("review", "new\tThe soup was lovely.\tThe soup was lovely."),
        ("image", "pnew\tn0\tnew\tpnew.jpg"),
    ):
        with open(f"{name}.{suffix}", "a") as file:
            file.write(f"{line}\n")
    painted(0, 2).save(world.folder / "photos" / "pnew.jpg", quality=95)
    embed_dataset(world.folder, progress=False)


def test_data_that_moves_on_is_swapped_in_while_requests_are_answered(
    world: TinyWorld, file: Path, tmp_path: Path
) -> None:
    """As soon as its features are there; no request is lost, and the model stays."""
    own = more_of(world, tmp_path)
    served = Served.load(file, data_path=own.data_path, known="now")
    service = Service(served, ServeOptions(watch=0.05), file, lambda: served)
    job = Explain((("u1", "i3", None),))

    async def ask_on() -> list[Any]:
        answers, after = [], 0
        async with service.running():
            moving = asyncio.create_task(asyncio.to_thread(move_on, own))
            while after < 3:
                answers += await asyncio.gather(*(service.answer(job, 30_000) for _ in range(3)))
                after += service.batcher.served is not served
            await moving
            answers.append(await service.answer(Explain((("v0", "n0", None),)), None))
        return answers

    answers = asyncio.run(asyncio.wait_for(ask_on(), 60))
    assert all(answer.written and answer.missing is None for answer in answers)
    now = service.batcher.served
    assert now.model == served.model and now.data != served.data
    assert {answer.served.data for answer in answers} == {served.data, now.data}
    (shown,) = answers[-1].chosen.showcases(now, answers[-1].written)
    assert [photo.id for photo in shown.photos] == ["pnew"] and shown.newcomer == "both"
    assert now.recommender.newcomers is served.recommender.newcomers, "loaded once"
    anew = Served.load(file, data_path=own.data_path, known="now")
    assert anew.data == now.data and anew.recommender.explain(["u1", "v0"], ["i3", "i1"]) == (
        now.recommender.explain(["u1", "v0"], ["i3", "i1"])
    )


def test_the_page_says_who_and_what_is_new(world: TinyWorld, file: Path, tmp_path: Path) -> None:
    own = more_of(world, tmp_path)
    move_on(own)
    served = Served.load(file, data_path=own.data_path, known="now")
    service = Service(served, ServeOptions(watch=0), file, lambda: served)
    with TestClient(create_app(service), "http://localhost") as client:
        came, known = (client.get("/", params={"user": user}).text for user in ("v0", "u1"))
        typed = client.post("/page/profile", json={"reviews": ["soup"], "k": 11}).text
    new = "Training did not know this user: items are those that most others chose"
    assert new in came and new in typed and new not in known
    assert typed.count("new since training") == 1, "n0"
    assert "new since training" not in came + known, "v0 has been to n0"


def test_new_data_is_known_as_far_as_the_old_was(
    world: TinyWorld, file: Path, tmp_path: Path
) -> None:
    own = more_of(world, tmp_path)
    for known in ("training", "now"):
        served = Served.load(file, data_path=own.data_path, known=known)
        assert served.refreshed().recommender.known == known


def test_a_refresh_is_asked_for_with_a_key(world: TinyWorld, file: Path, tmp_path: Path) -> None:
    own, key = more_of(world, tmp_path), {"x-api-key": "0123456789abcdef"}
    served = Served.load(file, data_path=own.data_path, known="now")
    for api_key in (None, key["x-api-key"]):
        service = Service(served, ServeOptions(watch=0, api_key=api_key), file, lambda: served)
        with TestClient(create_app(service), "http://localhost") as client:
            asked = client.post("/v1/refresh", headers=key)
            assert asked.status_code == (403 if api_key is None else 200), asked.text
            if api_key is None:
                continue
            assert client.post("/v1/refresh").status_code == 401
            assert asked.json() | {"users": 12, "items": 10} == asked.json()
            images = own.folder / f"{own.name}.image"
            content = images.read_bytes()
            os.replace(_copy(images, content + b"pnone\ti1\t\tnone.jpg\n"), images)
            refused = client.post("/v1/refresh", headers=key)
            assert refused.status_code == 409 and "add them with" in refused.json()["error"]
            answer = client.post("/v1/recommend", json={"user": "u1"}, headers=key)
            assert answer.status_code == 200 and len(answer.json()["showcases"]) > 1
            assert {s["newcomer"] for s in answer.json()["showcases"]} == {None}
            os.replace(_copy(images, content), images)
            assert client.post("/v1/refresh", headers=key).json() == asked.json()
            assert counted(service, "swapped") == 2.0 and counted(service, "failed") == 1.0


def _copy(path: Path, content: bytes) -> Path:
    path.with_suffix(".new").write_bytes(content)
    return path.with_suffix(".new")
