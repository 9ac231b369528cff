from __future__ import annotations

import math
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.metrics import (
    feature_coverage_ratio,
    feature_diversity,
    feature_matching_ratio,
    feature_matching_values,
    feature_mentions,
    known_feature_coverage,
    known_feature_coverage_values,
    known_feature_ratio,
    known_feature_values,
    mine_lexicon,
    read_lexicon,
)
from recbole_showcase.metrics.words import feature_words
from tests.metrics.texts import draw

LEXICON = ["soup", "spicy noodles", "noodles", "very good soup", "pizza"]


def draw_mentions(seed: int, texts: int = 25, features: int = 9) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.random((texts, features)) < rng.random(features) / 2


@pytest.mark.parametrize("seed", range(4))
def test_mentions_equal_a_literal_version(seed: int) -> None:
    texts, _ = draw(seed)
    texts[:2] = ["SPICY, noodles!", "a soup's very-good soup"]
    expected = [
        [f" {feature} " in f" {' '.join(feature_words(text))} " for feature in LEXICON]
        for text in texts
    ]
    found = feature_mentions(texts, LEXICON)
    assert found.dtype == bool and found.toarray().tolist() == expected
    assert np.sum(expected, axis=0)[:4].all()


def test_mentions_by_hand() -> None:
    found = feature_mentions(["The Noodle  soup.", "soups", ""], ["noodle-soup", "Soup"])
    assert found.toarray().tolist() == [[True, True], [False, False], [False, False]]
    assert feature_mentions([], ["soup"]).shape == (0, 1)


def test_lexicons_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DataError, match="lexicon is empty"):
        feature_mentions(["a"], [])
    with pytest.raises(DataError, match="entry 1: feature 'Soup' is there twice"):
        feature_mentions(["a"], ["soup", "Soup"])
    with pytest.raises(DataError, match="entry 0: feature '!' has no word"):
        feature_mentions(["a"], ["!"])
    with pytest.raises(DataError, match="lexicon is a single text"):
        feature_mentions(["a"], "soup")


@pytest.mark.parametrize("seed", range(4))
def test_fmr_fcr_div_equal_literal_versions(seed: int) -> None:
    said, true = draw_mentions(seed), draw_mentions(seed + 100)
    true[0] = False
    sets = [set(np.flatnonzero(row)) for row in said]
    wanted = [set(np.flatnonzero(row)) for row in true]
    matches = [len(s & w) / len(w) for s, w in zip(sets, wanted, strict=True) if w]
    assert feature_matching_ratio(said, true) == pytest.approx(np.mean(matches), abs=1e-12)
    named = set().union(*sets)
    assert feature_coverage_ratio(said) == pytest.approx(len(named) / said.shape[1], abs=1e-12)
    shared = [len(a & b) for a, b in combinations(sets, 2)]
    assert feature_diversity(said) == pytest.approx(np.mean(shared), abs=1e-12)


def test_one_true_feature_a_pair_is_the_papers_fmr() -> None:
    said = [[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 0, 1]]
    given = np.eye(3)[[0, 1, 2, 0]]
    assert feature_matching_ratio(said, given) == 0.5


def test_features_of_nothing() -> None:
    none, one = np.zeros((0, 3)), [[1, 0, 1]]
    assert math.isnan(feature_matching_ratio(none, none))
    assert math.isnan(feature_matching_ratio(one, [[0, 0, 0]]))
    assert np.isnan(feature_matching_values([[1], [0]], [[0], [1]])).tolist() == [True, False]
    assert math.isnan(feature_coverage_ratio(none))
    assert feature_coverage_ratio([[0, 0]]) == 0
    assert math.isnan(feature_diversity(one))
    assert feature_diversity([[0, 0], [0, 0]]) == 0
    with pytest.raises(DataError, match=r"mentions \(1, 3\), reference_mentions \(0, 3\)"):
        feature_matching_ratio(one, none)
    with pytest.raises(DataError, match=r"shape \(3,\)"):
        feature_coverage_ratio([1, 0, 1])


