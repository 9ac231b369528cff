"""A search for settings by RecBole's ``HyperTuning``: trained on train, judged on valid only."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from recbole_showcase.benchmark.plan import Task, require_hyperopt
from recbole_showcase.benchmark.spec import Tuning
from recbole_showcase.errors import DataError
from recbole_showcase.files.replace import sync_to_disk
from recbole_showcase.files.yaml_files import write_yaml
from recbole_showcase.integration.experiments import Validation, train_and_validate
from recbole_showcase.settings import stored_as

_TRIALS = "trials.jsonl"
_SEED_VARIABLE = "HYPEROPT_FMIN_SEED"  # hyperopt has no other way that HyperTuning leaves open


@dataclass(frozen=True)
class _Trial:
    """A line of the file: a setting and what its validation gave."""

    params: dict[str, Any]
    validation: Validation


class Trials:
    """The trials of a search on disk, so that one goes on where it was killed."""

    def __init__(self, path: Path) -> None:
        """Read the trials that are there; a line that was being written does not count."""
        self._path = path
        self._known: dict[str, Validation] = {}
        whole = path.read_bytes().rpartition(b"\n")[0] if path.is_file() else b""
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                trial = stored_as(_Trial, line)
            except ValueError as error:
                raise DataError(
                    f"{path}, line {number}: {error}; delete the file to search anew"
                ) from error
            self._known[_key(trial.params)] = trial.validation
        if whole:
            os.truncate(path, len(whole) + 1)

    def get(self, params: Mapping[str, Any]) -> Validation | None:
        """What the trial of a setting gave, if there was one."""
        return self._known.get(_key(params))

    def add(self, params: Mapping[str, Any], validation: Validation) -> None:
        """Keep a trial."""
        self._known[_key(params)] = validation
        line = json.dumps({"params": params, "validation": asdict(validation)})
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            sync_to_disk(file)


def search(folder: Path, task: Task, scratch: Path) -> tuple[Mapping[str, Any], Validation]:
    """Try settings until ``HyperTuning`` has seen enough.

    Args:
        folder: Where the trials are kept.
        task: What to train, and what to search.
        scratch: A working folder.

    Returns:
        The best setting and its validation.

    Raises:
        SettingsError: hyperopt is not installed.
    """
    tune = task.tune
    assert tune is not None
    os.environ[_SEED_VARIABLE] = str(task.settings["seed"])
    hyper_tuning = _hyper_tuning()
    trials = Trials(folder / _TRIALS)
    config = scratch / "trial.yaml"

    def objective(params: dict[str, Any], _: Any) -> dict[str, Any]:
        chosen = plain_params(params, tune)
        validation = trials.get(chosen)
        if validation is None:
            write_yaml(config, {"show_progress": False, **task.settings, **chosen})
            validation = train_and_validate(task.model, task.dataset, config)
            trials.add(chosen, validation)
        return {
            "model": task.model,
            "best_valid_score": validation.score,
            "valid_score_bigger": validation.bigger,
            "best_valid_result": validation.result,
            "test_result": {},  # not looked at while tuning
        }

    limits = {"max_evals": tune.max_evals, "early_stop": tune.early_stop}
    tuning = hyper_tuning(
        objective,
        params_dict={**tune.params, **_numbered(tune)},
        algo=tune.algo,
        **{name: value for name, value in limits.items() if value is not None},
    )
    tuning.run()
    best = plain_params(tuning.best_params, tune)
    validation = trials.get(best)
    assert validation is not None
    return best, validation


def plain_params(params: Mapping[str, Any], tune: Tuning) -> dict[str, Any]:
    """Proposed values as plain data.

    A choice is the number of a value; a ``quniform`` of whole numbers gives whole numbers.
    """
    choices, steps = tune.params.get("choice", {}), tune.params.get("quniform", {})
    found: dict[str, Any] = {}
    for name, value in sorted(params.items()):
        if name in choices:
            found[name] = choices[name][int(value)]
        else:
            whole = all(isinstance(number, int) for number in steps.get(name, [0.5]))
            found[name] = int(value) if whole else float(value)
    return found


def _numbered(tune: Tuning) -> dict[str, dict[str, list[int]]]:
    """Choices by number: HyperTuning's exhaustive search cannot count values that are lists."""
    choices = tune.params.get("choice")
    if choices is None:
        return {}
    return {"choice": {name: list(range(len(values))) for name, values in choices.items()}}


def _key(params: Mapping[str, Any]) -> str:
    return json.dumps(params, sort_keys=True)


def _hyper_tuning() -> Any:
    import recbole.quick_start  # noqa: F401 - registers the composed models
    from recbole.trainer import HyperTuning

    require_hyperopt()
    return HyperTuning
