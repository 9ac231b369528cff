"""What may be quoted for a pair: sentences of others, of training rows, before its time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recbole_showcase.atomic import REVIEW, read_atomic, write_atomic
from recbole_showcase.data.corpus import TRAIN
from recbole_showcase.data.explanation import ExplanationData
from recbole_showcase.data.pairs import Pairs
from recbole_showcase.errors import FeatureStoreError
from recbole_showcase.text.sentences import split_sentences
from tests.integration.test_training import prepare
from tests.tiny import TinyWorld, write_sentences


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> ExplanationData:
    """The tiny world; every fourth user wrote of one item twice."""
    folder = tmp_path_factory.mktemp("data")
    world = TinyWorld.write(folder, n_items=9)
    path = world.folder / f"{world.name}.inter"
    lines = path.read_text().splitlines()
    again = [n for n in range(1, len(lines)) if n % 28 == 2]
    for n in again:  # the user's next row is of the same item
        first, second = lines[n].split("\t"), lines[n + 1].split("\t")
        lines[n + 1] = "\t".join([*first[:2], *second[2:]])
    path.write_text("".join(f"{line}\n" for line in lines))
    write_sentences(world)
    work = tmp_path_factory.mktemp("work")
    trainer, _ = prepare("ShowcaseBPR", world, work, showcase_explainer="quote")
    return trainer.model.showcase.data


def slowly(data: ExplanationData, pairs: Pairs, n: int, limit: int) -> list[tuple[int, int]]:
    """Row and number of what may be quoted, one row after the other."""
    inter = data.corpus.interactions
    wanted = pairs.times[n]
    rows = [
        row
        for row in range(1, len(inter.users))
        if inter.splits[row] == TRAIN
        and inter.items[row] == pairs.items[n]
        and inter.users[row] != pairs.users[n]
        and (np.isnan(wanted) or inter.times[row] < wanted)
    ]
    rows.sort(key=lambda row: -inter.times[row])
    own = [
        (row, number)
        for row in rows
        for number, _ in enumerate(split_sentences([data.corpus.texts[row]])[0])
    ]
    return own[:limit]


@pytest.mark.parametrize("limit", [500, 3])
def test_candidates_are_earlier_training_sentences_of_others(
    data: ExplanationData, limit: int
) -> None:
    table, inter = data.sentences, data.corpus.interactions
    pairs = Pairs.of_rows(data.corpus, np.flatnonzero(inter.users > 0))
    found = table.of_items(pairs, limit)
    some = 0
    for n, own in enumerate(found):
        real = own[own >= 0]
        expected = slowly(data, pairs, n, limit)
        known = zip(table.rows[real].tolist(), table.numbers[real].tolist(), strict=True)
        assert list(known) == expected
        some += len(expected)
    assert some > 300 and (np.diff((found >= 0).astype(int), axis=1) <= 0).all()
    hidden = Pairs.of_ids(pairs.users, pairs.items)  # of all times
    assert (table.of_items(hidden, 500) >= 0).sum() > (table.of_items(pairs, 500) >= 0).sum()
    unknown = Pairs(pairs.users, pairs.items, np.full(len(pairs), np.nan), pairs.rows)
    assert np.array_equal(table.of_items(unknown, limit), table.of_items(hidden, limit))


def test_no_sentence_of_a_held_out_row_is_in_the_table(data: ExplanationData) -> None:
    inter, table = data.corpus.interactions, data.sentences
    assert (inter.splits[table.rows] == TRAIN).all()
    assert len(table) == 2 * (inter.splits == TRAIN).sum() < len(table.features.store)


def test_words_and_features_are_those_of_the_sentence(data: ExplanationData) -> None:
    table = data.sentences
    some = np.random.default_rng(0).permutation(len(table))[:50]
    texts = table.texts(some)
    for place, text in zip(some, texts, strict=True):
        review = data.corpus.texts[table.rows[place]]
        assert text == split_sentences([review])[0][table.numbers[place]]
    axis = table.features[some].argmax(axis=1)
    users = data.corpus.interactions.users[table.rows[some]]
    number = np.array([int(str(u)[1:]) for u in data.corpus.user_tokens[users]])
    general = np.array([text == "I went there." for text in texts])
    assert 0 < general.sum() < 50
    assert (axis == np.where(general, 4, number % 4)).all()
    assert table.texts(some[:0]) == []


def test_a_batch_holds_sentences_only_where_they_are_asked_for(data: ExplanationData) -> None:
    pairs = Pairs.of_rows(data.corpus, data.train_rows[:5])
    photos = np.full((5, 1), -1)
    batch = data.explanation_batch(pairs, photos, data.profile(pairs))
    assert batch.sentence_features.shape == (*batch.sentence_mask.shape, 16)
    assert np.array_equal(batch.sentences.positions >= 0, batch.sentence_mask.numpy())
    assert not batch.sentence_features[~batch.sentence_mask].any()
    other = data.with_settings(data.settings)
    other.reads = frozenset()
    less = other.explanation_batch(pairs, photos, data.profile(pairs))
    assert less.sentence_mask.shape == (5, 0) and len(less.sentences) == 5


def test_reviews_that_have_changed_are_not_quoted(tmp_path: Path) -> None:
    world = TinyWorld.write(tmp_path / "data")
    write_sentences(world)
    path = world.folder / f"{world.name}.review"
    table = read_atomic(path)
    table["text"] = table["text"].str.replace("I went there", "We went elsewhere")
    write_atomic(path, REVIEW, table)
    trainer, _ = prepare("ShowcaseBPR", world, tmp_path, showcase_explainer="quote")
    with pytest.raises(FeatureStoreError, match=r"not those of .*anew with: .*--sentences"):
        trainer.model.showcase.data.sentences.texts(np.arange(4))
