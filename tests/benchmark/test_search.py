"""Searches: RecBole's HyperTuning, on validation only, and on from where it was killed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from recbole_showcase.benchmark import search as module
from recbole_showcase.benchmark.plan import Task
from recbole_showcase.benchmark.search import plain_params, search
from recbole_showcase.benchmark.spec import Tuning
from recbole_showcase.files.yaml_files import read_yaml, write_yaml
from recbole_showcase.integration.experiments import (
    Validation,
    train_and_test,
    train_and_validate,
)
from tests.tiny import TinyWorld

pytest.importorskip("hyperopt")


def _task(algo: Any, params: dict[str, Any], max_evals: int | None = None) -> Task:
    return Task(
        "ShowcaseBPR", "tiny", {"seed": 3}, Tuning(algo=algo, max_evals=max_evals, params=params)
    )


class Trainer:
    """Stands for training: the score of a setting is known."""

    def __init__(self, stop_after: int = 1000, bigger: bool = True) -> None:
        self.seen: list[Mapping[str, Any]] = []
        self._stop_after, self._bigger = stop_after, bigger

    def __call__(self, model: str, dataset: str, config_file: Path) -> Validation:
        if len(self.seen) == self._stop_after:
            raise KeyboardInterrupt
        settings = read_yaml(config_file)
        self.seen.append(settings)
        score = -abs(settings["learning_rate"] - 0.2) - abs(settings.get("embedding_size", 8) - 8)
        return Validation(score if self._bigger else -score, self._bigger, {"ndcg@5": score})


def test_all_choices_are_tried_and_the_best_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choices = {"learning_rate": [0.1, 0.2, 0.3], "mlp_hidden_size": [[8, 4], [4]]}
    for bigger in (True, False):
        folder = tmp_path / str(bigger)
        folder.mkdir()
        trainer = Trainer(bigger=bigger)
        monkeypatch.setattr(module, "train_and_validate", trainer)
        best, validation = search(folder, _task("exhaustive", {"choice": choices}), tmp_path)
        assert len(trainer.seen) == 6
        assert all(isinstance(settings["mlp_hidden_size"], list) for settings in trainer.seen)
        assert best["learning_rate"] == 0.2
        assert validation.score == 0.0


def test_a_search_goes_on_where_it_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = {"uniform": {"learning_rate": [0.01, 0.5]}, "quniform": {"embedding_size": [4, 16, 4]}}
    task = _task("bayes", space, max_evals=8)
    (tmp_path / "whole").mkdir()
    whole = Trainer()
    monkeypatch.setattr(module, "train_and_validate", whole)
    best = search(tmp_path / "whole", task, tmp_path)
    assert all(type(settings["embedding_size"]) is int for settings in whole.seen)

    (tmp_path / "cut").mkdir()
    first, second = Trainer(stop_after=3), Trainer()
    monkeypatch.setattr(module, "train_and_validate", first)
    with pytest.raises(KeyboardInterrupt):
        search(tmp_path / "cut", task, tmp_path)
    with (tmp_path / "cut" / "trials.jsonl").open("a") as file:
        file.write('{"params": {"learn')  # killed in the middle of a line
    monkeypatch.setattr(module, "train_and_validate", second)
    assert search(tmp_path / "cut", task, tmp_path) == best
    assert first.seen + second.seen == whole.seen
    lines = (tmp_path / "cut" / "trials.jsonl").read_text().splitlines()
    assert len(lines) == 8 and all(json.loads(line) for line in lines)


def test_proposals_become_plain_data() -> None:
    import numpy as np

    space = {
        "quniform": {"a": [1, 9, 2], "b": [0.0, 1.0, 0.5]},
        "choice": {"c": [[1], [2, 3]], "d": [None, "x"]},
        "uniform": {"e": [0, 2]},
    }
    proposed = {"b": np.float64(0.5), "a": 3.0, "c": np.int64(1), "d": 0, "e": np.float64(1)}
    found = plain_params(proposed, Tuning(algo="random", params=space))
    assert found == {"a": 3, "b": 0.5, "c": [2, 3], "d": None, "e": 1.0}
    assert [type(found[name]) for name in "abe"] == [int, float, float]


def test_a_validation_is_that_of_a_run(
    tiny_world: TinyWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.yaml"
    write_yaml(
        config, tiny_world.config(tmp_path, epochs=1, metrics=["NDCG"], valid_metric="NDCG@5")
    )
    monkeypatch.chdir(tmp_path)
    tested, result = train_and_test("ShowcaseBPR", tiny_world.name, config)
    assert train_and_validate("ShowcaseBPR", tiny_world.name, config) == tested
    assert set(result) == {"ndcg@5"}
