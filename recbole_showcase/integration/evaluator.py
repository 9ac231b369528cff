"""RecBole's evaluator: what each row added is remembered, or rows of several processes joined."""

from __future__ import annotations

from functools import partial
from typing import Any, TypeVar

import numpy as np
import torch
from recbole.evaluator import Evaluator
from recbole.evaluator.base_metric import TopkMetric

from recbole_showcase.integration.metrics import EVALUATION, ExplanationMetric
from recbole_showcase.metrics import Statistics

T = TypeVar("T")
ROW_USERS = "showcase.row_users"  # key of RecBole's collector: the user of each ranked row
_ROW_BY_ROW = ("rec.items", "rec.topk", "rec.meanrank", "rec.score", "data.label", ROW_USERS)


class ShowcaseEvaluator(Evaluator):
    """Computes what RecBole's does.

    Metrics that are no sums over rows, such as ItemCoverage, MAUVE or AUC, are not remembered.
    """

    def __init__(self, config: Any) -> None:
        """Look over the shoulder of metrics that are means over ranked rows."""
        super().__init__(config)
        self._means: dict[str, np.ndarray] = {}
        self._row_users = self._pair_users = np.empty(0, np.int64)
        for metric in self.metric_class.values():
            # A metric that averages in a way of its own need not be a mean.
            if getattr(type(metric), "topk_result", None) is TopkMetric.topk_result:
                metric.topk_result = partial(self._topk_result, metric)

    def evaluate(self, dataobject: Any) -> Any:
        """All metrics, by name."""
        self._means = {}
        self._row_users = self._pair_users = np.empty(0, np.int64)
        if ROW_USERS in dataobject:
            self._row_users = dataobject.get(ROW_USERS).numpy()
        if EVALUATION in dataobject:
            self._pair_users = dataobject.get(EVALUATION).evaluation.users
        return super().evaluate(dataobject)

    def user_sums(self) -> tuple[np.ndarray, dict[str, Statistics]]:
        """What each user added to the figures of the last evaluation.

        Returns:
            Internal ids of the users (U,), and by figure a row of each (U, S).
        """
        users, owners = np.unique(
            np.concatenate([self._row_users, self._pair_users]), return_inverse=True
        )
        # Rows may lack their users: a base's trainer may collect in a way of its own.
        rows, pairs = np.split(owners, [len(self._row_users)])
        found = {
            name: Statistics.of_values(values).summed(rows, len(users))
            for name, values in self._means.items()
            if len(values) == len(rows)
        }
        for metric in self.metric_class.values():
            if isinstance(metric, ExplanationMetric):
                for name, statistics in metric.statistics.items():
                    found[name] = statistics.summed(pairs, len(users))
        return users, found

    def _topk_result(self, metric: TopkMetric, name: str, values: np.ndarray) -> Any:
        """RecBole's means over rows of values (B, K) at each k, which are kept."""
        self._means |= {f"{name}@{k}": values[:, k - 1].astype(np.float64) for k in metric.topk}
        return TopkMetric.topk_result(metric, name, values)


def of_all_processes(own: T) -> list[T]:
    """What each process of the run has, in their order; all of them have to ask."""
    parts: list[Any] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(parts, own)
    return parts


class JoinedEvaluator(ShowcaseEvaluator):
    """Computes metrics over the rows of all processes at once.

    RecBole computes them in each process and averages by the number of batches; that is neither
    the mean over users, whose number differs, nor, for metrics such as AUC, a mean at all.

    Attributes:
        n_samples: The number of samples that the processes share at the next evaluation. A
            sampler repeats some, so that each process has as many; these are left out where one
            sample is one row.
    """

    n_samples = 0

    def evaluate(self, dataobject: Any) -> Any:
        """The metrics of all processes' rows, the same in each process."""
        for key in _ROW_BY_ROW:
            if key in dataobject:
                dataobject.set(key, self._joined(dataobject.get(key)))
        return super().evaluate(dataobject)

    def _joined(self, own: torch.Tensor) -> torch.Tensor:
        parts = of_all_processes(own.cpu())
        most = -(-self.n_samples // len(parts))
        if len({len(part) for part in parts}) > 1 or len(own) != most:
            return torch.cat(parts)  # several rows a sample
        # Process r has samples r, r + world, r + 2 world and so on.
        return torch.stack(parts, dim=1).flatten(0, 1)[: self.n_samples]
