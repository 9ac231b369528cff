"""The test result that a run leaves beside its checkpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from recbole_showcase.errors import CheckpointError
from recbole_showcase.files.replace import replace_text


def result_file(checkpoint: str | Path) -> Path:
    """Where the test result of a checkpoint is."""
    return Path(checkpoint).with_suffix(".test.json")


def save_result(checkpoint: str | Path, result: Mapping[str, float]) -> None:
    """Write a test result beside its checkpoint, whole or not at all."""
    plain = {name: float(value) for name, value in result.items()}
    replace_text(result_file(checkpoint), json.dumps(plain, indent=2))


def load_result(checkpoint: str | Path) -> dict[str, float] | None:
    """The test result beside a checkpoint, None if there is none.

    Raises:
        CheckpointError: If the file is damaged.
    """
    path = result_file(checkpoint)
    if not path.is_file():
        return None
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CheckpointError(f"test result '{path}' is damaged: {error}") from error
    if not isinstance(result, dict):
        raise CheckpointError(
            f"test result '{path}' is damaged: it holds a {type(result).__name__}"
        )
    return result
