"""Fixtures shared by the rooms: a small data set of known answer, and real data if present."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import settings

# The models under test are small: one thread is as fast, and sums are the same on every machine.
# To be set before torch is first imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from tests.tiny import TinyWorld

# Properties are looked at in the same examples by every machine, a failure is none of luck.
settings.register_profile("alike", deadline=None, derandomize=True, database=None, max_examples=60)
settings.load_profile("alike")

# RecBole watches the processors for a second at the end of every run, for a table of its log.
psutil.cpu_percent = lambda *_, **__: 0.0

SHARED_DATA = Path(
    os.environ.get("SHOWCASE_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data")
)


@pytest.fixture(scope="session", autouse=True)
def state_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where this package keeps its user's key, here and in processes that tests start."""
    folder = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data that is not part of the project."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no shared data in {SHARED_DATA}; set SHOWCASE_SHARED_DATA to its folder")
    return SHARED_DATA


@pytest.fixture(scope="session")
def tiny_world(tmp_path_factory: pytest.TempPathFactory) -> TinyWorld:
    """A data set in atomic files with features, in which everything follows from one topic."""
    return TinyWorld.write(tmp_path_factory.mktemp("data"))


@pytest.fixture
def config_dict(tiny_world: TinyWorld, tmp_path: Path) -> dict[str, object]:
    """Settings for a short run on the tiny world, writing below a folder of its own."""
    return tiny_world.config(tmp_path)
