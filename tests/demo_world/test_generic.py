from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from demo_world import World, WorldSettings, draw_world, phrases
from demo_world.generic import generic_sentence
from demo_world.grammar import draw_style
from demo_world.truth import DishFinder, dish_forms
from recbole_showcase.text.sentences import sentences_of

PLAIN = WorldSettings(seed=8, n_users=120, n_items=30, reviews_mean=8.0)
REVIEWS, SENTENCES = 0.4, 0.3


@pytest.fixture(scope="module")
def plain() -> World:
    return draw_world(PLAIN)


@pytest.fixture(scope="module")
def generic() -> World:
    return draw_world(
        replace(PLAIN, share_generic_reviews=REVIEWS, share_generic_sentences=SENTENCES)
    )


def test_nothing_but_the_words_of_reviews_changes(plain: World, generic: World) -> None:
    for table in ("inter", "item", "image", "photo_truth", "menu_truth", "taste_truth"):
        assert getattr(plain, table).equals(getattr(generic, table)), table
    assert plain.review["review_id"].equals(generic.review["review_id"])
    assert plain.review_truth.merge(generic.review_truth).equals(generic.review_truth)


def test_the_asked_share_of_reviews_names_no_dish(plain: World, generic: World) -> None:
    find = DishFinder(dish_forms()).find
    assert all(map(find, plain.review["text"]))
    silent = np.array([not find(text) for text in generic.review["text"]])
    assert silent.mean() == pytest.approx(REVIEWS, abs=0.05)
    named = set(generic.review_truth["review_id"])
    assert [name in named for name in generic.review["review_id"]] == (~silent).tolist()
    assert (generic.review["explanation"][silent] == "").all()
    assert generic.review["text"].str.len().min() > 0


def test_the_others_keep_their_sentences_and_gain_the_asked_share(
    plain: World, generic: World
) -> None:
    silent = ~generic.review["review_id"].isin(generic.review_truth["review_id"]).to_numpy()
    own = sentences_of(plain.review["text"][~silent].tolist())
    now = sentences_of(generic.review["text"][~silent].tolist())
    for before, after in zip(own, now, strict=True):
        kept = iter(after)
        assert all(sentence in kept for sentence in before)  # in their order
    added = 1 - sum(map(len, own)) / sum(map(len, now))
    assert added == pytest.approx(SENTENCES, abs=0.04)
    same = plain.review["explanation"][~silent] == generic.review["explanation"][~silent]
    assert same.all()


@pytest.mark.parametrize(("rating", "patterns"), [(5, phrases.GENERIC), (1, phrases.SOUR_GENERIC)])
def test_generic_sentences_name_nothing_of_a_menu(rating: int, patterns: tuple[str, ...]) -> None:
    rng = np.random.default_rng(3)
    find = DishFinder(dish_forms()).find
    said = [generic_sentence(rng, draw_style(rng), rating) for _ in range(400)]
    assert not any(find(sentence) or "{" in sentence for sentence in said)
    # The first pattern is said most often, and the praise is mostly everybody's.
    assert len(set(said)) > len(patterns)


def test_an_option_that_is_off_leaves_no_trace_in_files() -> None:
    assert "share_generic_reviews" not in PLAIN.to_dict()
    asked = replace(PLAIN, share_generic_reviews=REVIEWS)
    assert asked.to_dict()["share_generic_reviews"] == REVIEWS
    assert WorldSettings.from_dict(asked.to_dict()) == asked
