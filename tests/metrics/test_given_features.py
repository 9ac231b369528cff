"""FMR, FCR and DIV over the features that come with the data, as NETE's authors count them."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from recbole_showcase.atomic import StoredColumn, line_starts
from recbole_showcase.evaluation.given import given_features
from recbole_showcase.evaluation.table import ROWS

# Row 0 is nobody's. The third row has no feature; the lexicon is of held-out rows too.
GIVEN = ("soup", "Noodle soup", "", "tea", "soup")
TEXTS = ("The noodle soup.", "Good soup!", "the tea", "the view")  # of the rows that are tested
TESTED = np.array([1, 2, 3, 4])


def corpus_of(folder: Path, given: tuple[str, ...]) -> Any:
    path = folder / "d.review"
    lines = [f"r{n}\t{feature}\n" for n, feature in enumerate(given)]
    path.write_text("review_id:token\tfeature:token_seq\n" + "".join(lines), encoding="utf-8")
    column = StoredColumn(path, "feature", line_starts(path))

    class Corpus(SimpleNamespace):
        def __len__(self) -> int:
            return len(given)

    return Corpus(given=column)


def evaluated(corpus: Any, texts: tuple[str, ...]) -> Any:
    given = given_features(corpus, TESTED[: len(texts)])
    return SimpleNamespace(given=given, given_mentions=given.mentions(list(texts)))


def value_of(name: str, of: Any) -> float:
    (row,) = (row for row in ROWS if row.name == name)
    return float(np.nanmean(row.value(of)))


def test_values_by_hand(tmp_path: Path) -> None:
    of = evaluated(corpus_of(tmp_path, GIVEN), TEXTS)
    assert of.given.lexicon == ["noodle soup", "soup", "tea"]
    assert of.given.own.tolist() == [0, -1, 2, 1]
    assert value_of("GivenFMR", of) == pytest.approx(2 / 3), "the second row has no feature"
    assert value_of("GivenFCR", of) == 1
    assert value_of("GivenDIV", of) == pytest.approx(1 / 6), "soup, in the first two of six pairs"


def test_equal_to_the_definition_of_the_field(tmp_path: Path) -> None:
    """Li, Zhang, Chen, CIKM 2020: sets of the words of a text that are among all features."""
    random = np.random.default_rng(0)
    features = [f"f{n}" for n in range(12)]
    given = tuple(random.choice(features, 40).tolist())
    words = [random.choice([*features, "a", "the"], 6).tolist() for _ in range(39)]
    rows = np.arange(1, 40)
    found = given_features(corpus_of(tmp_path, given), rows)
    of = SimpleNamespace(given=found, given_mentions=found.mentions([" ".join(w) for w in words]))
    every = set(given)
    named = [set(own) & every for own in words]
    right = [given[row] in own for row, own in zip(rows, named, strict=True)]
    shared = [len(a & b) for a, b in combinations(named, 2)]
    assert value_of("GivenFMR", of) == pytest.approx(sum(right) / len(right))
    assert value_of("GivenFCR", of) == pytest.approx(len(set().union(*named)) / len(every))
    assert value_of("GivenDIV", of) == pytest.approx(sum(shared) / len(shared))


def test_without_given_features_nothing_is_made_up(tmp_path: Path) -> None:
    for corpus in (SimpleNamespace(given=None), corpus_of(tmp_path, ("", "", "", "", ""))):
        of = evaluated(corpus, TEXTS)
        assert of.given.lexicon == [] and of.given.own.tolist() == [-1] * 4
        for row in ROWS:
            if row.name.startswith("Given"):
                assert np.isnan(row.value(of)).all(), row.name
