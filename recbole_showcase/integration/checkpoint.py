"""Checkpoints: ours hold plain data, RecBole's a pickled ``Config``; neither may run code.

RecBole reads a checkpoint with ``torch.load`` and trusts it. Here a file is read as data, of which
nothing is called. As RecBole reads it, only what this process wrote itself is read, and what the
caller trusts.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from recbole_showcase.arguments import check_file
from recbole_showcase.errors import CheckpointError, one_line
from recbole_showcase.files.plain import require_bounded
from recbole_showcase.files.recorded import Placeholder
from recbole_showcase.files.replace import replaced_stream
from recbole_showcase.integration.archive import require_sound
from recbole_showcase.integration.config import run_settings
from recbole_showcase.integration.hooks import PREFIX
from recbole_showcase.integration.metrics import known_metrics
from recbole_showcase.integration.named_paths import (
    Permission,
    chosen_paths,
    permission,
    require_allowed,
    signed_paths,
)
from recbole_showcase.integration.outside import code_of_run, import_code
from recbole_showcase.integration.own_files import note_written, written_here
from recbole_showcase.integration.plain import from_plain, to_plain
from recbole_showcase.integration.rebuild import Rebuilder, is_module
from recbole_showcase.integration.unpickle import read_recorded
from recbole_showcase.parts import named_by_a_file

FORMAT = "recbole_showcase/1"

# Derived by ``Config`` from other keys, or describing the machine, or naming files to unpickle, or
# having RecBole write files or to a service, which a file is not to ask for.
_NOT_RESTORED = {
    "MODEL_INPUT_TYPE",
    "MODEL_TYPE",
    "checkpoint_dir",
    "data_path",
    "dataset",
    "dataloaders_save_path",
    "dataset_save_path",
    "device",
    "eval_type",
    "gpu_id",
    "local_rank",
    "log_wandb",
    "metrics",  # see known_metrics
    "model",
    "nproc",
    "offset",
    "save_dataloaders",
    "save_dataset",
    "single_spec",
    "test_neg_sample_args",
    "train_neg_sample_args",
    "use_gpu",
    "valid_metric",
    "valid_metric_bigger",
    "valid_neg_sample_args",
    "wandb_project",
    "world_size",
}
_STORED = {"model": str, "dataset": str, "data_path": str, "external": dict, "final": dict}
_SETTINGS = ("external_config_dict", "final_config_dict")
# Parts of a checkpoint that models and optimizers give: numbers of NumPy's may be in them.
_GIVEN = ("other_parameter", "attributes", "optimizer", "part_optimizers")
# What KD_DAGFM passes to ``eval``.
TEACHERS = ("CIN", "CrossNet", "DAGFM")


def save_checkpoint(state: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a checkpoint of plain data, whole or not at all.

    Args:
        state: As RecBole's trainer collects it: ``config``, ``epoch``, ``state_dict`` and so on.
        path: The file.

    Raises:
        OSError: The disk is full or cannot be written; the file is as it was.
    """
    config = state["config"]
    stored = _stored(vars(config))
    plain = {
        **state,
        **{key: to_plain(state[key], key) for key in _GIVEN if key in state},
        "format": FORMAT,
        "config": {**stored, "code": code_of_run(config)},
        "paths": signed_paths(stored, _NOT_RESTORED),
        "best_valid_score": float(state.get("best_valid_score", "nan")),
    }
    with replaced_stream(Path(path)) as file:
        torch.save(plain, file)
    note_written(path)


