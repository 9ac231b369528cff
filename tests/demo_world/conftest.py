from __future__ import annotations

from pathlib import Path

import pytest

from demo_world import World, WorldSettings, draw_world, write_world
from recbole_showcase.resources import dataset_atomic_path

SMALL = WorldSettings(seed=5, n_users=24, n_items=16, reviews_mean=6.0)


@pytest.fixture(scope="session")
def small_world() -> World:
    return draw_world(SMALL)


@pytest.fixture(scope="session")
def small_dir(small_world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("worlds") / "small"
    write_world(small_world, out)
    return out


@pytest.fixture(scope="session")
def demo_dir() -> Path:
    return dataset_atomic_path() / "showcase-demo"
