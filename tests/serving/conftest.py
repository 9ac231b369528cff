from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

fastapi = pytest.importorskip("fastapi", reason="the extra 'serve' is not installed")
from fastapi.testclient import TestClient  # noqa: E402

from recbole_showcase.serving import Served, ServeOptions, Service, create_app  # noqa: E402
from tests.integration.test_checkpoints import train  # noqa: E402
from tests.photographed import photographed_world, settings  # noqa: E402
from tests.tiny import TinyWorld  # noqa: E402


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> TinyWorld:
    return photographed_world(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="package")
def checkpoint(world: TinyWorld, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of short texts, trained for a moment."""
    work = tmp_path_factory.mktemp("run")
    return train("ShowcaseBPR", world.name, settings(world, work))[0]


@pytest.fixture(scope="package")
def served(checkpoint: Path) -> Served:
    return Served.load(checkpoint)


@pytest.fixture
def serving(served: Served, checkpoint: Path) -> Iterator[Callable[..., TestClient]]:
    """A function that serves the model with options, as a client of its application."""
    open_clients = []

    def serve(other: Served | None = None, **options: Any) -> TestClient:
        given = {"watch": 0.0, "deadline": 30.0} | options
        service = Service(
            other or served, ServeOptions(**given), checkpoint, lambda: Served.load(checkpoint)
        )
        client = TestClient(create_app(service), "http://localhost", raise_server_exceptions=False)
        client.__enter__()
        client.service = service  # type: ignore[attr-defined]
        open_clients.append(client)
        return client

    yield serve
    for client in open_clients:
        client.__exit__(None, None, None)


@pytest.fixture
def client(serving: Callable[..., TestClient]) -> TestClient:
    return serving()
