"""Training batches of the explanation side, in a new order each epoch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from recbole_showcase.data.batch import TrainingBatch
from recbole_showcase.data.explanation import ExplanationData

# Rows of photo selection in a batch, in batches of explanation samples. Where rows have photos and
# no text, there may be very many more of them than samples, and each brings all its candidates.
_MOST_SELECTION = 8


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
        n_selected = len(self.data.selection_rows) if self.selection else 0
        return max(self._n_written, -(-n_selected // (_MOST_SELECTION * self.batch_size)))

    @property
    def _n_written(self) -> int:
        """The number of batches that hold explanation samples."""
        return -(-len(self.data.train_rows) // self.batch_size)

    def epoch(self, epoch: int) -> Iterator[TrainingBatch]:
        """The batches of an epoch; the same epoch gives the same batches.

        The samples of photo selection are spread evenly over the batches of explanation samples.
        Where that would be more than eight to an explanation sample, there are batches of photo
        selection alone between them.
        """
        random = np.random.default_rng((self.seed, epoch))
        order = random.permutation(self.data.train_rows)
        chosen = random.permutation(self.data.selection_rows) if self.selection else order[:0]
        n_written = 0
        for number, rows in enumerate(np.array_split(chosen, len(self))):
            explanation = None
            if n_written * len(self) <= number * self._n_written:  # evenly, and at once
                start = n_written * self.batch_size
                samples = order[start : start + self.batch_size]
                explanation = self.data.training_batch(samples, random)
                n_written += 1
            selection = self.data.training_selection(rows, random) if len(rows) else None
            yield TrainingBatch(explanation, selection)
