"""A data set of explained pairs: no photos, no times, and profiles in place of past reviews."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from recbole_showcase.atomic import ExplainedPairsOptions, convert_explained_pairs
from recbole_showcase.data.corpus import PROFILE, TEST, TRAIN
from recbole_showcase.data.pairs import Pairs
from recbole_showcase.encoders import embed_dataset
from recbole_showcase.errors import DataError
from recbole_showcase.integration.checkpoint import clean_argv
from recbole_showcase.integration.experiments import train_and_test
from tests.atomic.raw import lines

N_USERS, N_ITEMS = 9, 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every user at every item but one; one explained pair of each user but the last."""
    data = tmp_path_factory.mktemp("pairs")
    rows = [
        f"{user},{item}"
        for user in range(N_USERS)
        for item in range(N_ITEMS)
        if (item - user) % N_ITEMS != 5
    ]
    table = data / "interactions.csv.gz"
    table.write_bytes(gzip.compress("\n".join(["user,item", *rows]).encode()))
    pairs = lines(
        data / "pairs.jsonl",
        [
            {
                "uid": n, "iid": n % N_ITEMS, "title": f"Place {n}",
                "user_summary": f"taste{n} is what this user likes.",
                "item_summary": f"kitchen{n} is what this place has.",
                "explanation": f"The dish{n} is great.",
            }
            for n in range(N_USERS - 1)
        ],
    )  # fmt: skip
    options = ExplainedPairsOptions(valid=2, test=2)
    convert_explained_pairs(table, pairs, data / "pairs", options)
    (data / "pairs" / "pairs.image").unlink()
    embed_dataset(data / "pairs", progress=False)
    return data / "pairs"


def config(folder: Path, work: Path) -> dict[str, object]:
    return {
        "data_path": str(folder.parent),
        "checkpoint_dir": str(work / "saved"),
        "benchmark_filename": ["train", "valid", "test"],
        "load_col": {"inter": ["user_id", "item_id"]},
        "eval_args": {"split": {"LS": "valid_and_test"}, "order": "RO", "mode": "full"},
        "epochs": 1,
        "topk": [5],
        "valid_metric": "NDCG@5",
        "metrics": ["NDCG", "BLEU1", "ImageF1", "CLIPScore"],
        "show_progress": False,
        "showcase_min_photos": 0,
        "showcase_max_tokens": 8,
        "showcase_vocab_size": 300,
        "explainer_hidden_size": 16,
        "embedding_size": 8,
    }


def data_of(folder: Path, work: Path):
    from recbole.config import Config
    from recbole.data import create_dataset

    with clean_argv():
        dataset = create_dataset(
            Config("ShowcaseBPR", folder.name, config_dict=config(folder, work))
        )
    return dataset.build()[0].showcase


def test_profiles_are_history_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    data = data_of(folder, tmp_path)
    data.reads = frozenset({"user_reviews", "item_reviews"})
    inter = data.corpus.interactions
    profiles = np.flatnonzero(inter.splits == PROFILE)
    assert len(profiles) == 2 * (N_USERS - 1)
    assert ((inter.users[profiles] == 0) ^ (inter.items[profiles] == 0)).all()
    assert len(data.train_rows) == N_USERS - 1 - 4, "no profile is a sample"
    assert not np.isin(data.train_rows, profiles).any()

    tested = np.flatnonzero(inter.splits == TEST)
    pairs = Pairs.of_rows(data.corpus, tested)
    batch = data.explanation_batch(pairs, np.full((len(tested), 3), -1), data.profile(pairs))
    assert batch.review_mask.sum(dim=1).tolist() == [1, 1], "the profile; never the held-out text"
    features = data.corpus.features
    for n, row in enumerate(tested):
        (own,) = profiles[inter.users[profiles] == inter.users[row]]
        assert np.array_equal(batch.review_features[n, 0].numpy(), features[own])
        assert data.corpus.texts[own].startswith("taste")
    decode = data.tokenizer.decode
    for words, mask, begin in (
        (batch.user_review_tokens, batch.user_review_mask, "taste"),
        (batch.item_review_tokens, batch.item_review_mask, "kitchen"),
    ):
        assert words.shape[:2] == (2, 1)
        said = decode([ids[own].tolist() for ids, own in zip(words[:, 0], mask[:, 0], strict=True)])
        assert all(text.startswith(begin) for text in said)

    trained = Pairs.of_rows(data.corpus, data.train_rows)
    batch = data.explanation_batch(trained, np.full((len(trained), 3), -1), data.profile(trained))
    assert (batch.review_mask.sum(dim=1) == 1).all(), "the profile without the target"
    assert (inter.splits[data.corpus.past_rows] != TEST).all()
    assert set(np.unique(inter.splits[data.corpus.past_rows])) == {TRAIN, PROFILE}


def test_no_other_entities_are_drawn_where_there_are_no_photos(
    folder: Path, tmp_path: Path
) -> None:
    data = data_of(folder, tmp_path)
    data.reads = frozenset({"replaced"})
    batch = data.training_batch(data.train_rows, np.random.default_rng(1))
    assert batch.tokens.shape[1] > 0
    assert batch.replaced_tokens.shape[1] == 0


def test_a_run_without_photos(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import yaml

    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(config(folder, tmp_path)))
    monkeypatch.chdir(tmp_path)
    _, result = train_and_test("ShowcaseBPR", folder.name, file)
    assert np.isfinite([result["ndcg@5"], result["bleu1"]]).all()
    assert np.isnan([result["imagef1@3"], result["clipscore"]]).all(), "there is nothing to average"


def test_a_profile_of_two(folder: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "pairs"
    shutil.copytree(folder, copy)
    path = copy / "pairs.review"
    path.write_text(path.read_text().replace("\t3\t\n", "\t3\t2\n"))
    with pytest.raises(DataError, match="review_id 'user-3' names a user and an item"):
        data_of(copy, tmp_path)
