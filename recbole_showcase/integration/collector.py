"""RecBole's collector of evaluation inputs, which hands metrics an evaluation of held-out rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from recbole.evaluator import Collector

from recbole_showcase.evaluation.evaluation import Evaluation
from recbole_showcase.integration.config import evaluation_resources
from recbole_showcase.integration.evaluator import ROW_USERS, of_all_processes
from recbole_showcase.integration.metrics import EVALUATION, RANKING


@dataclass(frozen=True)
class Held:
    """An evaluation as RecBole's collector holds it, which moves to the CPU and copies what it has.

    Attributes:
        evaluation: The evaluation, which stays where and what it is.
    """

    evaluation: Evaluation

    def cpu(self) -> Held:
        """The same."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Held:
        return self


class ShowcaseCollector(Collector):
    """Has rows of the evaluated split explained, as far as metrics ask for it.

    Attributes:
        rows: The rows to explain at the next evaluation; None for no explanations.
        resources: What evaluations need from outside.
    """

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.rows: np.ndarray | None = None
        self.resources = evaluation_resources(config)
        self._ranked: list[np.ndarray] = []

    def eval_batch_collect(
        self,
        scores_tensor: torch.Tensor,
        interaction: Any,
        positive_u: torch.Tensor,
        positive_i: torch.Tensor,
    ) -> None:
        """RecBole's, the users, and rank and score of held-out items where a metric needs them."""
        super().eval_batch_collect(scores_tensor, interaction, positive_u, positive_i)
        users = interaction[self.config["USER_ID_FIELD"]]
        if len(users) != len(scores_tensor):  # one a scored candidate, user by user
            users = torch.unique_consecutive(users)
        self.data_struct.update_tensor(ROW_USERS, users)
        if self.rows is not None and self.register.need(RANKING):
            self._ranked.append(_ranked(scores_tensor, users, positive_u, positive_i, self.topk))

    def model_collect(self, model: Any) -> None:
        """Let metrics ask how the model explains the rows."""
        super().model_collect(model)
        if self.rows is not None and self.register.need(EVALUATION):
            table = np.concatenate([np.empty((4, 0)), *self._ranked], axis=1)
            show = bool(self.config["show_progress"])
            evaluation = Evaluation(
                model, self.rows, lambda: self._joined(table), self.resources, progress=show
            )
            self.data_struct.set(EVALUATION, Held(evaluation))
        self._ranked = []

    def get_data_struct(self) -> Any:
        """RecBole's, which does not forget what it does not know."""
        struct = super().get_data_struct()
        if EVALUATION in self.data_struct:
            del self.data_struct[EVALUATION]
        return struct

    def _joined(self, table: np.ndarray) -> np.ndarray:
        """What all processes ranked; each of them ranked some of the rows."""
        if self.config["single_spec"]:
            return table
        return np.concatenate(of_all_processes(table), axis=1)


def _ranked(
    scores: torch.Tensor,
    users: torch.Tensor,
    positive_u: torch.Tensor,
    positive_i: torch.Tensor,
    topk: list[int],
) -> np.ndarray:
    """User, held-out item, its rank among the first max(topk), else 0, and its score.

    Args:
        scores: The recommender's scores of all items (B, I).
        users: Their users (B,).
        positive_u: The row of each held-out item (P,).
        positive_i: The held-out items (P,).
        topk: How many recommendations metrics look at.

    Returns:
        Shape (4, P) float64.
    """
    row, item = (torch.as_tensor(index).to(scores.device) for index in (positive_u, positive_i))
    best = torch.topk(scores, min(max(topk), scores.shape[1]), dim=-1).indices  # as RecBole's hits
    match = best[row] == item[:, None]  # (P, K)
    rank = torch.where(match.any(dim=1), match.int().argmax(dim=1) + 1, 0)
    columns = (users.to(scores.device)[row], item, rank, scores[row, item])
    return torch.stack([column.double() for column in columns]).cpu().numpy()
