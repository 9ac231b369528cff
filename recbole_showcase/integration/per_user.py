"""What RecBole makes user by user before a run, made at once: a million users take seconds.

Each gives what RecBole's own gives, and is used for composed models alone.
"""

from __future__ import annotations

import functools
import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from recbole.data.dataloader import FullSortEvalDataLoader
from recbole.sampler import Sampler
from torch import Tensor

from recbole_showcase.integration.stages import stage


def apply() -> None:
    """Let samplers of composed models have their sets at once."""
    original = Sampler.get_used_ids

    @functools.wraps(original)
    def get_used_ids(self: Any) -> dict[str, np.ndarray]:
        if not all(hasattr(dataset, "showcase") for dataset in self.datasets):
            return original(self)
        with stage(self.datasets[0].config, "items of users"):
            return used_ids(self)

    Sampler.get_used_ids = get_used_ids


def used_ids(sampler: Any) -> dict[str, np.ndarray]:
    """The items (n_users,) of each user in a phase and those before it, by phase.

    Phases share the sets of users whom the later one brings nothing.

    Raises:
        ValueError: If a user has all items, so that none is left to be sampled.
    """
    used = np.full(sampler.user_num, frozenset(), dtype=object)
    phases = {}
    for phase, dataset in zip(sampler.phases, sampler.datasets, strict=True):
        used = used.copy()
        users = dataset.inter_feat[sampler.uid_field].numpy()
        items = dataset.inter_feat[sampler.iid_field].tolist()
        with _no_collection():
            for places in grouped(users):
                user = users[places[0]]
                used[user] = used[user].union([items[place] for place in places])
        phases[phase] = used
    if max(map(len, used)) + 1 == sampler.item_num:  # the padding is an item
        raise ValueError(
            "a user has all items, so that no other is left to sample; "
            "user_inter_num_interval leaves such users out"
        )
    return phases


def grouped(keys: np.ndarray) -> Iterator[list[int]]:
    """Where each key stands, ascending; keys in the order of first appearance."""
    if not len(keys):
        return
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.append(0, np.flatnonzero(ordered[1:] != ordered[:-1]) + 1)
    ends = np.append(starts[1:], len(keys))
    places = order.tolist()
    for group in np.argsort(order[starts]).tolist():  # by first appearance
        yield places[starts[group] : ends[group]]


@contextmanager
def _no_collection() -> Iterator[None]:
    """While a million sets are made, looking for cycles among them takes most of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class ItemsOfUsers(Sequence[Tensor]):
    """A list of items for each user, in one array; of some users, a list of tensors."""

    def __init__(self, n_users: int) -> None:
        """Begin with empty lists."""
        self._starts = np.zeros(n_users, dtype=np.int64)
        self._ends = np.zeros(n_users, dtype=np.int64)
        self._items: Any = []

    def add(self, user: int, items: set[int]) -> None:
        """Give a user its items."""
        self._starts[user] = len(self._items)
        self._items.extend(items)
        self._ends[user] = len(self._items)

    def pack(self) -> None:
        """Nothing is added any more."""
        self._items = np.array(self._items, dtype=np.int64)

    def __len__(self) -> int:
        """The number of users."""
        return len(self._starts)

    def __getitem__(self, users: Any) -> Any:
        """The items of one user (L,), or those of each of some users."""
        if isinstance(users, int | np.integer):
            return torch.from_numpy(self._items[self._starts[users] : self._ends[users]])
        return [self[int(user)] for user in users]


class PackedEvalDataLoader(FullSortEvalDataLoader):
    """RecBole's loader of full ranking; the items of all users lie in one array."""

    _packing: tuple[ItemsOfUsers, ItemsOfUsers] | None = None

    def __init__(self, config: Any, *args: Any, **kwargs: Any) -> None:
        with stage(config, "items to rank"):
            super().__init__(config, *args, **kwargs)
            if self._packing is not None:
                for items in self._packing:
                    items.pack()
                self.uid2positive_item, self.uid2history_item = self._packing
                self._packing = None

    def _set_user_property(
        self, uid: int | None, used_item: set[int], positive_item: set[int]
    ) -> None:
        if uid is None:
            return
        if self._packing is None:
            n_users = len(self.uid2items_num)
            self._packing = ItemsOfUsers(n_users), ItemsOfUsers(n_users)
        positive, history = self._packing
        positive.add(uid, positive_item)
        history.add(uid, used_item - positive_item)
        self.uid2items_num[uid] = len(positive_item)
