"""What users add to figures: the file, and two combinations compared over users."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from recbole_showcase.errors import DataError
from recbole_showcase.evaluation.results import (
    Source,
    compare_over_users,
    read_user_sums,
    save_user_sums,
)
from recbole_showcase.metrics import Statistics, bleu_statistics, corpus_bleu, paired_bootstrap
from tests.metrics.texts import draw


def keep(path: Path, users: list[str], name: str, statistics: Statistics) -> Source:
    """Keep the statistics of pairs under their users."""
    tokens, owners = np.unique(users, return_inverse=True)
    save_user_sums(path, tokens, {name: statistics.summed(owners, len(tokens))})
    return Source(path, name)


def means(folder: Path, system: str, values: Mapping[int, list[float]]) -> dict[int, Source]:
    """One value a user and seed."""
    return {
        seed: keep(
            folder / f"{system}-{seed}.npz",
            [f"u{n}" for n in range(len(own))],
            "ndcg@5",
            Statistics.of_values(own),
        )
        for seed, own in values.items()
    }


def test_what_is_kept_is_read(tmp_path: Path) -> None:
    path = tmp_path / "user_sums.npz"
    texts = ["good hot soup", "good soup", "a place"], ["good soup", "a good soup", "nice"]
    users, owners = np.array(["ann", "böb", "none"]), np.array([0, 1, 0])
    bleu = bleu_statistics(*texts, max_order=2)
    known = Statistics.of_values([1.0, float("nan"), 0.0])
    save_user_sums(path, users, {"bleu2": bleu.summed(owners, 3), "f@3": known.summed(owners, 3)})
    found = read_user_sums(path, "bleu2")
    assert found is not None and found[0].tolist() == ["ann", "böb"], "who adds something"
    assert found[1].value() == corpus_bleu(*texts, max_order=2)
    found = read_user_sums(path, "f@3")
    assert found is not None and found[0].tolist() == ["ann"]
    assert found[1].rows.tolist() == [[1.0, 2.0]]
    assert read_user_sums(path, "bleu1") is None
    assert [entry.name for entry in tmp_path.iterdir()] == ["user_sums.npz"]


@pytest.mark.parametrize("cut", [0, 5, 40, 300, -30])
def test_a_damaged_file_is_named(tmp_path: Path, cut: int) -> None:
    source = means(tmp_path, "a", {1: [0.5] * 40})[1]
    content = source.path.read_bytes()
    source.path.write_bytes(content[:cut])
    with pytest.raises(DataError, match=r"a-1\.npz cannot be read: .*delete it"):
        read_user_sums(source.path, "ndcg@5")


def test_a_file_of_something_else_is_named(tmp_path: Path) -> None:
    path = tmp_path / "user_sums.npz"
    for arrays in ({"format": np.array("other")}, {"x": np.array([{}], dtype=object)}):
        np.savez(path, **arrays)
        with pytest.raises(DataError, match=r"user_sums\.npz cannot be read"):
            read_user_sums(path, "ndcg@5")
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(DataError, match=r"user_sums\.npz cannot be read"):
        read_user_sums(path, "ndcg@5")
    path.write_bytes(b"text")
    with pytest.raises(DataError, match=r"user_sums\.npz cannot be read"):
        read_user_sums(path, "ndcg@5")


def test_a_clear_difference_and_none(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    base = rng.random(60)
    worse = {seed: list(base + 0.1 * rng.normal(size=60)) for seed in (1, 2, 3)}
    better = {seed: list(np.add(values, 0.2)) for seed, values in worse.items()}
    shuffled = {seed: list(base + 0.1 * rng.normal(size=60)) for seed in (1, 2, 3)}
    sources = {
        name: means(tmp_path, name, values)
        for name, values in (("worse", worse), ("better", better), ("shuffled", shuffled))
    }
    found = compare_over_users(sources["better"], sources["worse"])
    assert found is not None and found.rounds == 1000
    assert [found.difference, found.low, found.high] == pytest.approx([0.2] * 3)
    assert found.p == pytest.approx(2 / 1001)
    found = compare_over_users(sources["shuffled"], sources["worse"])
    assert found is not None and found.p > 0.05 and found.low < 0 < found.high
    found = compare_over_users(sources["worse"], sources["worse"])
    assert found is not None and (found.difference, found.p) == (0.0, 1.0)


def test_seeds_that_one_of_them_lacks_do_not_count(tmp_path: Path) -> None:
    one, other = [1.0, 0.5, 0.7, 0.2, 0.3], [0.0, 0.4, 0.1, 0.3, 0.2]
    a = means(tmp_path, "a", {1: one, 2: [9.0] * 5})
    b = means(tmp_path, "b", {1: other, 3: [9.0] * 5})
    found = compare_over_users(a, b)
    assert found == paired_bootstrap(one, other, range(5))
    assert compare_over_users(a, {}) is None
    assert compare_over_users(a, {1: Source(b[1].path, "distinct2")}) is None, "not in the file"


def test_bleu_over_seeds_equals_bleu_of_the_drawn_texts(tmp_path: Path) -> None:
    """The literal way: the texts of the drawn users, seed by seed, the same users in each."""
    rng = np.random.default_rng(0)
    references = draw(0, pairs=15)[1]
    users = [f"u{n}" for n in rng.integers(0, 9, len(references))]
    systems = [[draw(seed, pairs=15)[0] for seed in part] for part in ((0, 1), (2, 3))]
    sources = [
        {
            seed: keep(tmp_path / f"{n}-{seed}.npz", users, "bleu2", statistics)
            for seed, texts in enumerate(system)
            for statistics in [bleu_statistics(texts, references, max_order=2)]
        }
        for n, system in enumerate(systems)
    ]

    def literal(system: list[list[str]]):
        def value(rows: np.ndarray) -> float:
            true = [references[n] for n in rows]
            drawn = ([texts[n] for n in rows] for texts in system)
            return float(np.mean([corpus_bleu(own, true, max_order=2) for own in drawn]))

        return value

    fast = compare_over_users(*sources)
    slow = paired_bootstrap(*map(literal, systems), users, rounds=1000)
    for name in ("difference", "low", "high", "p"):
        assert getattr(fast, name) == pytest.approx(getattr(slow, name), abs=1e-9), name


def test_users_of_one_seed_alone_are_drawn_with_the_others(tmp_path: Path) -> None:
    """Where seeds split the data otherwise, a user has rows in some of them."""
    value, nan = Statistics.of_values([1.0, 0.0]), float("nan")
    a = {
        1: keep(tmp_path / "a1.npz", ["u0", "u1"], "hit", value),
        2: keep(tmp_path / "a2.npz", ["u1", "u2"], "hit", value),
    }
    b = {
        1: keep(tmp_path / "b1.npz", ["u0", "u1"], "hit", Statistics.of_values([0.0, 0.0])),
        2: keep(tmp_path / "b2.npz", ["u1", "u2"], "hit", Statistics.of_values([1.0, nan])),
    }
    found = compare_over_users(a, b)
    assert found is not None
    assert found.difference == pytest.approx(((0.5 - 0.0) + (0.5 - 1.0)) / 2)
