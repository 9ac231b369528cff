"""Whole runs that quote: nothing is trained, nothing is made up, and nothing held out is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import recbole_showcase
from recbole_showcase.atomic import REVIEW, read_atomic, write_atomic
from recbole_showcase.data.corpus import TEST, TRAIN, VALID
from recbole_showcase.data.pairs import Pairs
from recbole_showcase.data.profiles import Newcomer
from recbole_showcase.errors import FeatureStoreError
from recbole_showcase.gallery import render_gallery
from recbole_showcase.offline import OfflineOptions, write_showcases
from recbole_showcase.text.sentences import split_sentences
from tests.integration.test_checkpoints import train
from tests.integration.test_training import prepare
from tests.tiny import TOPICS, TinyWorld, write_sentences

SENTINEL = "zyzzyva"
METRICS = ["Recall", "ImageF1", "BLEU1", "ROUGEL", "FMR", "EmptyTexts", "UserInfluence"]
UNTRAINED = {
    "showcase_explainer": "quote",
    "showcase_relevance": "clip",
    "showcase_selector": "topk",
    "metrics": METRICS,
}


def held_out(world: TinyWorld, work: Path) -> set[str]:
    """Review ids of valid and test."""
    trainer, _ = prepare("ShowcaseBPR", world, work)
    inter = trainer.model.showcase.data.corpus.interactions
    return set(inter.reviews[np.isin(inter.splits, (VALID, TEST))])


def could_be_said(model: Any, pairs: Pairs, topics: tuple[str, ...]) -> np.ndarray:
    """Whether somebody wrote of the pair's item before what its user likes to read (N,)."""
    data = model.showcase.data
    found = data.sentences.of_items(pairs, 999)
    users = data.corpus.user_tokens[pairs.users]
    return np.array([
        any(topics[int(str(user)[1:]) % 4] in text for text in data.sentences.texts(own[own >= 0]))
        for user, own in zip(users, found, strict=True)
    ])  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> TinyWorld:
    """The tiny world; every held-out review says a second time what its user would like to read."""
    world = TinyWorld.write(tmp_path_factory.mktemp("data"))
    hidden = held_out(world, tmp_path_factory.mktemp("work"))
    path = world.folder / f"{world.name}.review"
    table = read_atomic(path)
    marked = table["review_id"].isin(hidden)
    topic = table["review_id"].str.extract(r"^r(\d+)-")[0].astype(int) % len(TOPICS)
    said = [f" The {SENTINEL} {TOPICS[number]} was great." for number in topic]
    table.loc[marked, "text"] += np.array(said, dtype=object)[marked]
    write_atomic(path, REVIEW, table)
    write_sentences(world)
    return world


@pytest.fixture(scope="module")
def trained(
    world: TinyWorld, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, float]]:
    config = world.config(tmp_path_factory.mktemp("run"), **UNTRAINED)
    return train("ShowcaseBPR", world.name, config)


def test_a_run_without_anything_to_train_beside_the_recommender(
    trained: tuple[Path, dict[str, float]],
) -> None:
    checkpoint, result = trained
    state = torch.load(checkpoint, weights_only=True)
    assert not [key for key in state["state_dict"] if key.startswith("showcase.explainer")]
    assert state["optimizer"]["param_groups"][1]["params"] == []
    assert result["bleu1"] > 40 and result["fmr"] > 0.7
    assert result["emptytexts"] == 0 and result["userinfluence"] > 0.03


def test_every_sentence_stands_in_an_earlier_training_review_of_the_item_by_another(
    trained: tuple[Path, dict[str, float]],
) -> None:
    recommender = recbole_showcase.load_explainer(trained[0])
    model, corpus = recommender.model, recommender.model.showcase.data.corpus
    inter = corpus.interactions
    stored = model.showcase.data.sentences.features.store
    assert len(stored) > 2 * (inter.splits == TRAIN).sum() + (inter.splits == TEST).sum()
    pairs = Pairs.of_rows(corpus, np.flatnonzero(inter.users > 0))
    found = model.explain(pairs)
    nobody = 0
    for n, text in enumerate(found.texts):
        sentences, rows = split_sentences([text])[0], found.evidence[n][found.evidence[n] >= 0]
        assert len(sentences) == len(rows) and SENTINEL not in text
        for sentence, row in zip(sentences, rows, strict=True):
            assert sentence in split_sentences([corpus.texts[row]])[0]
            assert inter.splits[row] == TRAIN and inter.items[row] == pairs.items[n]
            assert inter.users[row] != pairs.users[n] and inter.times[row] < pairs.times[n]
        nobody += not text
    first = [
        not ((inter.items == item) & (inter.splits == TRAIN) & (inter.times < time)).any()
        for item, time in zip(pairs.items, pairs.times, strict=True)
    ]
    assert nobody == sum(first) > 0, "who came first has nobody to quote, and nothing is made up"