def load_checkpoint(
    path: str | os.PathLike[str], map_location: Any = None, trusted: bool = False, **_: Any
) -> dict[str, Any]:
    """Read a checkpoint of ours or of RecBole's without running code from it.

    A file that this process wrote through RecBole's trainer, unchanged since, is read as RecBole
    reads it.

    Args:
        path: The file.
        map_location: As in ``torch.load``.
        trusted: Whether to read it as RecBole does, with whatever code it asks for. For files of
            people you trust as you would to run their programs.
        **_: Other arguments of ``torch.load``, which RecBole does not use.

    Returns:
        The state. Its ``config`` is a mapping with ``model`` and ``dataset``, or a RecBole
        ``Config`` where RecBole's own file was read as RecBole does.

    Raises:
        CheckpointError: If the file is missing or damaged, or holds what is no data.
    """
    name = os.fspath(path)
    check_file(CheckpointError, "checkpoint", path)
    try:
        require_sound(path)
        if trusted or written_here(path):
            state = torch.load(path, map_location=map_location, weights_only=False)
        else:
            state = _data_of(read_recorded(path, map_location))
        if isinstance(state, dict):
            state.update({key: from_plain(state[key]) for key in _GIVEN if key in state})
    except CheckpointError:
        raise
    except RecursionError as error:
        raise CheckpointError(f"checkpoint '{name}' is refused: it is nested too deeply") from error
    except Exception as error:  # damaged archives raise nearly anything in zipfile and torch
        raise CheckpointError(f"checkpoint '{name}' is refused: {error}") from error
    if not isinstance(state, dict):
        raise CheckpointError(f"'{name}' is not a checkpoint: it holds a {type(state).__name__}")
    return state


def _data_of(recorded: Any) -> Any:
    """The data of a recorded checkpoint, with a mapping for the configuration in it."""
    rebuild = Rebuilder()
    if type(recorded) is not dict:
        return rebuild(recorded)
    recorded = dict(recorded)
    if _is_config(recorded.get("config")):
        lenient = Rebuilder(strict=False)
        settings = recorded["config"].state
        both = {key: lenient(settings[key]) for key in _SETTINGS}
        require_bounded(both)
        recorded["config"] = _stored(both)
    if type(recorded.get("other_parameter")) is dict:
        # Modules: what they know is in the state dict.
        recorded["other_parameter"] = {
            key: value for key, value in recorded["other_parameter"].items() if not is_module(value)
        }
    found = rebuild(recorded)
    require_bounded(found)
    return found


def _is_config(recorded: Any) -> bool:
    """Whether it stands for a RecBole ``Config``, or one of a class derived from it."""
    if type(recorded) is not Placeholder or type(recorded.state) is not dict:
        return False
    return set(_SETTINGS) <= set(recorded.state)


