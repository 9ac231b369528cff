from __future__ import annotations

from collections.abc import Iterator

import pytest

from recbole_showcase.console import Loudness, set_loudness


@pytest.fixture(autouse=True)
def as_loud_as_before() -> Iterator[None]:
    """What a command line sets is of its process, which these tests share with others."""
    yield
    set_loudness(Loudness.NORMAL)
