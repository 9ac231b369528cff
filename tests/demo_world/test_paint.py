from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from demo_world.catalogue import AMBIENCE_NAMES, DISH_NAMES
from demo_world.paint import DISH_PAINTERS, ROOMS, paint_photo
from demo_world.paint.canvas import Canvas
from demo_world.paint.rooms import TABLES


def photo(subject: str, seed: int, camera: float = 0.0) -> np.ndarray:
    ambience = subject if subject in ROOMS else "rustic wood"
    rng = np.random.default_rng(seed)
    data = paint_photo(subject, ambience, np.full(4, camera), 96, rng)
    assert len(data) <= 4_000
    image = Image.open(io.BytesIO(data))
    assert image.size == (96, 96)
    return np.asarray(image, dtype=float)


def test_everything_that_exists_can_be_painted() -> None:
    assert set(DISH_PAINTERS) == set(DISH_NAMES)
    assert set(ROOMS) == set(TABLES) == set(AMBIENCE_NAMES)


@pytest.mark.parametrize("subject", DISH_NAMES + AMBIENCE_NAMES)
def test_photos_of_a_subject_vary_and_repeat(subject: str) -> None:
    first = photo(subject, 1)
    assert np.array_equal(first, photo(subject, 1))
    assert np.abs(first - photo(subject, 2)).mean() > 4


def test_the_camera_shows(subject: str = "beef pho") -> None:
    """Warmth and exposure follow the photographer."""
    dim, bright = (
        np.mean([photo(subject, s, c) for s in range(8)], (0, 1, 2)) for c in (-1.5, 1.5)
    )
    assert bright.sum() > 1.15 * dim.sum()
    assert bright[0] / bright[2] > 1.1 * dim[0] / dim[2]


def test_the_camera_maps_units_to_pixels() -> None:
    canvas = Canvas(100, (0, 0, 0), np.random.default_rng(0))
    canvas.polygon([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]], (255, 255, 255))
    lit = np.argwhere(np.asarray(canvas.image)[:, :, 0] > 0)
    assert lit.min(axis=0).tolist() == [25, 25]
    assert lit.max(axis=0).tolist() == [75, 75]
    canvas.look(1.0, np.pi / 2, 0.5, (0.0, 0.2))
    canvas.polygon([[0, -0.1], [0.8, -0.1], [0.8, 0.1], [0, 0.1]], (255, 0, 0))
    red = np.argwhere(np.all(np.asarray(canvas.image) == (255, 0, 0), axis=2))
    # Along x, turned by a quarter to point down, foreshortened by half, moved down by 0.2.
    assert red.min(axis=0).tolist() == [60, 45]
    assert red.max(axis=0).tolist() == [80, 55]
