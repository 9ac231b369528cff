"""A checkpoint that changes is swapped in without a lost request; a broken one changes nothing."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from recbole_showcase.errors import CheckpointError
from recbole_showcase.serving import Served, ServeOptions, Service
from recbole_showcase.serving import served as served_module
from recbole_showcase.serving.jobs import Explain


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
    assert all(answer.written and not answer.late for answer in answers)
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