def _stored(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a checkpoint holds of a ``Config``, given its attributes."""
    final = config["final_config_dict"]
    return {
        "model": final["model"],
        "dataset": final["dataset"],
        "data_path": os.path.abspath(Path(final["data_path"]).parent),
        "external": _plain(config["external_config_dict"]),
        "final": _plain(final),
    }


def restored_config(
    checkpoint: Mapping[str, Any],
    path: str | os.PathLike[str] = "checkpoint",
    data_path: str | os.PathLike[str] | None = None,
    may: Permission | None = None,
) -> Any:
    """The RecBole ``Config`` of a checkpoint.

    The stored values reach ``Config`` as YAML, since it evaluates strings that come in a dict.
    Settings whose defaults have changed since are set to what they were. A ``Config`` of RecBole's,
    which only a trusted file gives, stays as it is, but for the data's folder.

    Args:
        checkpoint: As returned by :func:`load_checkpoint`.
        path: The file.
        data_path: The folder that holds the data set's now; None for where it was.
        may: Which paths that a composed model's names are followed; by default those of this user.
            RecBole follows those of its own models.

    Raises:
        CheckpointError: If it is none of a run, names its data set by a path, or leads to files
            that its user did not choose.
    """
    _check_of_a_run(checkpoint, os.fspath(path))
    stored = checkpoint["config"]
    name = str(stored["dataset"])
    if "/" in name or "\\" in name or name in ("", ".", ".."):
        raise CheckpointError(f"the checkpoint's data set is '{name}'; allowed: a name, not a path")
    if not isinstance(stored, dict):
        if data_path is not None:
            _check_data(os.fspath(path), name, "", data_path)
            stored["data_path"] = os.path.join(data_path, name)
        return stored
    _refuse_code(stored, os.fspath(path))
    _check_data(os.fspath(path), name, stored["data_path"], data_path)
    if is_composed(stored["model"]):
        may = may or permission(checkpoint, path)
        require_allowed(stored, os.fspath(path), may, _NOT_RESTORED, data_path is not None)
    from recbole.config import Config

    external = {k: v for k, v in stored["external"].items() if k not in _NOT_RESTORED}
    external["data_path"] = os.fspath(data_path or stored["data_path"])
    if "train_neg_sample_args" in stored["external"]:
        external["train_neg_sample_args"] = stored["external"]["train_neg_sample_args"]
    with _code_of(stored, os.fspath(path)):
        external |= known_metrics(stored["final"])
        with _yaml_file(external) as file, clean_argv():
            config = Config(stored["model"], stored["dataset"], config_file_list=[file])
        for key, value in stored["final"].items():
            if key not in _NOT_RESTORED and _plain(config[key]) != value:
                config[key] = value
        if is_composed(stored["model"]):
            run_settings(config)  # what the final settings name is looked for in here
    return config


def is_composed(model: str) -> bool:
    """Whether a model of a checkpoint, by its name, is one that explains."""
    return model.lower().startswith(PREFIX.lower())


def paths_to_follow(
    path: str | os.PathLike[str],
    data_path: str | os.PathLike[str] | None = None,
    allow_paths: Sequence[str | os.PathLike[str]] = (),
) -> list[str]:
    """What a composed model's checkpoint leads to outside the working directory, as it may.

    For processes that share work: they may be where the user's key is not.

    Args:
        path: The file.
        data_path: As in :func:`restored_config`.
        allow_paths: What the caller allows.

    Raises:
        CheckpointError: As in :func:`restored_config`.
    """
    checkpoint = load_checkpoint(path, map_location="cpu")
    _check_of_a_run(checkpoint, os.fspath(path))
    stored, may = checkpoint["config"], permission(checkpoint, path, allow_paths)
    if not isinstance(stored, dict):
        return []
    require_allowed(stored, os.fspath(path), may, _NOT_RESTORED, data_path is not None)
    return chosen_paths(stored, may, _NOT_RESTORED)


def _check_data(path: str, name: str, stored: str, given: str | os.PathLike[str] | None) -> None:
    """Refuse a data set that is not there, which RecBole would look for in the network.

    Raises:
        CheckpointError: It is not there; says who named it.
    """
    folder = os.path.join(stored if given is None else os.fspath(given), name)
    if not os.path.isdir(folder):
        who = f"where checkpoint '{path}' was trained" if given is None else "as data_path says"
        raise CheckpointError(
            f"there is no data set '{one_line(folder)}', {who}; name the folder that holds the "
            f"folder '{name}' by data_path, or --data-path on the command line"
        )


def _refuse_code(stored: Mapping[str, Any], path: str) -> None:
    """Refuse the one setting whose text a model of RecBole's evaluates."""
    for settings in (stored["external"], stored["final"]):
        teacher = settings.get("teacher", TEACHERS[0])
        if teacher not in TEACHERS:
            raise CheckpointError(
                f"checkpoint '{path}' has the teacher {teacher!r}; allowed: {list(TEACHERS)}"
            )


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
        config = checkpoint["config"]
        missing = {key for key, kind in _STORED.items() if not isinstance(config.get(key), kind)}
        if not isinstance(config.get("code") or [], list):
            missing.add("code")
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
        return {
            key if type(key) in (bool, int, float) else str(key): _plain(item)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple, set)):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    for kinds, plain in (
        ((bool, np.bool_), bool),
        ((int, np.integer), int),
        ((float, np.floating), float),
    ):
        if isinstance(value, kinds):
            return plain(value)
    return None if value is None else str(value)
