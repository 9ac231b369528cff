"""The best items of any user by a RecBole model, whether or not the user has test rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from recbole.data.interaction import Interaction
from recbole.utils import ModelType

from recbole_showcase.composed.newcomers import popular_items
from recbole_showcase.data.pairs import Pairs
from recbole_showcase.data.ragged import Timeline


@dataclass(frozen=True)
class Ranked:
    """Recommended pairs of some users, of each user the best first.

    Attributes:
        place: Which of the users a pair is of (N,).
        pairs: The pairs, N of them.
        ranks: Their places in their user's recommendations, from 1 (N,).
        scores: The recommender's scores (N,), float32; NaN where it was not asked.
    """

    place: np.ndarray
    pairs: Pairs
    ranks: np.ndarray
    scores: np.ndarray


def best_pairs(model: Any, loaders: Sequence[Any], users: np.ndarray, k: int) -> Ranked:
    """Users with their best new items, as :func:`top_items` ranks them; fewer where there are.

    Who came after the training, and whom the model knows nothing to rank by, gets the items that
    most have visited by now, without scores. To others, items that came after it are not ranked.
    """
    new = _unranked(model, users)
    items, scores = np.zeros((2, len(users), 0))
    if not new.all():
        items, scores = top_items(model, loaders, users[~new], k)
    place, rank = np.nonzero(np.isfinite(scores))
    own = np.flatnonzero(~new)[place]
    parts: list[tuple[np.ndarray, ...]] = [(own, items[place, rank], rank + 1, scores[place, rank])]
    corpus = model.showcase.data.corpus
    inter, n_items = corpus.interactions, len(corpus.item_tokens)
    every = popular_items(inter, n_items, n_items if new.any() else 0)
    for who in np.flatnonzero(new):
        popular = every[~np.isin(every, inter.items[inter.users == users[who]])][:k]
        unknown = np.full(len(popular), np.nan, dtype=np.float32)
        ranks = np.arange(1, len(popular) + 1)
        parts.append((np.full(len(popular), who), popular, ranks, unknown))
    place, chosen, ranks, scores = map(np.concatenate, zip(*parts, strict=True))
    order = np.lexsort((ranks, place))
    place, chosen = place[order], chosen[order].astype(np.int64)
    pairs = Pairs.of_ids(users[place], chosen)
    return Ranked(place, pairs, ranks[order], scores[order].astype(np.float32))


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
    inter = model.showcase.data.corpus.interactions
    visited = np.flatnonzero(np.isin(inter.users, users) & (inter.items < scores.shape[1]))
    scores[np.searchsorted(users, inter.users[visited]), inter.items[visited]] = -torch.inf
    if model.type == ModelType.SEQUENTIAL:  # a file may give sequences whose rows it has not
        scores.scatter_(1, inputs[model.ITEM_SEQ].cpu(), -torch.inf)
    best = scores.topk(min(k, scores.shape[1]), dim=1)
    return best.indices.numpy()[place], best.values.numpy()[place]


def without_sequence(model: Any, loaders: Sequence[Any], users: np.ndarray) -> np.ndarray:
    """Which users (B,) a sequential model cannot recommend to, as there is no sequence of theirs.

    Who came after the training is recommended to in any case.

    Args:
        model: A composed model.
        loaders: Its train, valid and test loaders.
        users: Internal user ids (B,).
    """
    if model.type != ModelType.SEQUENTIAL:
        return np.zeros(len(users), dtype=bool)
    own = [part._dataset.inter_feat[part._dataset.uid_field].numpy() for part in loaders]
    data = model.showcase.data
    known = np.isin(users, np.concatenate(own)) | (users >= data.corpus.trained[0])
    if data.longer is not None:
        known |= data.longer[users] & (_visits(model, users)[1] > 0)
    return ~known


def _unranked(model: Any, users: np.ndarray) -> np.ndarray:
    """Which users (B,) came after the training, and have nothing that the model could rank by."""
    new = users >= model.showcase.data.corpus.trained[0]
    if model.type == ModelType.SEQUENTIAL and new.any():
        new[new] = _visits(model, users[new])[1] == 0
    return new


def _visits(model: Any, users: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What users (B,) have visited of the items that a sequential model knows, the latest last.

    Returns:
        Internal ids (B, L), filled with 0 at the end, how many there are (B,), and when (B, L).
    """
    corpus, length = model.showcase.data.corpus, model.max_seq_length
    inter = corpus.interactions
    rows = np.flatnonzero(
        np.isin(inter.users, users) & (inter.items > 0) & (inter.items < corpus.trained[1])
    )
    visits = Timeline(inter.users[rows], inter.times[rows], rows, corpus.n_users)
    found = visits.before(users, np.full(len(users), np.inf), length)  # (B, <= L), latest first
    lengths = (found >= 0).sum(axis=1)
    place = lengths[:, None] - 1 - np.arange(length)
    there = place >= 0
    own = np.zeros(place.shape, dtype=np.int64)
    if found.shape[1]:
        own = np.take_along_axis(found, np.maximum(place, 0), axis=1)
    return np.where(there, inter.items[own], 0), lengths, np.where(there, inter.times[own], 0.0)


