"""Checkpoints: ours hold plain data, RecBole's a pickled ``Config``; neither may run code.

RecBole reads a checkpoint with ``torch.load`` and trusts it. Here a file of ours is read with
``weights_only=True``; a file of RecBole's is read by an unpickler that admits the classes which
such a file needs and nothing else.
"""

from __future__ import annotations

import os
import pickle
import sys
import tempfile
import types
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
import yaml

from recbole_showcase.errors import CheckpointError
from recbole_showcase.files.replace import replaced
from recbole_showcase.integration.config import run_settings
from recbole_showcase.integration.hooks import PREFIX
from recbole_showcase.integration.metrics import known_metrics
from recbole_showcase.integration.outside import code_of_run, import_code
from recbole_showcase.integration.plain import from_plain, to_plain
from recbole_showcase.parts import named_by_a_file

FORMAT = "recbole_showcase/1"

# Derived by ``Config`` from other keys, or describing the machine, or naming files to unpickle.
_NOT_RESTORED = {
    "MODEL_INPUT_TYPE",
    "MODEL_TYPE",
    "checkpoint_dir",
    "data_path",
    "dataloaders_save_path",
    "dataset_save_path",
    "device",
    "eval_type",
    "gpu_id",
    "local_rank",
    "metrics",  # see known_metrics
    "nproc",
    "offset",
    "single_spec",
    "test_neg_sample_args",
    "train_neg_sample_args",
    "use_gpu",
    "valid_metric",
    "valid_metric_bigger",
    "valid_neg_sample_args",
    "world_size",
}
_STOCK_GLOBALS = {
    ("_codecs", "encode"),  # how bytes, NumPy's among them, are pickled by torch.save
    ("collections", "OrderedDict"),
    ("collections", "defaultdict"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("recbole.config.configurator", "Config"),
    ("recbole.utils.enum_type", "EvaluatorType"),
    ("recbole.utils.enum_type", "InputType"),
    ("recbole.utils.enum_type", "ModelType"),
    ("torch", "FloatStorage"),
    ("torch", "Size"),
    ("torch", "device"),
    ("torch._utils", "_rebuild_parameter"),
    ("torch._utils", "_rebuild_tensor_v2"),
    ("yaml.loader", "FullLoader"),
}


def not_taken(path: str) -> str:
    """The path, numbered if a run that began in the same second has saved there."""
    stem, suffix = os.path.splitext(path)
    number = 2
    while os.path.exists(path):
        path = f"{stem}-{number}{suffix}"
        number += 1
    return path


def save_checkpoint(state: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a checkpoint of plain data, whole or not at all.

    Args:
        state: As RecBole's trainer collects it: ``config``, ``epoch``, ``state_dict`` and so on.
        path: The file.
    """
    config = state["config"]
    other = state.get("other_parameter") or {}
    plain = {
        **state,
        "other_parameter": {k: to_plain(value, k) for k, value in other.items()},
        "format": FORMAT,
        "config": {
            "model": config["model"],
            "dataset": config["dataset"],
            "data_path": str(Path(config["data_path"]).parent),
            "external": _plain(config.external_config_dict),
            "final": _plain(config.final_config_dict),
            "code": code_of_run(config),
        },
        "best_valid_score": float(state.get("best_valid_score", "nan")),
    }
    with replaced(Path(path)) as partial:
        torch.save(plain, partial)


def load_checkpoint(
    path: str | os.PathLike[str], map_location: Any = None, **_: Any
) -> dict[str, Any]:
    """Read a checkpoint of ours or of RecBole's without running code from it.

    Args:
        path: The file.
        map_location: As in ``torch.load``.
        **_: Other arguments of ``torch.load``, which RecBole does not use.

    Returns:
        The state. Its ``config`` is a RecBole ``Config`` for RecBole's own files, and a mapping
        with ``model`` and ``dataset`` for ours.

    Raises:
        CheckpointError: If the file is missing or damaged, or asks for anything that a checkpoint
            does not need.
    """
    if not os.path.isfile(path):
        raise CheckpointError(f"checkpoint '{os.fspath(path)}' does not exist")
    if not zipfile.is_zipfile(path):
        raise CheckpointError(f"'{os.fspath(path)}' is not a checkpoint: not a zip archive")
    try:
        _refuse_torchscript(path)
        state = _load(path, map_location)
    except CheckpointError:
        raise
    except Exception as error:  # damaged archives raise nearly anything in zipfile and torch
        raise CheckpointError(f"checkpoint '{os.fspath(path)}' is refused: {error}") from error
    if not isinstance(state, dict):
        raise CheckpointError(
            f"'{os.fspath(path)}' is not a checkpoint: it holds a {type(state).__name__}"
        )
    return state


def _load(path: str | os.PathLike[str], map_location: Any) -> Any:
    """What a file holds: plain data, else what RecBole's own files consist of."""
    try:
        state = torch.load(path, map_location=map_location, weights_only=True)
    except pickle.UnpicklingError:  # not plain data: a file of RecBole's, or a hostile one
        return torch.load(
            path, map_location=map_location, weights_only=False, pickle_module=_stock_pickle()
        )
    if isinstance(state, dict):
        state["other_parameter"] = from_plain(state.get("other_parameter"))
    return state


def restored_config(
    checkpoint: Mapping[str, Any], path: str | os.PathLike[str] = "checkpoint"
) -> Any:
    """The RecBole ``Config`` of a checkpoint.

    The values of a file of ours reach ``Config`` as YAML, since it evaluates strings that come in
    a dict. Settings whose defaults have changed since are set to what they were.

    Args:
        checkpoint: As returned by :func:`load_checkpoint`.
        path: The file, for messages.

    Raises:
        CheckpointError: If it is none of a run, or names its data set by a path.
    """
    _check_of_a_run(checkpoint, os.fspath(path))
    stored = checkpoint["config"]
    name = str(stored["dataset"])
    if "/" in name or "\\" in name:
        raise CheckpointError(f"the checkpoint's data set is '{name}'; allowed: a name, not a path")
    if not isinstance(stored, dict):
        # RecBole unpickles the data sets and loaders that these settings name.
        for key in ("dataset_save_path", "dataloaders_save_path"):
            stored[key] = None
        stored["checkpoint_dir"] = "saved"  # RecBole's default
        return stored
    from recbole.config import Config

    external = {k: v for k, v in stored["external"].items() if k not in _NOT_RESTORED}
    external["data_path"] = stored["data_path"]
    if "train_neg_sample_args" in stored["external"]:
        external["train_neg_sample_args"] = stored["external"]["train_neg_sample_args"]
    with _code_of(stored, os.fspath(path)):
        external |= known_metrics(stored["final"])
        with _yaml_file(external) as file, clean_argv():
            config = Config(stored["model"], stored["dataset"], config_file_list=[file])
        for key, value in stored["final"].items():
            if key not in _NOT_RESTORED and _plain(config[key]) != value:
                config[key] = value
        if stored["model"].startswith(PREFIX):
            run_settings(config)  # what the final settings name is looked for in here
    return config


@contextmanager
def _code_of(stored: Mapping[str, Any], path: str) -> Iterator[None]:
    """Make the recommender and the parts known that the run had from others.

    Raises:
        CheckpointError: If the configuration names what could not be imported.
    """
    with named_by_a_file():
        missing = import_code(stored.get("code") or [])
        try:
            yield
        except Exception as error:  # RecBole says in many ways that it does not know something
            hints = "".join(f"\n  {code}: {why}" for code, why in missing.items())
            if not hints:
                raise
            raise CheckpointError(
                f"checkpoint '{path}' was trained with code that is not here: {error}{hints}"
            ) from error


def _check_of_a_run(checkpoint: Mapping[str, Any], path: str) -> None:
    """Refuse plain data that no training saved."""
    from recbole.config import Config

    missing = {"config", "state_dict"} - set(checkpoint)
    if not missing and isinstance(checkpoint["config"], dict):
        missing = {"model", "dataset", "data_path", "external", "final"} - set(checkpoint["config"])
    if missing:
        raise CheckpointError(f"'{path}' is no checkpoint of RecBole's: no {sorted(missing)} in it")
    if not isinstance(checkpoint["config"], dict | Config):
        found = type(checkpoint["config"]).__name__
        raise CheckpointError(f"'{path}' is no checkpoint of RecBole's: its config is a {found}")


@contextmanager
def clean_argv() -> Iterator[None]:
    """Hide the command line: ``Config`` reads settings from it, whoever started the process."""
    argv = sys.argv
    sys.argv = argv[:1]
    try:
        yield
    finally:
        sys.argv = argv


@contextmanager
def _yaml_file(values: Mapping[str, Any]) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        path.write_text(yaml.safe_dump(dict(values)), encoding="utf-8")
        yield str(path)


def _plain(value: Any) -> Any:
    """The value with mappings and sequences of plain data only; other objects as text."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def _refuse_torchscript(path: str | os.PathLike[str]) -> None:
    """``torch.load`` hands archives with TorchScript to the JIT, which would run them."""
    with zipfile.ZipFile(path) as archive:
        if any(name.endswith("/constants.pkl") for name in archive.namelist()):
            raise CheckpointError(f"'{os.fspath(path)}' holds a program, not a checkpoint")


def _stock_pickle() -> types.ModuleType:
    """A stand-in for the ``pickle`` module whose unpickler knows RecBole's checkpoints only."""

    class StockUnpickler(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            if (module, name) in _STOCK_GLOBALS:
                return getattr(import_module(module), name)
            if module.startswith("recbole.model.") and "." not in name:
                found = getattr(import_module(module), name)
                if isinstance(found, type) and issubclass(found, torch.nn.Module):
                    return found
            raise pickle.UnpicklingError(f"it asks for '{module}.{name}'")

    stand_in = types.ModuleType("pickle")
    stand_in.Unpickler = StockUnpickler  # type: ignore[attr-defined]
    stand_in.UnpicklingError = pickle.UnpicklingError  # type: ignore[attr-defined]
    return stand_in
