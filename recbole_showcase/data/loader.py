"""Training batches of the explanation side, in a new order each epoch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from recbole_showcase.data.batch import TrainingBatch
from recbole_showcase.data.explanation import ExplanationData


class ExplanationLoader:
    """Batches of the training samples in a new order each epoch.

    It has a random generator of its own, so that the recommender's batches are the same with and
    without it.
    """

    def __init__(self, data: ExplanationData, seed: int, *, selection: bool) -> None:
        """Remember the data, the seed of the order, and whether photo selection learns too."""
        self.data = data
        self.batch_size = data.settings.batch_size
        self.seed = seed
        self.selection = selection

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        return -(-len(self.data.train_rows) // self.batch_size)

    def epoch(self, epoch: int) -> Iterator[TrainingBatch]:
        """The batches of an epoch; the same epoch gives the same batches.

        The samples of photo selection are spread evenly over the batches of explanation samples.
        """
        random = np.random.default_rng((self.seed, epoch))
        order = random.permutation(self.data.train_rows)
        chosen = random.permutation(self.data.selection_rows) if self.selection else order[:0]
        parts = np.array_split(chosen, len(self))
        for number, rows in enumerate(parts):
            start = number * self.batch_size
            explanation = self.data.training_batch(order[start : start + self.batch_size], random)
            selection = self.data.training_selection(rows) if len(rows) else None
            yield TrainingBatch(explanation, selection)
