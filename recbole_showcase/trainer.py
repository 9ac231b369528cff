"""Trainers of composed models: a base's own trainer with explanation batches beside its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.utils import clip_grad_norm_
from tqdm import tqdm

from recbole_showcase.data.batch import TrainingBatch
from recbole_showcase.data.explanation import ExplanationLoader
from recbole_showcase.integration.checkpoint import save_checkpoint
from recbole_showcase.integration.collector import ShowcaseCollector
from recbole_showcase.integration.metrics import is_explanation_metric
from recbole_showcase.results import save_result

if TYPE_CHECKING:
    from recbole.trainer import Trainer
else:
    Trainer = object


class ShowcaseTrainerMixin(Trainer):
    """Put before a RecBole trainer class; trains, evaluates and saves a composed model."""

    saved_model_file: str

    def __init__(self, config: Any, model: Any) -> None:
        super().__init__(config, model)
        self.settings = model.showcase.settings
        self.loader = ExplanationLoader(
            model.showcase.data,
            config["seed"],
            selection=bool(model.showcase.selection_loss_names),
        )
        self.eval_collector = ShowcaseCollector(config)
        self._validations: int | None = None  # how many there were; None outside of one
        if not config["single_spec"]:
            # The name holds the time, on which processes need not agree.
            name = [self.saved_model_file]
            torch.distributed.broadcast_object_list(name, src=0)
            (self.saved_model_file,) = name

    # Training

    def _build_optimizer(self, **kwargs: Any) -> torch.optim.Optimizer:
        """The base's optimizer, with the explanation side as a parameter group of its own."""
        if "params" in kwargs:  # the base trains a part of its own model
            return super()._build_optimizer(**kwargs)
        settings = self.model.showcase.settings
        head = list(self.model.showcase.parameters())
        own = {id(parameter) for parameter in head}
        base = [p for p in self.model.parameters() if id(p) not in own]
        group = {
            "params": head,
            "lr": settings.learning_rate,
            "weight_decay": settings.weight_decay,
        }
        optimizer = super()._build_optimizer(params=[{"params": base}, group], **kwargs)
        if settings.clip_grad_norm > 0:

            def clip(*_: Any) -> None:
                clip_grad_norm_(head, settings.clip_grad_norm)

            optimizer.register_step_pre_hook(clip)
        return optimizer

    def _train_epoch(
        self, train_data: Any, epoch_idx: int, loss_func: Any = None, show_progress: bool = False
    ) -> tuple[float, ...]:
        """One epoch of the schedule; see ``docs/architecture.md``.

        Returns:
            The sums of the losses over the epoch, the base's first.
        """
        staged = self.settings.schedule == "staged"
        recommend = not staged or epoch_idx < self.settings.staged_epochs
        explain = not staged or not recommend
        if explain:
            self.model.showcase.explainer.begin_epoch(epoch_idx)
        batches = self.loader.epoch(epoch_idx) if explain else iter(())
        losses: tuple[float, ...] = (0.0,) * (1 + len(self.model.showcase.loss_names))
        if recommend:
            joint = self.settings.schedule == "joint"
            self.model.next_training_batch = (
                _spread(batches, len(self.loader), len(train_data)) if joint else None
            )
            try:
                losses = super()._train_epoch(train_data, epoch_idx, loss_func, show_progress)
            finally:
                self.model.next_training_batch = None
        rest = self._explanation_steps(batches, epoch_idx, show_progress)
        split = len(losses) - len(rest)
        return (*losses[:split], *(a + b for a, b in zip(losses[split:], rest, strict=True)))

    def _explanation_steps(
        self, batches: Iterator[TrainingBatch], epoch_idx: int, show_progress: bool
    ) -> tuple[float, ...]:
        """Optimizer steps on explanation batches alone; returns the sums of their losses."""
        self.model.train()
        sums = np.zeros(len(self.model.showcase.loss_names))
        progress = tqdm(
            batches, desc=f"Explain {epoch_idx:>5}", ncols=100, disable=not show_progress
        )
        for batch in progress:
            self.optimizer.zero_grad()
            sync_loss: torch.Tensor | float = 0.0
            if not self.config["single_spec"]:
                self.set_reduce_hook()
                sync_loss = self.sync_grad_loss()
            with torch.autocast(device_type=self.device.type, enabled=self.enable_amp):
                losses = self.model.explain_loss(batch)
            loss = sum(losses)
            self._check_nan(loss)
            (loss + sync_loss).backward()
            self.optimizer.step()
            sums += [part.item() for part in losses]
        return tuple(sums.tolist())

    # Logging

    def _loss_names(self, losses: tuple[float, ...]) -> list[str]:
        own = self.model.showcase.loss_names
        n_base = len(losses) - len(own)
        base = (
            ["recommendation"]
            if n_base == 1
            else [f"recommendation {number}" for number in range(1, n_base + 1)]
        )
        return [*base, *(name.replace("_", " ") for name in own)]

    def _generate_train_loss_output(
        self, epoch_idx: int, s_time: float, e_time: float, losses: tuple[float, ...]
    ) -> str:
        """RecBole's line with the names of the losses in place of their numbers."""
        line = super()._generate_train_loss_output(epoch_idx, s_time, e_time, losses)
        for number, name in reversed(list(enumerate(self._loss_names(losses), start=1))):
            line = line.replace(f"train_loss{number}", f"{name} loss")
        return line

    def _add_train_loss_to_tensorboard(
        self, epoch_idx: int, losses: tuple[float, ...], tag: str = "Loss/Train"
    ) -> None:
        """Each loss under its name."""
        for name, loss in zip(self._loss_names(losses), losses, strict=True):
            self.tensorboard.add_scalar(f"{tag} {name}", loss, epoch_idx)

    # Evaluation

    def _valid_epoch(self, valid_data: Any, show_progress: bool = False) -> tuple[float, Any]:
        self._validations = self._count = getattr(self, "_count", 0) + 1
        try:
            return super()._valid_epoch(valid_data, show_progress)
        finally:
            self._validations = None

    def evaluate(self, eval_data: Any, *args: Any, **kwargs: Any) -> Any:
        """RecBole's evaluation, with explanations of rows of the split for the metrics."""
        self.eval_collector.rows = self._rows_to_explain(eval_data) if eval_data else None
        if not self.config["single_spec"]:
            torch.distributed.barrier()  # the checkpoint to load is written by the first process
        result = super().evaluate(eval_data, *args, **kwargs)
        if result and self._validations is None and os.path.isfile(self.saved_model_file):
            save_result(self.saved_model_file, result)
        return result

    def _rows_to_explain(self, eval_data: Any) -> np.ndarray | None:
        """Rows of the split to explain now, the same ones at every validation; None for none."""
        settings = self.settings
        if self._validations is not None:
            step = settings.eval_step
            due = bool(step) and self._validations % step == 0
            if not due and not is_explanation_metric(self.valid_metric):
                return None
        limit = settings.valid_pairs if self._validations is not None else settings.test_pairs
        split = eval_data._dataset
        rows = np.sort(split.showcase.samples(split.showcase_rows))
        if limit and len(rows) > limit:
            random = np.random.default_rng(self.config["seed"])
            rows = np.sort(random.choice(rows, limit, replace=False))
        return rows

    # Saving

    def _save_checkpoint(self, epoch: int, verbose: bool = True, **kwargs: Any) -> None:
        """Write what RecBole's trainer writes, as plain data."""
        if not self.config["single_spec"] and self.config["local_rank"] != 0:
            return
        path = kwargs.pop("saved_model_file", self.saved_model_file)
        state = {
            "config": self.config,
            "epoch": epoch,
            "cur_step": self.cur_step,
            "best_valid_score": self.best_valid_score,
            "state_dict": self.model.state_dict(),
            "other_parameter": self.model.other_parameter(),
            "optimizer": self.optimizer.state_dict(),
        }
        save_checkpoint(state, path)
        if verbose:
            self.logger.info(f"Saving current: {path}")


def _spread(batches: Iterator[TrainingBatch], n_batches: int, n_steps: int) -> Any:
    """A function to call at each of ``n_steps`` steps: the next batch, or None where none is due.

    With more batches than steps, each step gets one and the rest stays in the iterator; with
    fewer, they are spread evenly.
    """
    share = min(n_batches / max(n_steps, 1), 1.0)
    step = 0

    def next_batch() -> TrainingBatch | None:
        nonlocal step
        step += 1
        due = int(step * share + 1e-9) > int((step - 1) * share + 1e-9)
        return next(batches, None) if due else None

    return next_batch
