"""How a trainer evaluates: which rows are explained when, and what is kept of a test."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recbole_showcase.composed.processes import Processes
from recbole_showcase.data.corpus import TEST
from recbole_showcase.evaluation.results import Basis, save_result, save_user_sums, user_sums_file
from recbole_showcase.evaluation.surroundings import Surroundings, surroundings
from recbole_showcase.integration.metrics import is_explanation_metric
from recbole_showcase.settings import ShowcaseSettings

if TYPE_CHECKING:
    from recbole.trainer import Trainer
else:
    Trainer = object


class ExplainedEvaluation(Trainer):
    """A RecBole trainer of a composed model, as far as it evaluates.

    Attributes:
        settings: Those of the composed model.
        processes: Those that evaluate together.
    """

    settings: ShowcaseSettings
    processes: Processes
    _count = 0  # how many validations there were
    _validations: int | None = None  # the number of the one under way; None outside of one
    _undefined = False  # whether valid_metric has been NaN
    _told: set[str]  # lines of the log that need not be said again

    def _valid_epoch(self, valid_data: Any, show_progress: bool = False) -> tuple[float, Any]:
        self._validations = self._count = self._count + 1
        try:
            score, result = super()._valid_epoch(valid_data, show_progress)
        finally:
            self._validations = None
        return self._defined(score), result

    def _defined(self, score: float) -> float:
        """The score of a validation, NaN as the worst there is.

        RecBole compares it with the best one, and keeps no epoch whose score compares with none.
        """
        if not math.isnan(score):
            return score
        if not self._undefined:
            rows = self.eval_collector.rows
            seen = "rows validated" if rows is None else f"{len(rows)} pairs explained"
            self.logger.warning(
                f"valid_metric '{self.valid_metric}' is NaN: the {seen} give it nothing to "
                "average over; such a validation counts as the worst"
            )
        self._undefined = True
        return -math.inf if self.valid_metric_bigger else math.inf

    def evaluate(
        self,
        eval_data: Any,
        load_best_model: bool = True,
        model_file: str | None = None,
        show_progress: bool = False,
    ) -> Any:
        """RecBole's evaluation, with explanations of rows of the split for the metrics."""
        self.eval_collector.rows = self._rows_to_explain(eval_data) if eval_data else None
        if not self.config["single_spec"]:
            self.evaluator.n_samples = eval_data.sample_size if eval_data else 0
        basis = self._basis(eval_data) if eval_data else None
        split = "test" if self._validations is None else "validation"
        if basis and basis.explained and f"{split}: {basis}" not in self._told:
            self._told.add(f"{split}: {basis}")
            self.logger.info(f"{split}: {basis}")
        self.model.explains_together = True
        try:
            result = super().evaluate(eval_data, load_best_model, model_file, show_progress)
        finally:
            self.model.explains_together = False
        # Without loading, the weights need not be those of the file.
        if result and load_best_model and self._validations is None and self._is_test(eval_data):
            self._keep_test(model_file or self.saved_model_file, result, basis)
        return result

    def _map_reduce(self, result: Any, num_sample: int) -> Any:
        """RecBole's mean over the processes, of figures that are those of all rows already."""
        return result

    def _is_test(self, eval_data: Any) -> bool:
        split = eval_data._dataset
        splits = split.showcase.corpus.interactions.splits
        return bool((splits[split.showcase_rows] == TEST).all())

    def _basis(self, eval_data: Any) -> Basis:
        """On how many rows the figures of the evaluation rest that comes next."""
        split, explained = eval_data._dataset, self.eval_collector.rows
        return Basis(
            rows=len(split.showcase_rows),
            explained=0 if explained is None else len(explained),
            texts_unused=split.showcase.texts_unused(split.showcase_rows),
        )

    def _keep_test(self, checkpoint: str, result: dict[str, float], basis: Basis | None) -> None:
        """Leave the figures of a test, and each user's part in them, beside the checkpoint."""
        if not self.processes.writes or not os.path.isfile(checkpoint):
            return
        save_result(checkpoint, result, basis, self._surroundings())
        users, statistics = self.evaluator.user_sums()
        tokens = self.model.showcase.data.corpus.user_tokens[users]
        save_user_sums(user_sums_file(checkpoint), tokens, statistics)

    def _surroundings(self) -> Surroundings | None:
        """What the figures hang on; None where the data are not to be read any more."""
        config = self.config
        try:
            return surroundings(
                config.final_config_dict, Path(config["data_path"]), config["dataset"]
            )
        except OSError as error:  # figures are kept all the same
            self.logger.warning(f"the data cannot be read for their SHA-256: {error}")
            return None

    def _rows_to_explain(self, eval_data: Any) -> np.ndarray | None:
        """Rows of the split to explain now, the same ones at every validation; None if absent."""
        settings = self.settings
        if self._validations is not None:
            step = settings.eval_step
            due = bool(step) and self._validations % step == 0
            if not due and not is_explanation_metric(self.valid_metric):
                return None
        limit = settings.valid_pairs if self._validations is not None else settings.test_pairs
        split = eval_data._dataset
        rows = np.sort(split.showcase.evaluated(split.showcase_rows))
        return drawn_rows(rows, limit, self.config["seed"])


def drawn_rows(rows: np.ndarray, limit: int, seed: int) -> np.ndarray:
    """At most so many of some rows (N,), in their order; 0 for all of them."""
    if not limit or len(rows) <= limit:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, limit, replace=False))
