"""Nothing of valid or test reaches training: checked with words that are only there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recbole_showcase.atomic import REVIEW, read_atomic, write_atomic
from recbole_showcase.data.corpus import TEST, TRAIN, VALID
from recbole_showcase.data.explanation import ExplanationData
from recbole_showcase.data.pairs import Pairs
from tests.integration.test_training import SASREC, prepare
from tests.tiny import TinyWorld

SENTINEL = "zyzzyva"


def data_of(model: str, world: TinyWorld, work: Path, **changes: object) -> ExplanationData:
    trainer, _ = prepare(model, world, work, **changes)
    return trainer.model.showcase.data


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> TinyWorld:
    """The tiny world with a word that stands in every valid and test review and no other."""
    world = TinyWorld.write(tmp_path_factory.mktemp("planted"), "planted")
    data = data_of("ShowcaseBPR", world, tmp_path_factory.mktemp("work"))
    inter = data.corpus.interactions
    held_out = set(inter.reviews[np.isin(inter.splits, (VALID, TEST))])
    path = world.folder / f"{world.name}.review"
    table = read_atomic(path)
    marked = table["review_id"].isin(held_out)
    for column in ("text", "explanation"):
        table.loc[marked, column] = table.loc[marked, column] + f" {SENTINEL * 3}"
    write_atomic(path, REVIEW, table)
    return world


@pytest.mark.parametrize(("model", "changes"), [("ShowcaseBPR", {}), ("ShowcaseSASRec", SASREC)])
def test_held_out_words_are_in_no_vocabulary_and_no_batch(
    planted: TinyWorld, tmp_path: Path, model: str, changes: dict[str, object]
) -> None:
    trainer, _ = prepare(model, planted, tmp_path, **changes)
    data: ExplanationData = trainer.model.showcase.data
    assert not any("zyz" in token for token in data.tokenizer.tokenizer.get_vocab())
    epoch = trainer.loader.epoch(0)
    texts = [data.tokenizer.decode(batch.explanation.tokens.tolist()) for batch in epoch]
    assert sum(map(len, texts)) == len(data.train_rows)
    assert not any(SENTINEL in text for part in texts for text in part)
    held_out = data.corpus.targets[data.corpus.interactions.splits == TEST]
    assert all(SENTINEL in text for text in held_out), "the word is where it should be"


@pytest.mark.parametrize(("model", "changes"), [("ShowcaseBPR", {}), ("ShowcaseSASRec", SASREC)])
def test_profiles_hold_earlier_training_rows_only(
    tiny_world: TinyWorld, tmp_path: Path, model: str, changes: dict[str, object]
) -> None:
    data = data_of(model, tiny_world, tmp_path, **changes)
    inter = data.corpus.interactions
    rows = np.flatnonzero(inter.users > 0)
    pairs = Pairs.of_rows(data.corpus, rows)
    past = data.corpus.timeline.before(pairs.users, pairs.times, 99)
    photos = data._past_photos(pairs)
    for profile in (past, np.where(photos >= 0, data.photos.rows[photos], -1)):
        target, entry = np.nonzero(profile >= 0)
        source, row = profile[target, entry], rows[target]
        assert len(source)
        assert (inter.splits[source] == TRAIN).all()
        assert (inter.users[source] == inter.users[row]).all()
        assert (inter.times[source] < inter.times[row]).all()


@pytest.mark.parametrize(("model", "changes"), [("ShowcaseBPR", {}), ("ShowcaseSASRec", SASREC)])
@pytest.mark.parametrize("limit", [64, 2])
def test_photo_selection_learns_from_photos_of_training_rows(
    tiny_world: TinyWorld, tmp_path: Path, model: str, changes: dict[str, object], limit: int
) -> None:
    changes = {**changes, "showcase_max_candidates": limit}
    data = data_of(model, tiny_world, tmp_path, **changes)
    inter, rows = data.corpus.interactions, data.selection_rows
    batch = data.training_selection(rows, np.random.default_rng(0))
    candidates, posted = batch.candidates.numpy(), batch.posted.numpy()
    assert candidates.shape[1] <= limit and batch.candidate_mask.sum(dim=1).min() >= 2
    target, place = np.nonzero(candidates >= 0)
    source = data.photos.rows[candidates[target, place]]
    assert (inter.splits[source] == TRAIN).all()
    assert (inter.items[source] == inter.items[rows[target]]).all()
    assert ((source == rows[target]) == posted[target, place]).all()
    assert posted.sum(axis=1).tolist() == [1] * len(rows), "every posted photo is a candidate"
    for n, row in enumerate(rows):
        authors = [inter.users[data.photos.rows[c]] if c >= 0 else None for c in candidates[n]]
        assert batch.by_user[n].tolist() == [author == inter.users[row] for author in authors]
    distinct = [len(set(row[row >= 0])) == (row >= 0).sum() for row in candidates]
    assert all(distinct)
    assert data.users_with_selection()[inter.users[rows]].all()


def test_nothing_says_who_posted_what_where_photos_are_chosen(
    tiny_world: TinyWorld, tmp_path: Path
) -> None:
    data = data_of("ShowcaseBPR", tiny_world, tmp_path, showcase_max_candidates=2)
    rows = np.flatnonzero(data.corpus.interactions.splits == TEST)
    pairs = Pairs.of_rows(data.corpus, rows)
    batch = data.selection_batch(pairs, data.profile(pairs))
    assert not batch.posted.any() and not batch.by_user.any()
    held_out = data.photos.of_row.first(rows, 1)
    assert (batch.candidates.numpy() == held_out).any(axis=1).all(), "all photos are candidates"


def test_without_times_the_target_itself_is_hidden(tmp_path: Path) -> None:
    world = TinyWorld.write(tmp_path, "timeless")
    path = world.folder / f"{world.name}.inter"
    lines = [line.split("\t") for line in path.read_text().splitlines()]
    path.write_text(
        "".join("\t".join(p for i, p in enumerate(line) if i != 3) + "\n" for line in lines)
    )
    data = data_of(
        "ShowcaseBPR",
        world,
        tmp_path,
        load_col=None,
        eval_args={"split": {"RS": [0.8, 0.1, 0.1]}, "order": "RO", "mode": "full"},
    )
    rows = data.train_rows
    pairs = Pairs.of_rows(data.corpus, rows)
    assert np.isnan(pairs.times).all()
    past = data._past_photos(pairs)
    assert (past >= 0).any(axis=1).all(), "all other reviews of the user are the past"
    assert not (data.photos.rows[past] == rows[:, None])[past >= 0].any()
    mask = data.profile(pairs).review_mask
    counts = np.bincount(data.corpus.interactions.users[rows])[pairs.users]
    assert (mask.sum(dim=1).numpy() == np.minimum(counts - 1, 8)).all()


def test_sequential_first_interactions_are_past(tiny_world: TinyWorld, tmp_path: Path) -> None:
    """SASRec has no training sample for a user's first interaction; its review is history."""
    data = data_of("ShowcaseSASRec", tiny_world, tmp_path, **SASREC)
    inter = data.corpus.interactions
    assert np.bincount(inter.splits[inter.users > 0]).tolist() == [200, 40, 40]


def test_recbole_does_not_see_the_rows(tiny_world: TinyWorld, tmp_path: Path) -> None:
    for model, changes in (("ShowcaseBPR", {}), ("ShowcaseSASRec", SASREC)):
        _trainer, loaders = prepare(model, tiny_world, tmp_path, **changes)
        batch = next(iter(loaders[0]))
        assert not [field for field in batch.columns if "showcase" in field]
        assert not [field for field in loaders[0]._dataset.fields() if "showcase" in field]