def test_what_the_user_likes_is_quoted(trained: tuple[Path, dict[str, float]]) -> None:
    recommender = recbole_showcase.load_explainer(trained[0])
    users, items = [f"u{n}" for n in range(40)], [f"i{n % 24}" for n in range(40)]
    shown = recommender.explain(users, items)
    pairs = Pairs.of_ids(recommender.find("user", users), recommender.find("item", items))
    can = could_be_said(recommender.model, pairs, TOPICS)
    assert 20 < can.sum() < 40
    assert [TOPICS[n % 4] in s.text for n, s in enumerate(shown)] == can.tolist()
    assert all(s.evidence and s.to_dict()["evidence"] == list(s.evidence) for s in shown)


def test_to_somebody_who_is_in_no_file_is_quoted_what_a_user_of_that_taste_gets(
    trained: tuple[Path, dict[str, float]],
) -> None:
    """But for the user's own sentences, of which a newcomer has none."""
    model = recbole_showcase.load_explainer(trained[0]).model
    data = model.showcase.data
    items = np.arange(1, len(data.corpus.item_tokens))
    known, new = (Pairs.of_ids(np.full_like(items, user), items) for user in (3, 0))
    profile = data.profile(known[:1])
    past = profile.review_features[0][profile.review_mask[0]].numpy()
    photos = model.explain(known, text=False).photos
    taste = Newcomer(("",) * len(past), past, np.empty((0, data.feature_dim), np.float32))
    found = model.explain(new, photos=photos, newcomer=taste)
    same = (data.sentences.of_items(known, 99) == data.sentences.of_items(new, 99)).all(axis=1)
    expected = model.explain(known, photos=photos)
    assert 0 < same.sum() < len(items)
    assert np.array(found.texts)[same].tolist() == np.array(expected.texts)[same].tolist()
    assert (found.evidence[same] == expected.evidence[same]).all()
    nothing = Newcomer((), past[:0], past[:0])
    assert all(model.explain(new, photos=photos, newcomer=nothing).texts)


def test_pages_and_folders_name_the_reviews(
    trained: tuple[Path, dict[str, float]], tmp_path: Path
) -> None:
    recommender = recbole_showcase.load_explainer(trained[0])
    (user,) = recommender.user_showcases(["u3"], top_k=2)
    file = render_gallery([user], tmp_path / "page.html", title="T", subtitle="", figures=None)
    page = file.read_text()
    for shown in (*user.recommended, *user.held_out):
        assert all(f">{review}<" in page for review in shown.evidence)
    options = OfflineOptions(top_k=2, form="jsonl")
    write_showcases(trained[0], tmp_path / "out", options=options, progress=False)
    (part,) = (tmp_path / "out").glob("part-*.jsonl")
    rows = [json.loads(line) for line in part.read_text().splitlines()]
    own = [row for row in rows if row["user"] == "u3"]
    assert [(row["text"], tuple(row["evidence"])) for row in own] == [
        (shown.text, shown.evidence) for shown in user.recommended
    ]


