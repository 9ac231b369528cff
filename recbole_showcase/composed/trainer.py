"""Trainers of composed models: a base's own trainer with explanation batches beside its own."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from typing import Any

import torch
from torch.nn.utils import clip_grad_norm_

from recbole_showcase.composed.evaluating import ExplainedEvaluation
from recbole_showcase.composed.losses import NamedLosses
from recbole_showcase.composed.processes import Processes, leave_to_itself
from recbole_showcase.composed.progress import (
    changed_attributes,
    marks_of,
    restore_attributes,
)
from recbole_showcase.composed.randomness import orders_of, restore_streams, stream_states
from recbole_showcase.console import progress_bar
from recbole_showcase.data.batch import TrainingBatch
from recbole_showcase.data.loader import ExplanationLoader
from recbole_showcase.integration.checkpoint import load_checkpoint, save_checkpoint
from recbole_showcase.integration.collector import ShowcaseCollector
from recbole_showcase.integration.evaluator import JoinedEvaluator, ShowcaseEvaluator
from recbole_showcase.integration.metrics import ExplanationMetric
from recbole_showcase.integration.own_files import claimed
from recbole_showcase.integration.ray_tune import trial_id
from recbole_showcase.integration.stages import stage


class ShowcaseTrainerMixin(ExplainedEvaluation, NamedLosses):
    """Put before a RecBole trainer class; trains, evaluates and saves a composed model."""

    saved_model_file: str
    epochs: int
    stopping_step: int
    optimizer: torch.optim.Optimizer

    def __init__(self, config: Any, model: Any) -> None:
        self._part_optimizers: list[torch.optim.Optimizer] = []
        self.processes = model.processes = Processes.of(config)
        if self.processes.count > 1:
            leave_to_itself(model, "showcase")
        super().__init__(config, model)
        self.processes.begin_alike(model.showcase)
        model.has_trainer = True
        self._marks = marks_of(model)
        self._patience = self.stopping_step
        # A base that fits at once has one epoch; the explainer has as many as are asked for.
        self._base_epochs = self.epochs if self.epochs < config["epochs"] else math.inf
        self.epochs = config["epochs"]
        self.settings = model.showcase.settings
        self.loader = ExplanationLoader(
            model.showcase.data,
            config["seed"],
            selection=bool(model.showcase.selection_loss_names),
            writing=bool(model.showcase.explainer.loss_names),
            place=self.processes.place,
            processes=self.processes.count,
        )
        self.eval_collector = ShowcaseCollector(config)
        self._orders: list[torch.Generator] = []  # those of the training batches
        self._resumed_streams: dict[str, Any] | None = None
        self._told = set()
        if trial := trial_id():  # others may begin in the same second
            stem, suffix = os.path.splitext(self.saved_model_file)
            self.saved_model_file = f"{stem}-{trial}{suffix}"
        if self.processes.writes:
            self.saved_model_file = claimed(self.saved_model_file, self)
        if config["single_spec"]:
            self.evaluator = ShowcaseEvaluator(config)
        else:
            self.evaluator = JoinedEvaluator(config)
            # The name holds the time, on which processes need not agree.
            name = [self.saved_model_file]
            torch.distributed.broadcast_object_list(name, src=0)
            (self.saved_model_file,) = name

    # Training

    def fit(self, train_data: Any, *args: Any, **kwargs: Any) -> Any:
        """RecBole's; a resumed run draws on from where the saved one was.

        If ``valid_metric`` is defined at no validation, the result and the checkpoint are those of
        the last one.
        """
        self.require_needs()
        self._orders = orders_of(train_data)
        # The checkpoint has the streams of the first process; others must not draw the same.
        if self._resumed_streams is not None and self.config["single_spec"]:
            restore_streams(self._resumed_streams, self._orders)
        found = super().fit(train_data, *args, **kwargs)
        if self._undefined and math.isinf(self.best_valid_score):
            self.logger.warning(
                f"valid_metric '{self.valid_metric}' was defined at no validation: no epoch could "
                "be chosen by it, and the last one validated was kept"
            )
        return found

    def require_needs(self) -> None:
        """Look, before the first epoch, at what training and evaluation need beside the settings.

        Raises:
            ShowcaseError: If it is not there: a pipeline that finds entities, a lexicon to mine.
        """
        data = self.model.showcase.data
        with stage(self.config, "entities of the texts"):
            data.require_entities()
        resources = self.eval_collector.resources
        resources.data = data
        for metric in self.evaluator.metric_class.values():
            if isinstance(metric, ExplanationMetric):
                metric.require(resources)

    def _build_optimizer(self, **kwargs: Any) -> torch.optim.Optimizer:
        """The base's optimizer, with the explanation side as a parameter group of its own."""
        if "params" in kwargs:  # the base trains parts of its model by optimizers of their own
            self._part_optimizers.append(super()._build_optimizer(**kwargs))
            return self._part_optimizers[-1]
        settings = self.model.showcase.settings
        head = list(self.model.showcase.parameters())
        base = self._base_parameters()
        group = {
            "params": head,
            "lr": settings.learning_rate,
            "weight_decay": settings.weight_decay,
        }
        optimizer = super()._build_optimizer(params=[{"params": base}, group], **kwargs)
        if isinstance(optimizer, torch.optim.Adam | torch.optim.AdamW):
            # One kernel for all of a step; the recommender's keeps to the digits of a stock run.
            optimizer.param_groups[1]["fused"] = self.device.type in ("cpu", "cuda")
        if settings.clip_grad_norm > 0:

            def clip(*_: Any) -> None:
                clip_grad_norm_(head, settings.clip_grad_norm)

            optimizer.register_step_pre_hook(clip)
        return optimizer

    def _base_parameters(self) -> list[torch.nn.Parameter]:
        own = {id(parameter) for parameter in self.model.showcase.parameters()}
        return [p for p in self.model.parameters() if id(p) not in own]

    def sync_grad_loss(self) -> Any:
        """RecBole's zero that gives every parameter a gradient, of the recommender's alone."""
        return sum(parameter.sum() * 0 for parameter in self._base_parameters())

    def _train_epoch(
        self, train_data: Any, epoch_idx: int, loss_func: Any = None, show_progress: bool = False
    ) -> tuple[float, ...]:
        """One epoch of the schedule; see ``docs/architecture.md``.

        Returns:
            The sums of the losses over the epoch, the base's first.
        """
        staged = self.settings.schedule == "staged"
        recommend_until = self.settings.staged_epochs if staged else math.inf
        recommend = epoch_idx < min(recommend_until, self._base_epochs)
        explain = not staged or epoch_idx >= recommend_until
        if staged:
            self._enter_stage(epoch_idx, explain)
        self.model.explanation_epoch = epoch_idx
        if explain:
            self.model.showcase.explainer.begin_epoch(
                epoch_idx - (self.settings.staged_epochs if staged else 0)
            )
        batches = self.loader.epoch(epoch_idx) if explain else iter(())
        losses: Any = 0.0
        if recommend:
            joint = self.settings.schedule == "joint" and not self._part_optimizers
            self.model.next_training_batch = (
                _spread(batches, len(self.loader), len(train_data)) if joint else None
            )
            whole = self.optimizer
            try:
                losses = super()._train_epoch(train_data, epoch_idx, loss_func, show_progress)
            finally:
                self.model.next_training_batch = None
                self.optimizer = whole
        self._explanation_steps(batches, epoch_idx, show_progress)
        return (*_flat(losses), *self._taken_explanation_losses())

    def _enter_stage(self, epoch_idx: int, explain: bool) -> None:
        """Let each stage of ``staged`` have a best epoch of its own, and the second one begin.

        A score of a recommender alone would stop the training before its explainer has learned, or
        keep an epoch in which it knew nothing.
        """
        self.stopping_step = self._patience if explain else self.epochs + 1
        if explain and epoch_idx == self.settings.staged_epochs:
            self.cur_step = 0
            self.best_valid_score = -math.inf if self.valid_metric_bigger else math.inf
            self.best_valid_result = None

    def _taken_explanation_losses(self) -> tuple[float, ...]:
        """Sums of the explanation losses since this was last asked, over all processes."""
        none = torch.zeros(len(self.model.showcase.loss_names), device=self.device)
        sums = torch.stack([none, *self.model.explanation_losses]).double().sum(dim=0)
        self.model.explanation_losses.clear()
        return tuple(self.processes.mean(sums).tolist())

    def _explanation_steps(
        self, batches: Iterator[TrainingBatch], epoch_idx: int, show_progress: bool
    ) -> None:
        """Optimizer steps on explanation batches alone, as RecBole's on its own batches."""
        if not self.model.training:  # a base, such as SGL, may draw random numbers at each call
            self.model.train()
        scaler = torch.amp.GradScaler(self.device.type, enabled=self.enable_scaler)
        name = f"Explain {epoch_idx:>5}"
        for batch in progress_bar(batches, desc=name, ncols=100, shown=show_progress):
            self.optimizer.zero_grad()
            with torch.autocast(device_type=self.device.type, enabled=self.enable_amp):
                loss = self.model.explanation_step(batch)
            self._check_nan(loss)
            scaler.scale(loss).backward()
            scaler.step(self.optimizer)
            scaler.update()

    # Saving

    def _save_checkpoint(self, epoch: int, verbose: bool = True, **kwargs: Any) -> None:
        """Write what RecBole's trainer writes, as plain data."""
        if not self.processes.writes:
            return
        path = kwargs.pop("saved_model_file", self.saved_model_file)
        state = {
            "config": self.config,
            "epoch": epoch,
            "cur_step": self.cur_step,
            "best_valid_score": self.best_valid_score,
            "state_dict": self.model.state_dict(),
            "other_parameter": self.model.other_parameter(),
            "attributes": changed_attributes(self.model, self._marks),
            "optimizer": self.optimizer.state_dict(),
            "part_optimizers": [part.state_dict() for part in self._part_optimizers],
            "streams": stream_states(self._orders),
            "data": {
                "tokens": self.model.remembered_tokens,
                "tokenizer": self.model.showcase.data.tokenizer.to_text(),
                **self._marks_of_data(),
            },
        }
        save_checkpoint(state, path)
        if verbose:
            self.logger.info(f"Saving current: {path}")

    def _marks_of_data(self) -> dict[str, Any]:
        """By which the rows, reviews and photos of this run are known again when there are more."""
        marks = self.model.showcase.data.marks
        if marks is None:
            return {}
        return {"marks": {k: torch.from_numpy(v) for k, v in marks.to_plain().items()}}

    def save_pretrained_model(self, epoch: int, saved_model_file: str) -> None:
        """Write the checkpoint of a pretraining stage, as RecBole's pretrainers do."""
        self._save_checkpoint(epoch, verbose=False, saved_model_file=saved_model_file)
        self.saved_model_file = saved_model_file

    def resume_checkpoint(self, resume_file: Any) -> None:
        """RecBole's, with what it leaves out: optimizers of parts, random numbers, counters."""
        super().resume_checkpoint(resume_file)
        checkpoint = load_checkpoint(resume_file, map_location=self.device)
        parts = checkpoint.get("part_optimizers", [])
        for optimizer, state in zip(self._part_optimizers, parts, strict=True):
            optimizer.load_state_dict(state)
        restore_attributes(self.model, checkpoint.get("attributes", {}))
        self._resumed_streams = checkpoint.get("streams")
        self._count = self.start_epoch // self.eval_step if self.eval_step > 0 else 0


def _flat(losses: Any) -> tuple[float, ...]:
    """The losses of an epoch as one tuple: a base may give a number, or tuples of stages."""
    if not isinstance(losses, tuple):
        return (losses,)
    return tuple(value for part in losses for value in _flat(part))


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
