"""RecBole's entry points as this package replaces them.

They live in a module of ours on purpose: a spawned process or a ray worker that unpickles one
imports this package first, and so knows the composed models.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from logging import getLogger
from typing import Any

from recbole_showcase.integration.checkpoint import clean_argv
from recbole_showcase.integration.outside import code_of_others, import_code, import_expected

ORIGINALS: dict[str, Callable[..., Any]] = {}


class _RunRecboles:
    """RecBole's worker of ``run(nproc=...)``, started where the composed models are known.

    Pickles with the code of others that is known here, so that the new process knows it too.
    """

    def __call__(self, rank: int, *args: Any) -> None:
        import recbole.quick_start  # noqa: F401 - registers, and fills ORIGINALS

        ORIGINALS["run_recboles"](rank, *args)

    def __reduce__(self) -> tuple[Any, ...]:
        return _worker_knowing, (code_of_others(),)


def _worker_knowing(code: list[Mapping[str, Any]]) -> _RunRecboles:
    import_code(code)
    return run_recboles


run_recboles = _RunRecboles()


def objective_function(
    config_dict: dict[str, Any] | None = None,
    config_file_list: list[str] | None = None,
    saved: bool = True,
) -> Any:
    """RecBole's objective of ``HyperTuning`` and ray, run where the composed models are known.

    Args:
        config_dict: The point of the search space. Whole numbers of ours may come as floats, as
            ``quniform`` gives them.
        config_file_list: Files with all other settings.
        saved: Whether to write checkpoints.

    Returns:
        What RecBole's gives, in plain numbers. In a trial of ray's also each test figure by its
        name: ray takes what is returned as one more report, and a scheduler that does not find its
        metric in a report ends the search.
    """
    import recbole.quick_start  # noqa: F401 - registers, and fills ORIGINALS, in the new process

    import_expected()
    from recbole_showcase.integration.experiments import plain_result, whole_numbers
    from recbole_showcase.integration.ray_tune import trial_id

    point = whole_numbers(config_dict or {})
    trial = trial_id()
    with clean_argv() if trial else nullcontext():  # a worker's arguments are ray's own
        result = plain_result(ORIGINALS["objective_function"](point, config_file_list, saved))
    return {**result["test_result"], **result} if trial else result


def load_data_and_model(
    model_file: str,
    trusted: bool = False,
    data_path: str | os.PathLike[str] | None = None,
    allow_paths: Sequence[str | os.PathLike[str]] = (),
) -> tuple[Any, ...]:
    """Load the data and the model of a checkpoint, ours or RecBole's, without running its code.

    Args:
        model_file: The checkpoint.
        trusted: Whether to read it as RecBole does, with whatever code and files it asks for.
        data_path: The folder that holds the data set's, when it is not where training found it.
        allow_paths: Files and folders that the settings of a composed model may name though they
            are outside the working directory and in no training of yours.

    Returns:
        ``config, model, dataset, train_data, valid_data, test_data`` as RecBole gives them.

    Raises:
        CheckpointError: If the file is damaged or hostile, or leads to what you did not choose.
    """
    from recbole.utils import init_logger

    from recbole_showcase.integration.checkpoint import load_checkpoint, restored_config
    from recbole_showcase.integration.named_paths import permission

    checkpoint = load_checkpoint(model_file, map_location="cpu", trusted=trusted)
    may = permission(checkpoint, model_file, allow_paths, trusted)
    config = restored_config(checkpoint, model_file, data_path, may)
    init_logger(config)
    getLogger().info(config)
    return restore(checkpoint, config)


def restore(checkpoint: Mapping[str, Any], config: Any) -> tuple[Any, ...]:
    """Build the data and the model of a checkpoint; see :func:`load_data_and_model`."""
    from recbole.data import create_dataset, data_preparation
    from recbole.utils import get_model, init_seed

    from recbole_showcase.integration.remembered import data_of
    from recbole_showcase.parts import named_by_a_file

    init_seed(config["seed"], config["reproducibility"])
    with data_of(checkpoint), named_by_a_file():
        dataset = create_dataset(config)
        getLogger().info(dataset)
        train_data, valid_data, test_data = data_preparation(config, dataset)
    init_seed(config["seed"], config["reproducibility"])
    with named_by_a_file():
        model = get_model(config["model"])(config, train_data._dataset).to(config["device"])
    model.load_state_dict(checkpoint["state_dict"])
    model.load_other_parameter(checkpoint.get("other_parameter"))
    return config, model, dataset, train_data, valid_data, test_data
