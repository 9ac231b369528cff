"""Shims for ``run(nproc=...)`` and ``worker``, as those of :mod:`.compat`."""

from __future__ import annotations

import functools
import logging
import multiprocessing
import os
from importlib import import_module
from typing import Any

from recbole_showcase.console import is_quiet
from recbole_showcase.integration.compat import LibraryView, recbole_modules

# What RecBole leaves out in all processes of a host but the first, and what it should as well.
_OTHERS = {"state": "error", "show_progress": False, "verbose": False, "log_wandb": False}


def apply() -> None:
    """Let several processes run together; call after RecBole's packages are imported."""
    _processes_on_cpu()
    _ensure_dir_together()
    _one_log()
    _written_before_read()
    _workers_by_fork()


def _processes_on_cpu() -> None:
    """``run(nproc=...)`` starts its processes with NCCL and CUDA, whatever the machine has.

    Without CUDA the processes meet through gloo and stay on the CPU. Upstream: the backend is a
    constant in ``Config._init_device``. Can go when RecBole makes it a setting.
    """
    import torch

    config_class = import_module("recbole.config.configurator").Config
    trainer = import_module("recbole.trainer.trainer")
    init_device = config_class._init_device
    data_parallel = trainer.DistributedDataParallel

    @functools.wraps(init_device)
    def _init_device(self: Any) -> None:
        settings = self.final_config_dict
        if torch.cuda.is_available() or "local_rank" not in settings:
            init_device(self)
        else:
            torch.distributed.init_process_group(
                "gloo",
                rank=settings["local_rank"] + settings["offset"],
                world_size=settings["world_size"],
                init_method=f"tcp://{settings['ip']}:{settings['port']}",
            )
            settings.update(device=torch.device("cpu"), single_spec=False, gpu_id="")
        if settings["local_rank"] != 0:
            settings.update(_OTHERS)

    @functools.wraps(data_parallel)
    def _data_parallel(module: torch.nn.Module, device_ids: list[int] | None = None) -> Any:
        on_cpu = next(module.parameters()).device.type == "cpu"
        return data_parallel(module, device_ids=None if on_cpu else device_ids)

    config_class._init_device = _init_device
    trainer.DistributedDataParallel = _data_parallel  # type: ignore[attr-defined]


def _ensure_dir_together() -> None:
    """Processes of one run make ``log/`` at once; who comes second finds it there and fails.

    Upstream: ``ensure_dir`` in ``recbole.utils.utils`` looks before it makes. Can go when it
    allows for a folder that is there.
    """
    original = import_module("recbole.utils.utils").ensure_dir

    @functools.wraps(original)
    def ensure_dir(dir_path: str) -> None:
        os.makedirs(dir_path, exist_ok=True)

    for module in recbole_modules():
        if getattr(module, "ensure_dir", None) is original:
            module.ensure_dir = ensure_dir  # type: ignore[attr-defined]


class _NoTensorBoard:
    """A writer for TensorBoard that writes nothing."""

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("add_"):
            raise AttributeError(name)
        return lambda *args, **kwargs: None


def _one_log() -> None:
    """Each process opens a log and a folder for TensorBoard; those after the first say nothing.

    Their logs stay empty, and their events are the first one's again. Upstream: ``init_logger`` and
    ``get_tensorboard`` of RecBole 1.2.1 do not ask which process it is. Can go when they do.

    Where it is to be quiet, the console has warnings alone and the file has everything, while
    RecBole's ``state`` decides for both.
    """
    import torch

    logger, utils = import_module("recbole.utils.logger"), import_module("recbole.utils.utils")
    file_handler, get_tensorboard = logging.FileHandler, utils.get_tensorboard
    distributed = torch.distributed

    def handler_that_waits(path: str) -> logging.FileHandler:
        return file_handler(path, delay=distributed.is_initialized())  # until there is a line

    def handler_of_the_console() -> logging.Handler:
        handler = logging.StreamHandler()
        if is_quiet():
            handler.addFilter(lambda record: record.levelno >= logging.WARNING)
        return handler

    @functools.wraps(get_tensorboard)
    def get_tensorboard_of_the_first(*args: Any) -> Any:
        others = distributed.is_initialized() and distributed.get_rank() != 0
        return _NoTensorBoard() if others else get_tensorboard(*args)

    logger.logging = LibraryView(  # type: ignore[attr-defined]
        logging, FileHandler=handler_that_waits, StreamHandler=handler_of_the_console
    )
    for module in recbole_modules():
        if getattr(module, "get_tensorboard", None) is get_tensorboard:
            module.get_tensorboard = get_tensorboard_of_the_first  # type: ignore[attr-defined]


def _written_before_read() -> None:
    """``Trainer.evaluate`` reads the best checkpoint, which the first process may still be writing.

    The others then end for want of it. Upstream: ``Trainer.evaluate`` of RecBole 1.2.1. Can go when
    the processes wait for each other there.
    """
    import torch

    trainer = import_module("recbole.trainer.trainer").Trainer
    evaluate = trainer.evaluate

    @functools.wraps(evaluate)
    def evaluate_when_written(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not self.config["single_spec"]:
            torch.distributed.barrier()
        return evaluate(self, *args, **kwargs)

    trainer.evaluate = evaluate_when_written


def _workers_by_fork() -> None:
    """RecBole's setting ``worker`` counts on workers that are forked, as Linux did before 3.14.

    From Python 3.14 on a fork server starts them, to which the loader travels pickled; PyTorch
    refuses that where a tensor is empty ("unable to resize file"). Where the fork server is the
    default, RecBole's loaders ask for a fork; a program that chose another way keeps it. Upstream:
    ``AbstractDataLoader`` of RecBole 1.2.1. Can go when its loaders can be pickled.
    """
    loader = import_module("recbole.data.dataloader.abstract_dataloader").AbstractDataLoader
    init = loader.__init__
    default = multiprocessing.get_all_start_methods()[0]

    @functools.wraps(init)
    def init_with_fork(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        way = multiprocessing.get_start_method(allow_none=True) or default
        if self.num_workers > 0 and way == "forkserver":
            self.multiprocessing_context = "fork"

    loader.__init__ = init_with_fork
