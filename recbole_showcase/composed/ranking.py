"""The best items of any user by a RecBole model, whether or not the user has test rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from recbole.data.interaction import Interaction
from recbole.utils import ModelType

from recbole_showcase.data.pairs import Pairs


@dataclass(frozen=True)
class Ranked:
    """Recommended pairs of some users, of each user the best first.

    Attributes:
        place: Which of the users a pair is of (N,).
        pairs: The pairs, N of them.
        ranks: Their places in their user's recommendations, from 1 (N,).
        scores: The recommender's scores (N,), float32.
    """

    place: np.ndarray
    pairs: Pairs
    ranks: np.ndarray
    scores: np.ndarray


def best_pairs(model: Any, loaders: Sequence[Any], users: np.ndarray, k: int) -> Ranked:
    """Users with their best new items, as :func:`top_items` ranks them; fewer where there are."""
    items, scores = top_items(model, loaders, users, k)
    place, rank = np.nonzero(np.isfinite(scores))
    pairs = Pairs.of_ids(users[place], items[place, rank])
    return Ranked(place, pairs, rank + 1, scores[place, rank])


@torch.no_grad()
def top_items(
    model: Any, loaders: Sequence[Any], users: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rank all items for users, those they are known to have visited in any split left out.

    Args:
        model: A composed model.
        loaders: Its train, valid and test loaders.
        users: Internal user ids (B,), none of :func:`without_sequence`.
        k: The number of items.

    Returns:
        Internal item ids (B, k), best first, and their scores; fewer items have score -inf.
    """
    model.eval()
    dataset = loaders[0]._dataset
    users, place = np.unique(users, return_inverse=True)  # one may be asked for twice
    inputs = _inputs(model, loaders, users).to(model.device)
    try:
        scores = model.full_sort_predict(inputs)
    except NotImplementedError:
        scores = _scores_one_by_one(model, dataset, inputs)
    scores = scores.view(len(users), -1).float().cpu()  # (B, I)
    scores[:, 0] = -torch.inf
    inter = dataset.showcase.corpus.interactions
    visited = np.flatnonzero(np.isin(inter.users, users))
    scores[np.searchsorted(users, inter.users[visited]), inter.items[visited]] = -torch.inf
    if model.type == ModelType.SEQUENTIAL:  # a file may give sequences whose rows it has not
        scores.scatter_(1, inputs[model.ITEM_SEQ].cpu(), -torch.inf)
    best = scores.topk(min(k, scores.shape[1]), dim=1)
    return best.indices.numpy()[place], best.values.numpy()[place]


def without_sequence(model: Any, loaders: Sequence[Any], users: np.ndarray) -> np.ndarray:
    """Which users (B,) a sequential model cannot recommend to, as there is no sequence of theirs.

    Args:
        model: A composed model.
        loaders: Its train, valid and test loaders.
        users: Internal user ids (B,).
    """
    if model.type != ModelType.SEQUENTIAL:
        return np.zeros(len(users), dtype=bool)
    own = [part._dataset.inter_feat[part._dataset.uid_field].numpy() for part in loaders]
    return ~np.isin(users, np.concatenate(own))


def _inputs(model: Any, loaders: Sequence[Any], users: np.ndarray) -> Interaction:
    """One row a user: the id and its features, or, for sequential models, the latest sequence."""
    dataset = loaders[0]._dataset
    if model.type != ModelType.SEQUENTIAL:
        return dataset.join(Interaction({dataset.uid_field: torch.as_tensor(users)}))
    rows: dict[int, Interaction] = {}
    for loader in loaders:  # the later split has the longer sequence
        feat = loader._dataset.inter_feat
        own = feat[dataset.uid_field].numpy()
        for place in np.flatnonzero(np.isin(own, users)):
            rows[int(own[place])] = loader._dataset[np.array([place])]
    fields = rows[int(users[0])].columns
    return Interaction({f: torch.cat([rows[int(user)][f] for user in users]) for f in fields})


def _scores_one_by_one(model: Any, dataset: Any, inputs: Interaction) -> torch.Tensor:
    """Scores (B * I,) of models that score pairs only."""
    items = dataset.get_item_feature().to(model.device)
    scores = []
    for row in range(len(inputs)):
        pairs = inputs[row : row + 1].repeat_interleave(dataset.item_num)
        pairs.update(items)
        scores.append(model.predict(pairs))
    return torch.cat(scores)
