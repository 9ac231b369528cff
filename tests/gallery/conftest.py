from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from recbole_showcase.showcase import Photo


@pytest.fixture
def save_photo(tmp_path: Path) -> Callable[..., Photo]:
    """A function that paints a plain photo into a file and returns it as a Photo."""

    def save(name, colour="tomato", size=(64, 64), mode="RGB", relevance=None, **options):
        path = tmp_path / "photos" / name
        path.parent.mkdir(exist_ok=True)
        Image.new(mode, size, colour).save(path, **options)
        return Photo(path.stem, path, relevance)

    return save
