"""What is made for all users at once is what RecBole makes user by user."""

from __future__ import annotations

import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import recbole_showcase  # noqa: F401 - registers when RecBole is imported
from tests.integration.test_training import prepare
from tests.tiny import TinyWorld

N_USERS, N_ITEMS = 7, 9
PAIRS = st.lists(st.tuples(st.integers(1, N_USERS - 1), st.integers(1, N_ITEMS - 2)), max_size=30)


def sampler_of(parts: list[list[tuple[int, int]]]) -> Any:
    """What a sampler knows when it makes its sets."""
    columns = [torch.tensor(part, dtype=torch.long).reshape(-1, 2).T for part in parts]
    datasets = [SimpleNamespace(inter_feat={"u": users, "i": items}) for users, items in columns]
    return SimpleNamespace(
        phases=["train", "valid", "test"], datasets=datasets, uid_field="u", iid_field="i",
        user_num=N_USERS, item_num=N_ITEMS,
    )  # fmt: skip


@given(parts=st.tuples(PAIRS, PAIRS, PAIRS))
def test_sets_are_those_of_recbole(parts: tuple[list[tuple[int, int]], ...]) -> None:
    from recbole.sampler import Sampler

    from recbole_showcase.integration.per_user import used_ids

    sampler = sampler_of(list(parts))
    expected, found = Sampler.get_used_ids.__wrapped__(sampler), used_ids(sampler)
    assert list(found) == list(expected)
    for phase, sets in expected.items():
        assert found[phase].tolist() == sets.tolist(), phase


def test_a_user_with_all_items_is_refused() -> None:
    from recbole_showcase.integration.per_user import used_ids

    everything = [(1, item) for item in range(1, N_ITEMS)]
    with pytest.raises(ValueError, match="user_inter_num_interval"):
        used_ids(sampler_of([everything[:3], everything[3:], []]))


@given(keys=st.lists(st.integers(0, 6), max_size=40))
def test_groups_are_those_of_recbole(keys: list[int]) -> None:
    from recbole.data.dataset import Dataset

    from recbole_showcase.integration.per_user import grouped

    expected = list(Dataset._grouped_index(None, np.array(keys)))
    assert list(grouped(np.array(keys, dtype=np.int64))) == expected


def test_the_loader_gives_the_batches_of_recbole(tiny_world: TinyWorld, tmp_path: Path) -> None:
    from recbole.data.dataloader import FullSortEvalDataLoader

    from recbole_showcase.integration.per_user import PackedEvalDataLoader

    trainer, (_, _, test) = prepare("ShowcaseBPR", tiny_world, tmp_path)
    assert type(test) is PackedEvalDataLoader
    stock = FullSortEvalDataLoader(trainer.config, test._dataset, test._sampler)
    assert np.array_equal(test.uid2items_num, stock.uid2items_num)
    for loader in (test, pickle.loads(pickle.dumps(test))):
        batches = list(zip(loader, stock, strict=True))
        assert batches
        for found, expected in batches:
            assert found[0].interaction.keys() == expected[0].interaction.keys()
            for name, column in expected[0].interaction.items():
                assert torch.equal(found[0][name], column)
            assert pairs_of(*found[1]) == pairs_of(*expected[1])
            assert pairs_of(*found[2:]) == pairs_of(*expected[2:])
    users = test.uid_list.tolist()
    assert [set(t.tolist()) for t in test.uid2history_item[users]] == [
        set(t.tolist()) for t in stock.uid2history_item[users]
    ]


def pairs_of(users: torch.Tensor, items: torch.Tensor) -> list[tuple[int, int]]:
    return sorted(zip(users.tolist(), items.tolist(), strict=True))


def test_stock_models_keep_what_recbole_makes(tiny_world: TinyWorld, tmp_path: Path) -> None:
    from recbole.data.dataloader import FullSortEvalDataLoader

    _, (train, _, test) = prepare("BPR", tiny_world, tmp_path)
    assert type(test) is FullSortEvalDataLoader
    assert all(type(items) is set for items in train._sampler.used_ids)
