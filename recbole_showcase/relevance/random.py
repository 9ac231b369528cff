"""Photos in random order, the lower bound; a pair has the same order in every batch."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from recbole_showcase.data.batch import SelectionBatch
from recbole_showcase.relevance.base import RelevanceModel
from recbole_showcase.selectors.hashed_random import pair_keys, uniform


@dataclass(frozen=True)
class RandomRelevanceSettings:
    """Settings; ``properties/relevance/random.yaml`` explains them."""

    relevance_seed: int = 0


class RandomRelevance(RelevanceModel):
    """A number in (0, 1) that is fixed by the seed, the pair and the photo."""

    Settings = RandomRelevanceSettings

    def forward(
        self, batch: SelectionBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> Tensor:
        """Relevance (B, C)."""
        keys = pair_keys(batch.users, batch.items).unsqueeze(1)  # (B, 1)
        numbers = uniform(self.settings.relevance_seed, keys, batch.candidates)
        return numbers.float() * batch.candidate_mask
