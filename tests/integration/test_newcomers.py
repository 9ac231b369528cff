"""Showcases for people who are in no file, from what they say and show of their taste."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import recbole_showcase
from recbole_showcase.composed.newcomers import NewcomerEncoder, popular_items
from recbole_showcase.data.corpus import TEST, TRAIN, Interactions
from recbole_showcase.encoders import FeatureStore
from recbole_showcase.errors import DataError, FeatureStoreError
from recbole_showcase.recommender import ShowcaseRecommender
from tests.integration.test_checkpoints import train
from tests.photographed import painted, past_of, photographed_world, settings
from tests.tiny import TinyWorld

# Each reads users in another way: features, words, ids.
EXPLAINERS = ("showcase", "ref2seq", "att2seq")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> TinyWorld:
    return photographed_world(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def ask(world: TinyWorld, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Trained recommenders by explainer, none of which reads the recommender's vectors."""
    trained: dict[str, ShowcaseRecommender] = {}

    def of(explainer: str) -> ShowcaseRecommender:
        if explainer not in trained:
            config = settings(
                world,
                tmp_path_factory.mktemp("run"),
                showcase_explainer=explainer,
                showcase_use_recommender=False,
            )
            checkpoint, _ = train("ShowcaseBPR", world.name, config)
            trained[explainer] = recbole_showcase.load_explainer(checkpoint)
        return trained[explainer]

    return of


@pytest.mark.parametrize("explainer", ["showcase", "ref2seq"])
def test_who_says_what_a_user_wrote_gets_what_the_user_gets(
    ask: Any, world: TinyWorld, explainer: str
) -> None:
    """The stored past of a known user and the same past, given by hand, are one."""
    recommender = ask(explainer)
    inter = recommender._data.corpus.interactions
    training = set(inter.reviews[inter.splits == TRAIN])
    items = [f"i{n}" for n in range(8)]
    for user in ("u1", "u6"):
        past = past_of(world, user)
        past = past[past["review_id"].isin(training)]
        photos = [world.folder / "photos" / f"p{review}.jpg" for review in past["review_id"]]
        given = recommender.explain_profile(list(past["text"]), photos, items)
        known = recommender.explain([user] * len(items), items)
        assert [[p.id for p in s.photos] for s in given] == [
            [p.id for p in s.photos] for s in known
        ]
        assert [s.text for s in given] == [s.text for s in known]
        relevance = [[[p.relevance for p in s.photos] for s in found] for found in (given, known)]
        np.testing.assert_allclose(*relevance, rtol=1e-3, atol=1e-3)
        assert {s.user for s in given} == {""}


def test_taste_decides_which_photos_are_shown(ask: Any, world: TinyWorld) -> None:
    recommender = ask("showcase")
    shown = {}
    for topic in (0, 2):
        found = recommender.explain_profile(photos=[painted(topic, 3), painted(topic, 7)], top_k=8)
        shown[topic] = [world.topic_of_photo[s.photos[0].id] for s in found]
    assert shown[0].count(0) > shown[2].count(0)
    assert shown[2].count(2) > shown[0].count(2)


@pytest.mark.parametrize("explainer", EXPLAINERS)
def test_nothing_said_is_an_answer_too(ask: Any, explainer: str) -> None:
    """As of a user without a row: the item's typical photos, and the text of nobody."""
    found = ask(explainer).explain_profile(["  "], top_k=3)
    assert [s.rank for s in found] == [1, 2, 3]
    assert all(len(s.photos) == 3 and isinstance(s.text, str) and s.score is None for s in found)


def test_photos_may_be_files_bytes_or_images(ask: Any, tmp_path: Path) -> None:
    recommender, image = ask("showcase"), painted(1, 0)
    image.save(tmp_path / "a.png")
    content = io.BytesIO()
    image.save(content, "PNG")
    forms = [tmp_path / "a.png", content.getvalue(), image]
    features = recommender.newcomer(photos=forms).photo_features
    assert features.shape == (3, recommender._data.feature_dim)
    np.testing.assert_array_equal(features[1:], features[[0, 0]])


def test_more_than_the_profile_holds_is_left_out(ask: Any) -> None:
    recommender = ask("showcase")
    limits = recommender._data.settings
    texts = [f"The soup number {n} was great." for n in range(limits.max_history_reviews + 3)]
    photos = [painted(0, n) for n in range(limits.max_history_photos + 3)]
    newcomer = recommender.newcomer(texts, photos)
    assert list(newcomer.texts) == texts[: limits.max_history_reviews]
    assert len(newcomer.photo_features) == limits.max_history_photos
    longer = replace(newcomer, review_features=np.tile(newcomer.review_features, (2, 1)))
    assert longer.profile(2, 5).review_features.shape[:2] == (2, 5)


def test_what_is_no_photo_is_named(ask: Any, tmp_path: Path) -> None:
    recommender = ask("showcase")
    image = painted(0, 0)
    huge = Image.new("1", (10_000, 8_800))
    content = io.BytesIO()
    huge.save(content, "PNG")  # 11 KB
    for bad, said in (
        (b"no photo", r"photos\[1\] cannot be used: .*no photo of a format"),
        (content.getvalue(), r"photos\[1\] .*huge: "),
        (huge, r"photos\[1\] .*huge: 10000×8800"),
        (tmp_path / "none.jpg", r"photos\[1\] .*missing"),
    ):
        with pytest.raises(DataError, match=said):
            recommender.explain_profile(photos=[image, bad])


def test_arguments_of_another_kind_are_refused(ask: Any) -> None:
    recommender = ask("showcase")
    with pytest.raises(DataError, match="reviews is a single text"):
        recommender.explain_profile("soup")
    with pytest.raises(DataError, match="item 'nowhere' is not in the data set"):
        recommender.explain_profile(["soup"], items=["nowhere"])
    with pytest.raises(DataError, match="top_k is 0"):
        recommender.explain_profile(["soup"], top_k=0)


def test_an_encoder_that_is_not_there_is_named(tiny_world: TinyWorld) -> None:
    """The features of this world say that the shipped encoder made them, and are too narrow."""
    store = FeatureStore.open(tiny_world.folder, "topics", "image")
    with pytest.raises(FeatureStoreError, match="features are 16 wide"):
        NewcomerEncoder(store, "cpu").newcomer(["soup"], [])


def test_popular_is_what_most_visited_in_training() -> None:
    items = np.array([0, 3, 3, 1, 2, 1, 4, 4, 4])
    splits = np.array([-1, TRAIN, TRAIN, TRAIN, TRAIN, TRAIN, TEST, TEST, TEST])
    none = np.zeros(9)
    inter = Interactions(none, items, splits, none, none, none)
    assert popular_items(inter, 5, 3).tolist() == [1, 3, 2]
    assert popular_items(inter, 5, 99).tolist() == [1, 3, 2, 4]
