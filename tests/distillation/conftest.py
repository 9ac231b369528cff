"""A small drawing of the demo world, embedded and labelled, and pairs whose rule is known."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from demo_world import WorldSettings, draw_world, write_world
from demo_world.truth import label_pairs
from recbole_showcase.atomic import write_atomic
from recbole_showcase.distillation import LABELS, LabelledPairs
from recbole_showcase.encoders import embed_dataset

SMALL = WorldSettings(
    seed=6, n_users=40, n_items=16, reviews_mean=6.0, share_without_text=0.3, share_with_photos=0.8
)


@pytest.fixture(scope="session")
def drawing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawings") / "small"
    write_world(draw_world(SMALL), folder)
    embed_dataset(folder, progress=False)
    return folder


@pytest.fixture(scope="session")
def labels(drawing: Path) -> Path:
    path = drawing.parent / "small.labels"
    write_atomic(path, LABELS, label_pairs(drawing))
    return path


@pytest.fixture
def dataset(drawing: Path, tmp_path: Path) -> Path:
    """A copy to distil, without photos and truth."""
    folder = tmp_path / "small"
    shutil.copytree(drawing, folder, ignore=shutil.ignore_patterns("*.jpg", "*.truth"))
    return folder


def matching_pairs(n: int = 1200, topics: int = 6, dim: int = 12, seed: int = 0) -> LabelledPairs:
    """Pairs that are described where both are of one topic; topics themselves say nothing."""
    random = np.random.default_rng(seed)
    axes = np.linalg.qr(random.normal(size=(dim, dim)))[0][:topics]
    said, shown = random.integers(0, topics, (2, n))
    shown = np.where(np.arange(n) % 2 == 0, said, shown)

    def vectors(which: np.ndarray) -> np.ndarray:
        noisy = axes[which] + random.normal(scale=0.1, size=(n, dim))
        unit = noisy / np.linalg.norm(noisy, axis=1, keepdims=True)
        return unit.astype(np.float32)

    return LabelledPairs(
        sentences=vectors(said),
        photos=vectors(shown),
        labels=said == shown,
        groups=np.arange(n) // 4,
        encoder="topics",
        weights_digest="sha256:topics",
    )


@pytest.fixture(scope="session")
def matching() -> LabelledPairs:
    return matching_pairs()