@pytest.mark.parametrize("name", ["quote_typical", "quote_popular", "quote_random"])
def test_a_baseline_runs_resumes_and_says_the_same_again(
    world: TinyWorld, tmp_path: Path, name: str
) -> None:
    changes: dict[str, Any] = {**UNTRAINED, "showcase_explainer": name}
    changes["metrics"] = ["Recall", "BLEU1", "EmptyTexts"]
    changes["valid_metric"] = "BLEU1"
    trainer, (train_data, valid, test) = prepare("ShowcaseBPR", world, tmp_path, **changes)
    trainer.fit(train_data, valid)
    result = trainer.evaluate(test)
    assert result["emptytexts"] == 0 and result["bleu1"] < 100
    again, (train_data, valid, _) = prepare("ShowcaseBPR", world, tmp_path, epochs=3, **{
        key: value for key, value in changes.items() if key != "epochs"
    })  # fmt: skip
    again.resume_checkpoint(trainer.saved_model_file)
    again.fit(train_data, valid)
    pairs = Pairs.of_rows(trainer.model.showcase.data.corpus, test._dataset.showcase_rows)
    assert trainer.model.explain(pairs).texts == again.model.explain(pairs).texts


def test_without_features_of_sentences_nothing_begins(
    tiny_world: TinyWorld, tmp_path: Path
) -> None:
    with pytest.raises(FeatureStoreError, match=r"add them with: recbole-showcase embed .*--sent"):
        prepare("ShowcaseBPR", tiny_world, tmp_path, showcase_explainer="quote")


@pytest.mark.parametrize(
    ("topics", "texts"),
    [
        (("牛肉面", "披萨", "沙拉", "汉堡"), ("我去过那里。这家的{}真好吃！", "这家的{}真好吃！")),
        (
            ("الشوربة", "البيتزا", "السلطة", "البرغر"),
            ("ذهبت إلى هناك أمس. كانت {} لذيذة جدا!", "كانت {} لذيذة جدا!"),
        ),
    ],
)
def test_other_scripts_are_quoted_as_well(
    tmp_path: Path, topics: tuple[str, ...], texts: tuple[str, str]
) -> None:
    world = TinyWorld.write(tmp_path / "data", topics=topics, texts=texts)
    write_sentences(world, topics)
    changes = {**UNTRAINED, "showcase_explainer": "quote", "metrics": METRICS}
    trainer, (_, _, test) = prepare("ShowcaseBPR", world, tmp_path, **changes)
    model = trainer.model.eval()
    corpus = model.showcase.data.corpus
    pairs = Pairs.of_rows(corpus, test._dataset.showcase_rows)
    found = model.explain(pairs)
    known = {s for text in corpus.texts[1:] for s in split_sentences([text])[0]}
    for n, text in enumerate(found.texts):
        sentences = split_sentences([text])[0]
        assert len(sentences) == 2 and set(sentences) <= known
        assert sentences[0] in corpus.texts[found.evidence[n, 0]]
    topic = [int(str(u)[1:]) % 4 for u in corpus.user_tokens[pairs.users]]
    right = [topics[t] in text for t, text in zip(topic, found.texts, strict=True)]
    assert right == could_be_said(model, pairs, topics).tolist() and sum(right) > 20
    assert trainer.evaluate(test, load_best_model=False)["bleu1"] > 40


@pytest.mark.parametrize("name", ["retrieval", "prefix_lm"])
def test_a_run_that_reads_sentences(world: TinyWorld, tmp_path: Path, name: str) -> None:
    """What is read is as earlier, others' and the item's, and a checkpoint reads the same."""
    config = world.config(
        tmp_path, epochs=1, showcase_explainer=name, explainer_use_sentences="both"
    )
    checkpoint, result = train("ShowcaseBPR", world.name, config)
    assert np.isfinite(result["bleu1"])
    recommender = recbole_showcase.load_explainer(checkpoint)
    model, corpus = recommender.model, recommender.model.showcase.data.corpus
    inter = corpus.interactions
    pairs = Pairs.of_rows(corpus, np.flatnonzero(inter.splits == TEST)[:20])
    found = model.explain(pairs)
    there = found.evidence >= 0
    assert there.any(axis=1).mean() > 0.5
    rows = found.evidence[there]
    of = np.repeat(np.arange(len(pairs)), there.sum(axis=1))
    assert (inter.splits[rows] == TRAIN).all() and (inter.items[rows] == pairs.items[of]).all()
    assert (inter.users[rows] != pairs.users[of]).all()
    assert (inter.times[rows] < pairs.times[of]).all()
    again = recbole_showcase.load_explainer(checkpoint).model.explain(pairs)
    assert list(again.texts) == list(found.texts)
