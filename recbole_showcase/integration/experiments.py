"""Whole experiments by RecBole: a run, a validation, a search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from recbole_showcase.integration.checkpoint import clean_argv, load_checkpoint
from recbole_showcase.settings import PREFIXES


@dataclass(frozen=True)
class Validation:
    """What the best validation of a training gave.

    Attributes:
        score: Its ``valid_metric``.
        bigger: Whether more of it is better.
        result: All its figures.
    """

    score: float
    bigger: bool
    result: Mapping[str, float]


def train_and_test(model: str, dataset: str, config_file: Path) -> tuple[Validation, Any]:
    """Train, choose the epoch on the validation split, and test; RecBole's ``run_recbole``.

    Returns:
        The best validation, and the test figures by RecBole's names.
    """
    from recbole.quick_start import run_recbole

    with clean_argv():
        result = run_recbole(model=model, dataset=dataset, config_file_list=[str(config_file)])
    validation = Validation(
        float(result["best_valid_score"]),
        bool(result["valid_score_bigger"]),
        plain_figures(result["best_valid_result"]),
    )
    return validation, plain_figures(result["test_result"])


def train_and_validate(model: str, dataset: str, config_file: Path) -> Validation:
    """Train and validate as :func:`train_and_test` does, and never look at the test split."""
    from recbole.data import create_dataset, data_preparation
    from recbole.utils import get_model, get_trainer, init_logger, init_seed

    config = _config(model, dataset, config_file)
    init_seed(config["seed"], config["reproducibility"])
    init_logger(config)
    train, valid, _ = data_preparation(config, create_dataset(config))
    init_seed(config["seed"] + config["local_rank"], config["reproducibility"])
    built = get_model(config["model"])(config, train._dataset).to(config["device"])
    trainer = get_trainer(config["MODEL_TYPE"], config["model"])(config, built)
    show = config["show_progress"]
    score, result = trainer.fit(train, valid, saved=False, show_progress=show)
    return Validation(float(score), bool(config["valid_metric_bigger"]), plain_figures(result))


def smaller_is_better(figures: Mapping[str, float]) -> tuple[str, ...]:
    """Those of some figures, such as ``rmse`` or ``giniindex@10``, of which less is better."""
    known = import_module("recbole.evaluator.register").metrics_dict
    metrics = {name: known.get(name.partition("@")[0]) for name in figures}
    return tuple(name for name, metric in metrics.items() if getattr(metric, "smaller", False))


def final_settings(checkpoint: Path) -> dict[str, Any]:
    """Every setting of the run that wrote a checkpoint, RecBole's and our defaults included."""
    return dict(load_checkpoint(checkpoint, map_location="cpu")["config"]["final"])


def plain_figures(result: Mapping[str, Any]) -> dict[str, float]:
    """Figures as plain numbers; what is none becomes one by ``float``."""
    return {name: float(value) for name, value in result.items()}


def _config(model: str, dataset: str, config_file: Path) -> Any:
    from recbole.config import Config

    with clean_argv():
        return Config(model, dataset, config_file_list=[str(config_file)])


def whole_numbers(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of which those of this package that are whole numbers are integers.

    The ``quniform`` of hyperopt and of ray gives floats; a setting that is a float takes integers.
    """
    return {
        key: int(value)
        if key.startswith(PREFIXES) and isinstance(value, float) and value.is_integer()
        else value
        for key, value in settings.items()
    }


def plain_result(result: Mapping[str, Any]) -> dict[str, Any]:
    """What the objective gives, without the number types of NumPy, which print as code."""
    figures = {
        key: plain_figures(result[key] or {}) for key in ("best_valid_result", "test_result")
    }
    return {**result, **figures, "best_valid_score": float(result["best_valid_score"])}
