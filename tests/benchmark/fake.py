"""A launcher that trains nothing: figures follow from the settings by a rule tests can check."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from recbole_showcase.benchmark.launch import What
from recbole_showcase.benchmark.plan import Task
from recbole_showcase.benchmark.records import Record, TaskFolder
from recbole_showcase.benchmark.spec import BenchmarkSpec, read_spec


class FakeLauncher:
    """Writes a record for each run, and remembers what it was asked to do.

    Attributes:
        asked: What and which folder, in order.
    """

    def __init__(self, figures: Callable[[Task], Record | str] | None = None) -> None:
        self.asked: list[tuple[What, str]] = []
        self.stopped = False
        self._figures = figures or (lambda task: done(task, ndcg=0.1))

    def __call__(self, what: What, place: Path) -> str:
        self.asked.append((what, place.name))
        if what == "check":
            return ""
        folder = TaskFolder(place)
        record = self._figures(folder.task())
        if isinstance(record, str):
            return record
        folder.write(record)
        return ""

    def stop(self) -> None:
        self.stopped = True

    @property
    def runs(self) -> list[str]:
        """Folders of the runs it was asked for."""
        return [place for what, place in self.asked if what == "run"]


def done(task: Task, **figures: float) -> Record:
    """The record of a run that gave some figures, ``ndcg`` for ``ndcg@5``."""
    named = {"ndcg@5" if name == "ndcg" else name: value for name, value in figures.items()}
    return Record("done", task.settings["seed"], result=named, seconds=2.0)


def write_spec(path: Path, **changes: Any) -> BenchmarkSpec:
    """Write and read a small specification; None takes a key out.

    Beside it stands what looks like a data set from afar.
    """
    folder = path.parent / "data" / "tiny"
    (folder / "tiny.features").mkdir(parents=True, exist_ok=True)
    (folder / "tiny.inter").touch()
    content = {
        "datasets": ["tiny"],
        "bases": ["BPR", "LightGCN"],
        "selectors": ["topk", "dpp"],
        "explainers": ["showcase"],
        "seeds": [1, 2],
        "columns": ["NDCG@5"],
        "settings": {"metrics": ["NDCG", "BLEU1"], "epochs": 1},
        **changes,
    }
    if isinstance(content["settings"], dict):
        content["settings"] = {"data_path": str(folder.parent), **content["settings"]}
    kept = {key: value for key, value in content.items() if value is not None}
    path.write_text(yaml.safe_dump(kept, sort_keys=False), encoding="utf-8")
    return read_spec(path)
