"""Data sets of composed models: what explainers know beside joined reviews and photos."""

from __future__ import annotations

from logging import getLogger
from typing import Any

import numpy as np

from recbole_showcase.composed.joined import JoinedDatasetMixin
from recbole_showcase.data.corpus import TEST, TRAIN, VALID
from recbole_showcase.data.explanation import ExplanationData
from recbole_showcase.integration.config import run_settings
from recbole_showcase.integration.remembered import remembered
from recbole_showcase.integration.stages import stage


class ShowcaseDatasetMixin(JoinedDatasetMixin):
    """Put before a RecBole data set class; adds ``showcase`` to its splits.

    Attributes:
        showcase: Reviews, photos and features on this data set's ids; shared by the splits.
    """

    showcase: ExplanationData

    def build(self) -> list[Any]:
        """Split and join, then prepare what explainers read."""
        splits = super().build()
        settings, words = run_settings(self.config).showcase, remembered().text_tokenizer()
        with stage(self.config, "tokenizer"):
            marks = remembered().marks or self.marks()
            self.showcase = ExplanationData(settings, self.reviews, self.photos, words, marks)
        for split in splits:
            split.showcase = self.showcase
        self._tell_of_unused_texts()
        interactions = self.reviews.interactions
        held_out = np.isin(interactions.splits, (VALID, TEST))
        self._tell_of_cold_users(np.unique(interactions.users[held_out]))
        return splits

    def _tell_of_unused_texts(self) -> None:
        """Say how many training texts nothing is learned from, for want of photos."""
        rows = np.flatnonzero(self.showcase.corpus.interactions.splits == TRAIN)
        unused = self.showcase.texts_unused(rows)
        if unused:
            getLogger().info(
                f"{unused:,} of {len(rows):,} training rows have a text and fewer photos than "
                f"showcase_min_photos = {self.showcase.settings.min_photos}: no explanation is "
                "learned from them; showcase_min_photos: 0 learns from texts without photos"
            )

    def _tell_of_cold_users(self, held_out: np.ndarray) -> None:
        """Say what the recommender cannot do: rank for users that it learns nothing of."""
        cold = int((~self.showcase.known_users[held_out]).sum())
        if cold:
            getLogger().warning(
                f"{cold} of {len(held_out)} users in valid and test have no training interaction: "
                "for them the recommender ranks by chance, and explanations have photos, and "
                "profiles where there are some, but no past reviews"
            )
