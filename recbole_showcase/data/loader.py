"""Training batches of the explanation side, in a new order each epoch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

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

    def __init__(
        self,
        data: ExplanationData,
        seed: int,
        *,
        selection: bool,
        writing: bool = True,
        place: int = 0,
        processes: int = 1,
    ) -> None:
        """Remember what the batches are made of.

        Args:
            data: Of the run.
            seed: Of the order.
            selection: Whether photo selection learns too.
            writing: Whether the explainer learns; one that does not gets no samples.
            place: Which of the processes this is, from 0.
            processes: How many share each batch.
        """
        self.data = data
        self.batch_size = data.settings.batch_size
        self.seed = seed
        self.selection, self.writing = selection, writing
        self.place, self.processes = place, processes

    def __len__(self) -> int:
        """The number of batches in an epoch, the same in each process."""
        n_selected = len(self.data.selection_rows) if self.selection else 0
        return max(self._n_written, -(-n_selected // (_MOST_SELECTION * self.batch_size)))

    @property
    def _n_written(self) -> int:
        """The number of batches that hold explanation samples."""
        return -(-len(self.data.train_rows) // self.batch_size) if self.writing else 0

    def epoch(self, epoch: int) -> Iterator[TrainingBatch]:
        """The batches of an epoch; the same epoch gives the same batches.

        The samples of photo selection are spread evenly over the batches of explanation samples.
        Where that would be more than eight to an explanation sample, there are batches of photo
        selection alone between them. Of several processes each gets every batch's share of its
        own, which may be empty: together they have the batches of one.
        """
        random = np.random.default_rng((self.seed, epoch))
        order = random.permutation(self.data.train_rows)
        chosen = random.permutation(self.data.selection_rows) if self.selection else order[:0]
        if self.place:  # the order is that of all, what is drawn for the samples is one's own
            random = np.random.default_rng((self.seed, epoch, self.place))
        n_written = 0
        for number, rows in enumerate(np.array_split(chosen, len(self)) if len(self) else ()):
            samples = order[:0]
            if (
                self.writing and n_written * len(self) <= number * self._n_written
            ):  # evenly, at once
                start = n_written * self.batch_size
                samples = order[start : start + self.batch_size]
                n_written += 1
            yield self._share(samples, rows, random)

    def _share(
        self, samples: np.ndarray, rows: np.ndarray, random: np.random.Generator
    ) -> TrainingBatch:
        """What this process learns from, of explanation samples and rows of photo selection."""
        weights = torch.ones(0, 3)
        if self.processes > 1 and len(samples):
            samples, weights = self._dealt(samples)
        own, selected = (part[self.place :: self.processes] for part in (samples, rows))
        explanation = self.data.training_batch(own, random) if len(own) else None
        selection = self.data.training_selection(selected, random) if len(selected) else None
        if self.processes == 1:
            return TrainingBatch(explanation, selection)
        if explanation is not None:
            explanation = replace(explanation, mean_weights=weights)
        return TrainingBatch(
            explanation,
            selection,
            self.processes * len(own) / max(len(samples), 1),
            self.processes * len(selected) / max(len(rows), 1),
        )

    def _dealt(self, samples: np.ndarray) -> tuple[np.ndarray, torch.Tensor]:
        """Samples (S,) in the order in which they are dealt out, and ``mean_weights`` (B, 3).

        The longest texts come first, so that shares are of like length and no process waits for
        one whose batch is padded to a longer text. The weights are of this process's share.
        """
        ids, mask = (part.numpy() for part in self.data.target_tokens(samples))  # (S, T)
        ends = (self.data.tokenizer.bos_id, self.data.tokenizer.eos_id)
        counts = np.stack(
            [
                mask.sum(axis=1) - 1,  # the start is given
                (mask & ~np.isin(ids, ends)).sum(axis=1),
                ~np.isnan(self.data.corpus.interactions.ratings[samples]),
            ],
            axis=1,
        )  # (S, 3)
        order = np.argsort(-counts[:, 0], kind="stable")
        own = counts[order[self.place :: self.processes]]
        share = own.sum(axis=0) / counts.sum(axis=0).clip(min=1)
        weights = torch.from_numpy(share * len(samples) / max(len(own), 1)).float()
        return samples[order], weights.expand(len(own), 3)
