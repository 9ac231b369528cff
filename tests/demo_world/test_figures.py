from __future__ import annotations

import numpy as np
import pytest

from demo_world import World
from demo_world.figures import (
    WorldFeatures,
    expected_f1,
    held_out_reviews,
    retrieval_figures,
    selection_f1,
    zero_shot_accuracy,
)


def test_zero_shot_accuracy() -> None:
    prompts = np.eye(3)
    image = np.array([[0.9, 0.1, 0], [0, 0.2, 0.8], [0.6, 0.4, 0], [0, 1, 0]])
    assert zero_shot_accuracy(image, prompts, np.array([0, 2, 1, 1])) == 0.75


@pytest.mark.parametrize(
    ("scores", "own", "k", "f1"),
    [
        ([3, 2, 1, 0], [1, 1, 0, 0], 2, 1.0),
        ([3, 2, 1, 0], [0, 0, 1, 1], 2, 0.0),
        ([0, 0, 0, 0], [1, 0, 0, 0], 2, 1 / 3),  # half a hit expected: 2 * 0.5 / (2 + 1)
        ([1, 1], [1, 0], 3, 2 / 3),  # fewer photos than k: both are selected
    ],
)
def test_expected_f1(scores: list[float], own: list[int], k: int, f1: float) -> None:
    got = expected_f1(np.array(scores, dtype=float), np.array(own, dtype=bool), k)
    assert got == pytest.approx(f1)


def test_held_out_reviews_are_the_last(small_world: World) -> None:
    last, first = held_out_reviews(small_world.inter, 0.1)
    for _, group in small_world.inter.groupby("user_id"):
        ids = group.sort_values("timestamp")["review_id"].tolist()
        assert [name for name in ids if name in last] == ids[-1:]
        assert [name for name in ids if name in first] == ids[:-2]


def test_features_that_know_the_review_find_its_photos(small_world: World) -> None:
    reviews = {name: k for k, name in enumerate(small_world.inter["review_id"])}
    eye = np.eye(len(reviews))
    image = eye[[reviews[name] for name in small_world.image["review_id"]]]
    text = eye[[reviews[name] for name in small_world.review["review_id"]]]
    found = retrieval_figures(small_world, WorldFeatures(image, text, text))
    assert found["own"] == 1.0
    assert found["subject"] == 1.0
    assert found["own_random"] < 1


def test_features_that_know_the_user_select_better_than_chance(small_world: World) -> None:
    """A user's photos that are alike, and like nobody else's, are all found."""
    users = {name: k for k, name in enumerate(small_world.inter["user_id"].unique())}
    owner = dict(zip(small_world.inter["review_id"], small_world.inter["user_id"], strict=True))
    eye = np.eye(len(users))
    image = eye[[users[owner[name]] for name in small_world.image["review_id"]]]
    text = eye[[users[owner[name]] for name in small_world.review["review_id"]]]
    figures = selection_f1(small_world, WorldFeatures(image, text, text), share=0.3)
    assert figures["n"] > 5
    assert figures["both"] > 1.5 * figures["random"]
    assert figures["random"] < figures["subjects"] < 1
