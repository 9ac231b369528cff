"""What texts and ratings are held against: reviews that others wrote before, and the scale."""

from __future__ import annotations

import numpy as np

from recbole_showcase.data.corpus import TRAIN, Interactions, ReviewCorpus
from recbole_showcase.data.pairs import Pairs
from recbole_showcase.data.profiles import without


def evidence_texts(corpus: ReviewCorpus, pairs: Pairs, limit: int) -> list[list[str]]:
    """What the training split knows of the items of pairs, but for what the users wrote themselves.

    Args:
        corpus: The reviews.
        pairs: N pairs.
        limit: The most texts of a pair.

    Returns:
        For each pair the latest reviews of the item by others strictly before the pair's time, and
        texts about the item that no interaction carries, which count as the earliest.
    """
    inter = corpus.interactions
    own = _most_reviews_of_a_pair(corpus)
    rows = corpus.item_timeline.before(pairs.items, pairs.times, limit + own)  # (N, L)
    by_user = (rows >= 0) & (inter.users[rows] == pairs.users[:, None])
    rows = without(rows, by_user | (rows == pairs.rows[:, None]), limit)
    there = rows >= 0
    texts = iter(list(corpus.texts[rows[there]]))
    return [[next(texts) for _ in range(count)] for count in there.sum(axis=1)]


def rating_scale(interactions: Interactions) -> tuple[float, float]:
    """The lowest and the highest rating of the training split; NaN where it has none."""
    known = interactions.ratings[interactions.splits == TRAIN]
    known = known[~np.isnan(known)]
    return (float(known.min()), float(known.max())) if len(known) else (np.nan, np.nan)


def _most_reviews_of_a_pair(corpus: ReviewCorpus) -> int:
    """How many reviews of an item in the training split one user wrote at most."""
    inter, rows = corpus.interactions, corpus.past_rows
    keys = inter.users[rows].astype(np.int64) * len(corpus.item_tokens) + inter.items[rows]
    keys = keys[inter.users[rows] > 0]
    return int(np.unique(keys, return_counts=True)[1].max(initial=0))
