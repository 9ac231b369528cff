from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.test_checkpoints import train
from tests.tiny import TinyWorld


@pytest.fixture(scope="package")
def checkpoint(tiny_world: TinyWorld, tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("run")
    return train("ShowcaseBPR", tiny_world.name, tiny_world.config(work, epochs=1))[0]
