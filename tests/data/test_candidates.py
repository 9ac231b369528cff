"""Photos are chosen among all of an item, in groups of bounded size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recbole_showcase.data import selection
from recbole_showcase.data.corpus import TEST, TRAIN
from recbole_showcase.data.pairs import Pairs
from recbole_showcase.selectors import SELECTORS
from tests.integration.test_training import prepare
from tests.tiny import TinyWorld


def test_pairs_are_grouped_by_what_they_can_choose_from(
    tiny_world: TinyWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer, _ = prepare("ShowcaseBPR", tiny_world, tmp_path)
    data = trainer.model.showcase.data
    pairs = Pairs.of_rows(data.corpus, np.flatnonzero(data.corpus.interactions.users > 0))
    (everything,) = data.selection_groups(pairs)
    assert everything.tolist() == list(range(len(pairs))), "in the order given where there is room"
    counts = data.photos.of_item.lengths(pairs.items)
    for limit in (1, 30, 100):
        monkeypatch.setattr(selection, "_CANDIDATES_AT_ONCE", limit)
        groups = data.selection_groups(pairs)
        assert sorted(np.concatenate(groups)) == list(range(len(pairs)))
        assert all(len(g) == 1 or len(g) * counts[g].max() <= limit for g in groups)
        widths = [
            data.selection_batch(pairs[g], data.profile(pairs[g])).candidates.shape for g in groups
        ]
        assert widths == [(len(g), counts[g].max()) for g in groups]


@pytest.mark.parametrize("selector", list(SELECTORS))
def test_groups_choose_as_the_whole_does(
    tiny_world: TinyWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, selector: str
) -> None:
    changes = {"showcase_selector": selector, "showcase_relevance": "clip"}
    trainer, _ = prepare("ShowcaseBPR", tiny_world, tmp_path, **changes)
    model = trainer.model.eval()
    data = model.showcase.data
    rows = np.flatnonzero(data.corpus.interactions.splits == TEST)
    pairs = Pairs.of_rows(data.corpus, rows)
    whole = model.explain(pairs)
    monkeypatch.setattr(selection, "_CANDIDATES_AT_ONCE", 40)
    apart = model.explain(pairs)
    assert (apart.photos == whole.photos).all() and apart.texts == whole.texts
    np.testing.assert_allclose(apart.relevance, whole.relevance, rtol=1e-5, atol=1e-5)


def test_all_photos_of_an_item_can_be_shown_and_the_limit_is_of_training(
    tmp_path: Path,
) -> None:
    world = TinyWorld.write(tmp_path, "few", n_users=64, n_items=8)  # 56 photos an item
    changes = {"showcase_max_candidates": 5, "showcase_photos": 99, "showcase_selector": "topk"}
    trainer, _ = prepare("ShowcaseBPR", world, tmp_path, **changes)
    data = trainer.model.showcase.data
    inter = data.corpus.interactions
    pairs = Pairs.of_rows(data.corpus, np.flatnonzero(inter.splits == TEST))
    shown = trainer.model.eval().explain(pairs, text=False).photos
    for item, photos in zip(pairs.items, shown, strict=True):
        assert set(photos[photos >= 0]) == set(np.flatnonzero(data.photos.items == item))
    seen: set[int] = set()
    for epoch in range(9):
        batches = [batch.selection.candidates.numpy() for batch in trainer.loader.epoch(epoch)]
        assert max(batch.shape[1] for batch in batches) == 5
        seen |= {int(photo) for batch in batches for photo in batch[batch >= 0]}
    training = np.flatnonzero(inter.splits[data.photos.rows] == TRAIN)
    assert seen == set(training), "over the epochs, all photos of training rows are compared"