def _inputs(model: Any, loaders: Sequence[Any], users: np.ndarray) -> Interaction:
    """One row a user: the id and its features, or, for sequential models, the latest sequence."""
    dataset = loaders[0]._dataset
    if model.type != ModelType.SEQUENTIAL:
        return dataset.join(Interaction({dataset.uid_field: torch.as_tensor(users)}))
    longer = model.showcase.data.longer
    on = np.zeros(len(users), dtype=bool) if longer is None else longer[users]
    rows: dict[int, Interaction] = {}
    for loader in loaders:  # the later split has the longer sequence
        feat = loader._dataset.inter_feat
        own = feat[dataset.uid_field].numpy()
        for place in np.flatnonzero(np.isin(own, users[~on])):
            rows[int(own[place])] = loader._dataset[np.array([place])]
    if on.any():
        going_on = _going_on(model, dataset, users[on])
        rows |= {int(user): going_on[n : n + 1] for n, user in enumerate(users[on])}
    fields = rows[int(users[0])].columns
    return Interaction({f: torch.cat([rows[int(user)][f] for user in users]) for f in fields})


def _going_on(model: Any, dataset: Any, users: np.ndarray) -> Interaction:
    """What a sequential model is asked with for users (B,) whose sequences have gone on.

    Who came after the training is asked for as nobody in particular. What else RecBole keeps of a
    sequence is empty but for the times.
    """
    items, lengths, times = _visits(model, users)
    known = model.showcase.data.corpus.trained[0]
    values = {}
    for field in dataset.inter_feat.columns:
        like = dataset.inter_feat[field]
        values[field] = torch.zeros((len(users), *like.shape[1:]), dtype=like.dtype)
    given = {
        dataset.uid_field: np.where(users < known, users, 0),
        model.ITEM_SEQ: items,
        model.ITEM_SEQ_LEN: lengths,
        f"{dataset.time_field}{dataset.config['LIST_SUFFIX']}": times,
    }
    for field, own in given.items():
        if field in values and values[field].shape == own.shape:
            values[field] = torch.from_numpy(own).to(values[field].dtype)
    return dataset.join(Interaction(values))


def _scores_one_by_one(model: Any, dataset: Any, inputs: Interaction) -> torch.Tensor:
    """Scores (B * I,) of models that score pairs only."""
    items = dataset.get_item_feature().to(model.device)
    scores = []
    for row in range(len(inputs)):
        pairs = inputs[row : row + 1].repeat_interleave(dataset.item_num)
        pairs.update(items)
        scores.append(model.predict(pairs))
    return torch.cat(scores)