def test_a_lexicon_is_mined() -> None:
    texts = [
        "The spicy noodle soup was great, really delicious.",
        "Great noodle soup!",
        "Wonderful staff; the chef's soup of the day wasn't hot.",
        "Staff, pizza and a 5 euro x.",
    ]
    assert mine_lexicon(texts) == ["soup", "noodle", "noodle soup", "staff"]
    assert mine_lexicon(texts, max_words=1, size=2) == ["soup", "noodle"]
    assert "spicy noodle soup" in mine_lexicon(texts, max_words=3, min_texts=1)
    assert mine_lexicon([]) == mine_lexicon(["the"]) == mine_lexicon(["soup"]) == []
    assert mine_lexicon(["soup soup soup", "pizza"], min_texts=2) == []
    with pytest.raises(SettingsError, match="size is 0"):
        mine_lexicon(texts, size=0)


def test_every_mined_feature_is_found_in_as_many_texts_as_it_was_mined_from() -> None:
    texts = ["char-grilled fish tacos.", "Fish tacos", "tacos (fish) and the fish"]
    lexicon = mine_lexicon(texts, min_texts=1)
    assert {"char grilled", "fish tacos", "grilled fish"} <= set(lexicon)
    assert feature_mentions(texts, lexicon).toarray().any(axis=0).all()


def test_a_lexicon_is_read(tmp_path: Path) -> None:
    path = tmp_path / "lexicon.txt"
    path.write_text("Noodle-Soup\n\n  staff \nstaff\n", encoding="utf-8")
    assert read_lexicon(path) == ["noodle soup", "staff"]
    path.write_text("\n")
    with pytest.raises(DataError, match=r"lexicon\.txt has no feature"):
        read_lexicon(path)
    with pytest.raises(DataError, match=r"none\.txt cannot be read"):
        read_lexicon(tmp_path / "none.txt")


def test_features_known_of_items_by_hand() -> None:
    said = [[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 1], [1, 0, 0, 0]]
    known = [[1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
    groups = ["a", "a", "a", "b", "c"]  # of c nothing is known
    np.testing.assert_array_equal(known_feature_values(said, known), [1, 1, 0, 1, np.nan])
    assert known_feature_ratio(said, known) == 0.75
    # a: 2 of 3 over its three texts; b: 1 of 2.
    values = known_feature_coverage_values(said, known, groups)
    np.testing.assert_array_equal(values, [2 / 3, np.nan, np.nan, 1 / 2, np.nan])
    assert known_feature_coverage(said, known, groups) == pytest.approx(7 / 12)
    with pytest.raises(DataError, match="mentions has 5, groups has 4"):
        known_feature_coverage(said, known, groups[:4])
    with pytest.raises(DataError, match="shapes"):
        known_feature_ratio(said, known[:3])


@pytest.mark.parametrize("seed", range(4))
def test_features_known_of_items_equal_a_literal_version(seed: int) -> None:
    """By sets of words for each item, as Yang et al. count them."""
    random = np.random.default_rng(seed)
    items = random.integers(0, 6, 30)
    menus = random.random((6, 9)) < 0.4
    menus[3] = False
    said = random.random((30, 9)) < 0.25
    named: dict[int, set[int]] = {}
    matched = []
    for text, item in zip(said, items, strict=True):
        menu = set(np.flatnonzero(menus[item]))
        own = menu & set(np.flatnonzero(text))
        if menu:
            matched.append(bool(own))
            named.setdefault(item, set()).update(own)
    coverage = [len(own) / menus[item].sum() for item, own in named.items()]
    assert known_feature_ratio(said, menus[items]) == pytest.approx(np.mean(matched))
    found = known_feature_coverage(said, menus[items], items)
    assert found == pytest.approx(np.mean(coverage))
