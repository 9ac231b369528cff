"""Training with the rest of a composed model: the tiny world's topics must come out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from recbole_showcase.data.corpus import TEST
from recbole_showcase.data.pairs import Pairs
from tests.integration.test_training import prepare
from tests.tiny import TinyWorld


def train_selection(trainer, epochs: int, learning_rate: float) -> None:
    """Optimizer steps on the selection losses of the loader's own batches."""
    head = trainer.model.showcase
    optimizer = torch.optim.Adam(head.parameters(), lr=learning_rate)
    head.train()
    for epoch in range(epochs):
        for batch in trainer.loader.epoch(epoch):
            optimizer.zero_grad()
            sum(head.selection_losses(batch.selection, None, None)).backward()
            optimizer.step()
    head.eval()


def topic_share(trainer, tiny_world: TinyWorld) -> float:
    """Share of the selected photos that show the user's topic, over test pairs, and its ceiling."""
    data = trainer.model.showcase.data
    inter = data.corpus.interactions
    rows = np.flatnonzero(inter.splits == TEST)
    photos = trainer.model.explain(Pairs.of_rows(data.corpus, rows), text=False).photos
    hits, possible = 0, 0
    for row, chosen in zip(rows, photos, strict=True):
        topic = int(data.corpus.user_tokens[inter.users[row]][1:]) % 4
        item = data.photos.of_item.first(inter.items[[row]], 99)[0]
        of_topic = [tiny_world.topic_of_photo[data.photos.tokens[p]] == topic for p in item]
        hits += sum(tiny_world.topic_of_photo[data.photos.tokens[p]] == topic for p in chosen
                    if p >= 0)  # fmt: skip
        possible += min(sum(of_topic), 3)
    return hits / possible


@pytest.mark.parametrize(
    ("relevance", "epochs", "learning_rate"),
    [
        ("learned", 4, 0.003),
        ("clip", 0, 0.1),
        ("mf_elvis", 10, 0.01),
        ("brie", 40, 0.01),
        ("elvis", 8, 0.01),
    ],
)
def test_the_topics_of_the_tiny_world_are_selected(
    tiny_world: TinyWorld, tmp_path: Path, relevance: str, epochs: int, learning_rate: float
) -> None:
    trainer, _ = prepare(
        "ShowcaseBPR", tiny_world, tmp_path, showcase_relevance=relevance, showcase_selector="topk"
    )
    train_selection(trainer, epochs, learning_rate)
    assert topic_share(trainer, tiny_world) > 0.95


def test_random_and_popular_do_not_know_the_topics(tiny_world: TinyWorld, tmp_path: Path) -> None:
    for name in ("random", "popular"):
        trainer, _ = prepare("ShowcaseBPR", tiny_world, tmp_path, showcase_relevance=name)
        assert topic_share(trainer, tiny_world) < 0.7
        assert next(trainer.loader.epoch(0)).selection is None


def test_an_epoch_holds_every_selection_row_once(tiny_world: TinyWorld, tmp_path: Path) -> None:
    trainer, _ = prepare("ShowcaseBPR", tiny_world, tmp_path, showcase_relevance="learned")
    data, batches = trainer.model.showcase.data, list(trainer.loader.epoch(0))
    sizes = [len(batch.selection) for batch in batches]
    assert sum(sizes) == len(data.selection_rows) and max(sizes) - min(sizes) <= 1
    assert len(batches) == len(trainer.loader)
    pairs = [(int(u), int(i)) for b in batches
             for u, i in zip(b.selection.users, b.selection.items, strict=True)]  # fmt: skip
    assert len(set(pairs)) == len(pairs)
    again = next(trainer.loader.epoch(0)).selection
    assert again.candidates.equal(batches[0].selection.candidates)


def test_photos_without_texts_make_batches_of_their_own(
    tiny_world: TinyWorld, tmp_path: Path
) -> None:
    """Ten texts and 200 rows with photos: no batch holds more than 8 times its size of the rows."""
    trainer, (train, _, _) = prepare("ShowcaseBPR", tiny_world, tmp_path, showcase_batch_size=5)
    data = trainer.model.showcase.data
    assert len(data.selection_rows) == 200
    vars(data)["train_rows"] = data.train_rows[:10]
    batches = list(trainer.loader.epoch(0))
    assert [len(batch.selection) for batch in batches] == [40] * 5 and len(trainer.loader) == 5
    written = [batch.explanation and len(batch.explanation) for batch in batches]
    assert written == [5, None, None, 5, None], "spread evenly"
    losses = trainer._train_epoch(train, 0)
    assert all(loss > 0 for loss in losses)


def test_selection_does_not_move_the_explanation_batches(
    tiny_world: TinyWorld, tmp_path: Path
) -> None:
    first = [
        next(
            prepare("ShowcaseBPR", tiny_world, tmp_path, showcase_relevance=name)[0].loader.epoch(0)
        ).explanation.users
        for name in ("clip", "learned")
    ]
    assert first[0].equal(first[1])


def test_losses_of_both_are_named_and_train(tiny_world: TinyWorld, tmp_path: Path) -> None:
    trainer, (train, _, _) = prepare(
        "ShowcaseBPR",
        tiny_world,
        tmp_path,
        showcase_relevance="learned",
        showcase_selector="dpp",
        selector_learn_trade_off=True,
    )
    head = trainer.model.showcase
    assert head.loss_names[-3:] == ("photo_relevance", "photo_prior", "photo_set")
    before = float(head.selector.trade_off)
    losses = trainer._train_epoch(train, 0)
    assert len(losses) == 1 + len(head.loss_names) and all(np.isfinite(losses))
    assert losses[-1] > 0 and float(head.selector.trade_off) != before
