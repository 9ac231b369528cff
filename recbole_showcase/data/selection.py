"""Photos to choose from: batches for learning to choose, and for choosing."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
import torch

from recbole_showcase.data.batch import SelectionBatch
from recbole_showcase.data.corpus import TRAIN
from recbole_showcase.data.pairs import Pairs
from recbole_showcase.data.profiles import Profile, Profiles, without
from recbole_showcase.data.taste import taste_of

# Candidates that are compared at once, padding included: 34 MB of features 512 wide.
_CANDIDATES_AT_ONCE = 16_384


class PhotoSelection(Profiles):
    """Candidates of training rows, which others posted too, and of pairs in use, which are all.

    Attributes:
        taste_quantile: What training batches tell of users' own photos, where the relevance model
            asks (``RelevanceModel.taste_quantile``).
    """

    taste_quantile: float | None = None

    @cached_property
    def selection_rows(self) -> np.ndarray:
        """Training rows to learn photo selection from (S,): with photos, and others beside them.

        A text is not needed, so these are more than the explanation samples.
        """
        inter, limit = self.corpus.interactions, self.settings.max_candidates
        rows = np.flatnonzero(inter.splits == TRAIN)
        own = np.minimum(self.photos.of_row.lengths(rows), limit)
        candidates = np.minimum(self.photos.of_item_in_training.lengths(inter.items[rows]), limit)
        return rows[(own > 0) & (candidates > own)]

    def users_with_selection(self) -> np.ndarray:
        """Whether photo selection is learned from a row of the user, boolean (n_users,)."""
        return self._users_of(self.selection_rows)

    def training_selection(self, rows: np.ndarray, random: np.random.Generator) -> SelectionBatch:
        """Training samples of photo selection: photos of training rows, and who posted them.

        Args:
            rows: Rows among :attr:`selection_rows` (B,).
            random: Draws the candidates where an item has more than are compared at once.
        """
        pairs = Pairs.of_rows(self.corpus, rows)
        limit = self.settings.max_candidates
        own = self.photos.of_row.first(rows, limit)  # (B, O)
        others = self.photos.of_item_in_training.spread(pairs.items, limit + own.shape[1], random)
        if others.shape[1] > limit:  # no end of the item's time is left out more than another
            others = others[:, random.permutation(others.shape[1])]
        again = self.photos.rows[others] == rows[:, None]
        # Own photos are kept where an item has too many; the order is that of posting again.
        hidden = np.concatenate([np.zeros(own.shape, dtype=bool), again], axis=1)
        kept = without(np.concatenate([own, others], axis=1), hidden, limit)
        last = len(self.photos.rows)
        order = np.sort(np.where(kept < 0, last, kept), axis=1)  # (B, C)
        candidates = np.where(order == last, -1, order)
        there, shown = candidates >= 0, self.photos.rows[candidates]  # rows they were posted with
        posted = there & (shown == rows[:, None])
        by_user = there & (self.corpus.interactions.users[shown] == pairs.users[:, None])
        batch = self._selection_batch(pairs, candidates, posted, by_user, self.profile(pairs))
        if self.taste_quantile is None:
            return batch
        of_user, features = self.photos.of_user_in_training, self.photos.features
        taste, cosine = taste_of(
            pairs.users, of_user, features, self.taste_quantile, _CANDIDATES_AT_ONCE
        )
        return replace(batch, taste=torch.from_numpy(taste), taste_cosine=torch.from_numpy(cosine))

    def selection_batch(self, pairs: Pairs, profile: Profile) -> SelectionBatch:
        """Pairs to choose photos for, among all photos of their items.

        How many that are is not bounded; see :meth:`selection_groups`.
        """
        most = int(self.photos.of_item.lengths(pairs.items).max(initial=0))
        candidates = self.photos.of_item.first(pairs.items, most)  # (B, C)
        none = np.zeros(candidates.shape, dtype=bool)
        return self._selection_batch(pairs, candidates, none, none, profile)

    def selection_groups(self, pairs: Pairs) -> list[np.ndarray]:
        """Pairs in groups that are not too many candidates to compare at once.

        Returns:
            The places (G,) of the pairs of each group; each group has one pair at least.
        """
        counts = self.photos.of_item.lengths(pairs.items)
        if counts.max(initial=0) * len(pairs) <= _CANDIDATES_AT_ONCE:
            return [np.arange(len(pairs))]
        order = np.argsort(counts, kind="stable")  # like with like, so that little is padding
        groups, start = [], 0
        for end in range(1, len(order)):
            if counts[order[end]] * (end + 1 - start) > _CANDIDATES_AT_ONCE:
                groups.append(order[start:end])
                start = end
        return [*groups, order[start:]]

    def _selection_batch(
        self,
        pairs: Pairs,
        candidates: np.ndarray,
        posted: np.ndarray,
        by_user: np.ndarray,
        profile: Profile,
    ) -> SelectionBatch:
        past, past_mask = self._past_photo_features(pairs, profile)
        users, items = self.model_ids(pairs)
        return SelectionBatch(
            users=users,
            items=items,
            candidates=torch.from_numpy(candidates),
            candidate_features=torch.from_numpy(self.photos.features[candidates]),
            candidate_mask=torch.from_numpy(candidates >= 0),
            history_photo_features=past,
            history_photo_mask=past_mask,
            review_features=profile.review_features,
            review_mask=profile.review_mask,
            posted=torch.from_numpy(posted),
            by_user=torch.from_numpy(by_user),
            pairs=pairs,
        )
