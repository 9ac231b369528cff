from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from demo_world import World, WorldSettings, draw_world
from demo_world.catalogue import AMBIENCES, CUISINES, DISH_NAMES, DISHES
from recbole_showcase.errors import SettingsError

from .conftest import SMALL


@pytest.fixture(scope="module")
def world() -> World:
    return draw_world(WorldSettings(seed=11))


def test_every_cuisine_serves_known_dishes_and_every_dish_is_served() -> None:
    served = {dish for dishes in CUISINES.values() for dish in dishes}
    assert served == set(DISH_NAMES)
    assert 28 <= len(DISHES) <= 36
    assert 6 <= len(AMBIENCES) <= 8


def test_users_visit_an_item_once_at_increasing_times(world: World) -> None:
    assert not world.inter.duplicated(["user_id", "item_id"]).any()
    assert world.inter["timestamp"].is_monotonic_increasing
    assert world.inter["timestamp"].is_unique
    assert world.inter["review_id"].is_unique
    assert set(world.inter["rating"]) <= {1.0, 2.0, 3.0, 4.0, 5.0}


def test_size_and_shares_are_as_asked(world: World) -> None:
    per_user = world.inter.groupby("user_id").size()
    assert len(per_user) == 300
    assert per_user.min() >= 5
    assert per_user.mean() == pytest.approx(9, abs=0.5)
    assert len(world.review) / len(world.inter) == pytest.approx(0.6, abs=0.03)
    assert 1_400 < len(world.image) < 1_900


def test_photos_belong_to_their_review_and_its_item(world: World) -> None:
    joined = world.image.merge(world.inter, on="review_id", suffixes=("", "_visit"))
    assert len(joined) == len(world.image)
    assert (joined["item_id"] == joined["item_id_visit"]).all()
    assert world.image.groupby("review_id").size().max() <= 4
    with_text = joined["review_id"].isin(world.review["review_id"]).mean()
    assert with_text > 0.9


def test_photographed_dishes_are_on_the_menu_and_rooms_are_the_items_own(world: World) -> None:
    photos = world.image.merge(world.photo_truth, on="image_id")
    menu = set(zip(world.menu_truth["item_id"], world.menu_truth["dish"], strict=True))
    dishes = photos[photos["kind"] == "dish"]
    assert set(zip(dishes["item_id"], dishes["label"], strict=True)) <= menu
    place = dict(zip(world.place_truth["item_id"], world.place_truth["ambience"], strict=True))
    rooms = photos[photos["kind"] == "ambience"]
    assert len(rooms) > 50
    assert (rooms["item_id"].map(place) == rooms["label"]).all()


def test_menus_have_five_to_nine_dishes_of_the_cuisine(world: World) -> None:
    cuisine = dict(zip(world.place_truth["item_id"], world.place_truth["cuisine"], strict=True))
    for item, group in world.menu_truth.groupby("item_id"):
        assert 5 <= len(group) <= 9
        assert set(group["dish"]) <= set(CUISINES[cuisine[item]])


def test_people_eat_what_they_like(world: World) -> None:
    """The favourite dish of a user fills far more of their photos than chance would give it."""
    dish = world.taste_truth[world.taste_truth["kind"] == "dish"]
    favourite = dish.sort_values("share").groupby("user_id")["name"].last()
    photos = world.image.merge(world.photo_truth, on="image_id").merge(
        world.inter[["review_id", "user_id"]], on="review_id"
    )
    photos = photos[photos["kind"] == "dish"]
    assert (photos["label"] == photos["user_id"].map(favourite)).mean() > 0.3


def test_reviews_vary(world: World) -> None:
    words = set(re.findall(r"[a-z]+", " ".join(world.review["text"]).lower()))
    sentences = {s for text in world.review["text"] for s in re.split(r"(?<=[.!]) ", text)}
    assert len(words) > 500
    assert len(sentences) > 2_000
    assert world.review["text"].str.contains("{", regex=False).sum() == 0


def test_users_have_words_of_their_own(world: World) -> None:
    """Two reviews of a user share more of their words than reviews of different users."""
    texts = world.review.merge(world.inter[["review_id", "user_id"]], on="review_id")
    bags = [set(re.findall(r"[a-z]+", text.lower())) for text in texts["text"]]
    users = texts["user_id"].to_numpy()
    rng = np.random.default_rng(0)
    same, other = [], []
    for k in rng.choice(len(bags), 400, replace=False):
        for n in rng.choice(len(bags), 40, replace=False):
            if n != k:
                overlap = len(bags[k] & bags[n]) / len(bags[k] | bags[n])
                (same if users[k] == users[n] else other).append(overlap)
    assert np.mean(same) > 1.3 * np.mean(other)


def test_equal_settings_draw_equal_worlds_and_seeds_matter(small_world: World) -> None:
    again, different = draw_world(SMALL), draw_world(replace(SMALL, seed=6))
    for table in ("inter", "item", "review", "image", "photo_truth", "taste_truth"):
        assert getattr(small_world, table).equals(getattr(again, table))
        assert not getattr(small_world, table).equals(getattr(different, table))


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"n_users": 0}, "n_users is 0"),
        ({"share_without_text": 1.5}, "share_without_text is 1.5"),
        ({"share_generic_reviews": -0.1}, "share_generic_reviews is -0.1"),
        ({"share_generic_sentences": 1.0}, "share_generic_sentences is 1.0"),
        ({"reviews_mean": 3.0}, "reviews_mean is 3.0"),
        ({"n_items": 8}, "n_items"),
        ({"dish_focus": 0.0}, "dish_focus is 0.0"),
        ({"image_size": 8}, "image_size is 8"),
    ],
)
def test_impossible_settings_are_refused(values: dict[str, float], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        WorldSettings(**values)


def test_settings_survive_a_file_and_refuse_unknown_keys() -> None:
    assert WorldSettings.from_dict(SMALL.to_dict()) == SMALL
    with pytest.raises(SettingsError, match="n_user"):
        WorldSettings.from_dict({"n_user": 3})
