"""Searches for settings as RecBole's ``run_hyper.py`` makes them: HyperTuning, and ray."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from recbole_showcase.integration.checkpoint import clean_argv, load_checkpoint
from tests.processes import run_python
from tests.tiny import TinyWorld


def write_settings(world: TinyWorld, work: Path, **changes: Any) -> str:
    """The file of what the search leaves as it is."""
    settings = world.config(work, **{"epochs": 1, **changes})
    path = work / "fixed.yaml"
    path.write_text(
        yaml.safe_dump({"model": "ShowcaseBPR", "dataset": world.name, **settings}),
        encoding="utf-8",
    )
    return str(path)


def search(**given: Any) -> Any:
    """Run a search as RecBole's script does, without the command line of pytest."""
    from recbole.quick_start import objective_function
    from recbole.trainer import HyperTuning

    tuning = HyperTuning(given.pop("objective", objective_function), early_stop=10, **given)
    with clean_argv():
        tuning.run()
    return tuning


def test_the_objective(
    tiny_world: TinyWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings in, figures out."""
    from recbole.quick_start import objective_function

    monkeypatch.chdir(tmp_path)
    settings = tiny_world.config(tmp_path, epochs=1, valid_metric="BLEU1")
    with clean_argv():
        found = objective_function(
            {"model": "ShowcaseBPR", "dataset": tiny_world.name, **settings}, saved=False
        )
    assert found["model"] == "ShowcaseBPR"
    assert found["best_valid_score"] == found["best_valid_result"]["bleu1"]
    assert {"recall@5", "bleu1"} <= set(found["test_result"])
    assert "np.float64" not in str(found)


def test_an_exhaustive_search(
    tiny_world: TinyWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    space = tmp_path / "model.hyper"
    space.write_text("learning_rate choice [0.05,0.0001]\n")
    tuning = search(
        params_file=str(space),
        fixed_config_file_list=[write_settings(tiny_world, tmp_path, valid_metric="NDCG@5")],
        algo="exhaustive",
    )
    tried = {
        rate: tuning.params2result[f"learning_rate:{rate}"]["best_valid_result"]
        for rate in (0.05, 0.0001)
    }
    best = max(tried, key=lambda rate: tried[rate]["ndcg@5"])
    assert tried[0.05] != tried[0.0001]
    assert tuning.best_params == {"learning_rate": best}
    assert tuning.best_score == tried[best]["ndcg@5"]
    tuning.export_result(output_file=str(tmp_path / "found"))
    lines = (tmp_path / "found").read_text().splitlines()
    for rate, result in tried.items():
        line = lines[lines.index(f"learning_rate:{rate}") + 2]
        figures = dict(part.split(" : ") for part in line.split("    "))
        assert {key: float(value) for key, value in figures.items()} == result


def test_a_bayesian_search(
    tiny_world: TinyWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers of hyperopt's reach settings of ours and of RecBole's, and the checkpoints."""
    monkeypatch.chdir(tmp_path)
    space = {
        "loguniform": {"learning_rate": [-6, -3]},
        "uniform": {"showcase_learning_rate": [0.001, 0.01]},
        "quniform": {"showcase_max_tokens": [4, 8, 2]},
    }
    tuning = search(
        params_dict=space,
        fixed_config_file_list=[write_settings(tiny_world, tmp_path, valid_metric="NDCG@5")],
        algo="bayes",
        max_evals=2,
    )
    assert len(tuning.params2result) == 2
    found = tuning.params2result[tuning.params2str(tuning.best_params)]
    assert tuning.best_score == found["best_valid_score"] == max(tuning.score_list)
    final = [
        load_checkpoint(path)["config"]["final"] for path in (tmp_path / "saved").glob("*.pth")
    ]
    wanted = tuning.best_params
    assert wanted["showcase_max_tokens"] in (4, 6, 8)
    assert any(all(own[key] == value for key, value in wanted.items()) for own in final)
    assert all(isinstance(own["showcase_max_tokens"], int) for own in final)
    tuning.export_result(output_file=str(tmp_path / "found"))
    assert "np.float64" not in (tmp_path / "found").read_text()


@pytest.mark.parametrize(
    ("bigger", "scores", "best"),
    [(False, [0.3, 0.0, 0.2], 0.0), (False, [0.0, -1.0], -1.0), (True, [0.0, 0.2, 0.1], 0.2)],
)
def test_a_score_of_nought_may_be_the_best(bigger: bool, scores: list[float], best: float) -> None:
    def objective(point: dict[str, float], files: object) -> dict[str, Any]:
        score = left.pop(0)
        given[point["x"]] = score
        result = {"best_valid_result": {}, "test_result": {}, "valid_score_bigger": bigger}
        return {"model": "any", "best_valid_score": score, **result}

    left, given = list(scores), {}
    tuning = search(
        objective=objective,
        params_dict={"uniform": {"x": [0, 1]}},
        algo="random",
        max_evals=len(scores),
    )
    assert tuning.best_score == best == given[tuning.best_params["x"]]


RAY = """
import json, os, sys
if __name__ == "__main__":
    import recbole_showcase
    import counting  # registers a metric, which workers have to know
    from recbole.quick_start import objective_function
    import ray
    from ray import tune
    from ray.tune.schedulers import ASHAScheduler

    ray.init("local", num_cpus=1, include_dashboard=False, object_store_memory=80_000_000)
    tune.register_trainable("train_func", objective_function)
    result = tune.run(
        tune.with_parameters(objective_function, config_file_list=[sys.argv[1]]),
        config={"showcase_photos": tune.grid_search([1, 2])},
        log_to_file="trials.txt",
        scheduler=ASHAScheduler(metric="recall@5", mode="max", max_t=10),
        storage_path=os.path.abspath("ray_log"),
        verbose=0,
    )
    best = result.get_best_trial("best_valid_score", "max", "last")
    found = [{**trial.last_result, "best": trial is best} for trial in result.trials]
    print("FOUND", json.dumps(found, default=float))
"""


def test_a_search_of_rays(
    tiny_world: TinyWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its workers run on NumPy 2, know composed models, and report what a scheduler asks for."""
    # A busy machine needs longer to start ray, whose processes let all others go first.
    monkeypatch.setenv("RAY_raylet_client_num_connect_attempts", "60")
    monkeypatch.setenv("RAY_worker_register_timeout_seconds", "120")
    monkeypatch.setenv("RAY_worker_niceness", "0")
    monkeypatch.setenv("HOME", str(tmp_path))  # where ray keeps the token of a cluster of its own
    (tmp_path / "counting.py").write_text(
        "import recbole_showcase\n"
        "@recbole_showcase.register('MeanWords')\n"
        "def mean_words(evaluation):\n"
        "    return [len(text.split()) for text in evaluation.texts]\n"
    )
    metrics = ["Recall", "NDCG", "ImageF1", "BLEU1", "MeanWords"]
    settings = write_settings(tiny_world, tmp_path, valid_metric="BLEU1", metrics=metrics)
    (tmp_path / "search.py").write_text(RAY)
    output = run_python("-W", "ignore", "search.py", settings, cwd=tmp_path, cold=True)
    found = json.loads(output.split("FOUND")[1].splitlines()[0])
    assert [trial["config"]["showcase_photos"] for trial in found] == [1, 2]
    for photos, trial in enumerate(found, start=1):
        figures = trial["test_result"]
        assert set(figures) == {"recall@5", "ndcg@5", f"imagef1@{photos}", "bleu1", "meanwords"}
        assert figures == {key: trial[key] for key in figures}
        assert all(np.isfinite(value) for value in figures.values())
    (best,) = (trial for trial in found if trial["best"])
    assert best["best_valid_score"] == max(trial["best_valid_score"] for trial in found)
    checkpoints = sorted((tmp_path / "saved").glob("*.pth"))
    assert [path.stem[-11:] for path in checkpoints] == [trial["trial_id"] for trial in found]
    for path in checkpoints:  # settings come from the search and the file, not from ray
        given = set(load_checkpoint(path)["config"]["external"])
        assert given <= set(yaml.safe_load(Path(settings).read_text())) | {"showcase_photos"}
