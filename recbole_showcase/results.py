"""The test result that a run leaves beside its checkpoint."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path


def result_file(checkpoint: str | Path) -> Path:
    """Where the test result of a checkpoint is."""
    return Path(checkpoint).with_suffix(".test.json")


def save_result(checkpoint: str | Path, result: Mapping[str, float]) -> None:
    """Write a test result beside its checkpoint, whole or not at all."""
    path = result_file(checkpoint)
    aside = path.with_name(f"{path.name}.partial-{os.getpid()}")
    plain = {name: float(value) for name, value in result.items()}
    aside.write_text(json.dumps(plain, indent=2), encoding="utf-8")
    os.replace(aside, path)
