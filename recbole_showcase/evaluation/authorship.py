"""Test cases of authorship: photos that users posted, each among photos of the item by others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from recbole_showcase.data.corpus import TEST, TRAIN, VALID
from recbole_showcase.data.pairs import Pairs
from recbole_showcase.metrics import case_places
from recbole_showcase.settings import ShowcaseSettings


@dataclass(frozen=True)
class AuthorshipCases:
    """T test cases of N pairs.

    A case is a photo that the user posted with a held-out row, among the photos of the item that
    others posted with training rows; in a test with rows of the valid split as well, as in the data
    of BRIE. Users without a photo in the training split, and photos without others, have none.

    Attributes:
        places: As ``metrics.case_places`` gives them (T, 3).
        pairs: The pair of each case (T,).
        n_pairs: The number of pairs, N.
        author_photos: The number of photos of its user in the training split (T,).
    """

    places: np.ndarray
    pairs: np.ndarray
    n_pairs: int
    author_photos: np.ndarray

    def demanding(self, settings: ShowcaseSettings) -> AuthorshipCases:
        """Those that a guess does not solve: with enough photos to rank, of users known enough."""
        enough = self.places[:, 2] + 1 >= settings.case_photos  # the posted one is one of them
        return self._of(enough & (self.author_photos >= settings.case_author_photos))

    def _of(self, kept: np.ndarray) -> AuthorshipCases:
        places, pairs, photos = self.places[kept], self.pairs[kept], self.author_photos[kept]
        return AuthorshipCases(places, pairs, self.n_pairs, photos)


def authorship_cases(model: Any, pairs: Pairs) -> AuthorshipCases:
    """The test cases of held-out pairs, ranked by a composed model's relevance.

    Args:
        model: The composed model.
        pairs: N pairs with their rows.
    """
    data = model.showcase.data
    photos, inter = data.photos, data.corpus.interactions
    places, owners = [np.empty((0, 3), np.int64)], [np.empty(0, np.int64)]
    for group, candidates, relevance in model.photo_relevance(pairs):
        rows = np.where(candidates >= 0, photos.rows[candidates], 0)  # (G, C)
        tested = (inter.splits[pairs.rows[group]] == TEST)[:, None]
        before = (inter.splits[rows] == TRAIN) | (tested & (inter.splits[rows] == VALID))
        by_others = inter.users[rows] != pairs.users[group][:, None]
        rivals = np.where((rows > 0) & before & by_others, relevance, np.nan)
        row, place = np.nonzero((rows > 0) & (rows == pairs.rows[group][:, None]))
        places.append(case_places(relevance[row, place], rivals[row]))
        owners.append(group[row])
    pair = np.concatenate(owners)
    known = photos.of_user_in_training.lengths(pairs.users[pair])
    cases = AuthorshipCases(np.concatenate(places), pair, len(pairs), known)
    return cases._of((known > 0) & (cases.places[:, 2] > 0))
