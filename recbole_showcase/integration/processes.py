"""Evaluation by several processes of one run, with the figures that one process would get."""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from recbole.evaluator import Evaluator

T = TypeVar("T")
_ROW_BY_ROW = ("rec.items", "rec.topk", "rec.meanrank", "rec.score", "data.label")


def of_all_processes(own: T) -> list[T]:
    """What each process of the run has, in their order; all of them have to ask."""
    parts: list[Any] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(parts, own)
    return parts


class JoinedEvaluator(Evaluator):
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
