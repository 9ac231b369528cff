"""Asking a trained model, and the commands around it."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import recbole_showcase
from recbole_showcase.atomic import PhotoFolder
from recbole_showcase.composed.presenting import Presenter
from recbole_showcase.errors import CheckpointError, DataError, ShowcaseError
from recbole_showcase.evaluation.results import load_basis, load_result, result_file
from recbole_showcase.recommender import ShowcaseRecommender
from tests.integration.test_checkpoints import train
from tests.integration.test_registration import stock_config
from tests.integration.test_training import SASREC
from tests.tiny import TinyWorld


@pytest.fixture(scope="module")
def recommender(
    tiny_world: TinyWorld, tmp_path_factory: pytest.TempPathFactory
) -> ShowcaseRecommender:
    config = tiny_world.config(tmp_path_factory.mktemp("run"), epochs=1)
    checkpoint, _ = train("ShowcaseBPR", tiny_world.name, config)
    return recbole_showcase.load_explainer(checkpoint)


def test_what_explains_nothing_is_refused(tiny_world: TinyWorld, tmp_path: Path) -> None:
    weights, stock = tmp_path / "weights.pth", stock_config(tiny_world, tmp_path)
    torch.save({"weight": torch.zeros(2)}, weights)
    with pytest.raises(CheckpointError, match=r"' is a folder; a file is meant"):
        recbole_showcase.load_explainer(tmp_path)
    with pytest.raises(
        CheckpointError, match=r"weights.pth' .* no \['config', 'state_dict'\] in it"
    ):
        recbole_showcase.load_explainer(weights)
    for config, said in (("x", "its config is a str"), ({"model": "BPR"}, "no .*'dataset'")):
        torch.save({"config": config, "state_dict": {}}, weights)
        with pytest.raises(CheckpointError, match=said):
            recbole_showcase.load_explainer(weights)
    checkpoint, _ = train("BPR", tiny_world.name, stock)
    with pytest.raises(CheckpointError, match="explains nothing; train ShowcaseBPR"):
        recbole_showcase.load_explainer(checkpoint)


def test_a_damaged_test_result_is_named(tmp_path: Path) -> None:
    for content in ("{", "[1]"):
        result_file(tmp_path / "model.pth").write_text(content)
        with pytest.raises(CheckpointError, match=r"model\.test\.json' is damaged"):
            load_result(tmp_path / "model.pth")


def test_a_test_result_says_what_it_rests_on(tiny_world: TinyWorld, tmp_path: Path) -> None:
    """A third of the texts lose their photos: figures of explanations rest on the others."""
    folder = tmp_path / "data" / tiny_world.name
    shutil.copytree(tiny_world.folder, folder)
    images = folder / f"{tiny_world.name}.image"
    head, *lines = images.read_text().splitlines()
    place = [field.partition(":")[0] for field in head.split("\t")].index("review_id")
    kept = [
        line for line in lines if int("".join(filter(str.isdigit, line.split("\t")[place]))) % 3
    ]
    images.write_text("\n".join([head, *kept, ""]))
    config = tiny_world.config(tmp_path, epochs=1, data_path=str(folder.parent))
    checkpoint, _ = train("ShowcaseBPR", folder.name, config)
    basis, result = load_basis(checkpoint), load_result(checkpoint)
    assert basis is not None and result is not None
    assert "rests_on" not in result and "recall@5" in result
    assert 0 < basis.explained < basis.rows == basis.explained + basis.texts_unused
    assert recbole_showcase.load_explainer(checkpoint).test_basis == basis


def test_items_are_named_whatever_the_field_of_their_ids(
    tiny_world: TinyWorld, tmp_path: Path
) -> None:
    folder = tmp_path / "data" / tiny_world.name
    shutil.copytree(tiny_world.folder, folder)
    for suffix in ("inter", "item"):
        table = folder / f"{tiny_world.name}.{suffix}"
        table.write_text(table.read_text().replace("item_id:token", "place_id:token"))
    changes = {
        "data_path": str(folder.parent),
        "ITEM_ID_FIELD": "place_id",
        "load_col": {"inter": ["user_id", "place_id", "timestamp"]},
        "epochs": 1,
    }
    checkpoint, _ = train("ShowcaseBPR", folder.name, tiny_world.config(tmp_path, **changes))
    (found,) = recbole_showcase.load_explainer(checkpoint).explain(["u1"], ["i3"])
    assert found.item_name == "Place 3"
    items = folder / f"{tiny_world.name}.item"
    items.write_text(items.read_text().replace("place_id:token", "other_id:token"))
    (found,) = recbole_showcase.load_explainer(checkpoint).explain(["u1"], ["i3"])
    assert found.item_name == "i3"


def test_recommendations_are_the_models_best_new_items(recommender: ShowcaseRecommender) -> None:
    """Against a score of every pair by itself, and what the user visited, held out or not."""
    from recbole.data.interaction import Interaction

    data = recommender.model.showcase.data
    inter = data.corpus.interactions
    user = "u5"
    (number,) = np.flatnonzero(data.corpus.user_tokens == user)
    n_items = len(data.corpus.item_tokens)
    pairs = {"user_id": torch.full((n_items,), int(number)), "item_id": torch.arange(n_items)}
    scores = recommender.model.predict(Interaction(pairs)).detach().numpy()
    visited = inter.items[inter.users == number]
    scores[[0, *visited]] = -np.inf
    best = data.corpus.item_tokens[np.argsort(-scores)[:4]]
    found = recommender.recommend([user], 4)[0]
    assert [shown.item for shown in found] == list(best)
    assert [shown.rank for shown in found] == [1, 2, 3, 4]
    assert len(visited) == 7


def test_more_items_than_there_are(recommender: ShowcaseRecommender) -> None:
    (found,) = recommender.recommend(["u0"], 1000)
    assert len(found) == 24 - 7


def test_given_pairs_are_explained(recommender: ShowcaseRecommender) -> None:
    found = recommender.explain(["u1", "u2", "u1"], ["i3", "i3", "i4"])
    assert [(s.user, s.item, s.item_name, s.rank) for s in found] == [
        ("u1", "i3", "Place 3", None),
        ("u2", "i3", "Place 3", None),
        ("u1", "i4", "Place 4", None),
    ]
    assert all(len({photo.id for photo in s.photos}) == 3 for s in found)
    assert recommender.explain([], []) == []


def test_unknown_names_are_errors(recommender: ShowcaseRecommender) -> None:
    with pytest.raises(DataError, match=r"user 'u99x' is not .* nearest known one is 'u9'"):
        recommender.recommend(["u99x"], 1)
    with pytest.raises(DataError, match="item"):
        recommender.explain(["u1"], ["nowhere"])
    with pytest.raises(DataError, match="not pairs"):
        recommender.explain(["u1"], [])


def test_unknown_names_are_told_of_and_the_others_answered(
    recommender: ShowcaseRecommender, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(DataError, match=r"2 of 3 users are not .*: 'no', 'nobody'; unknown='skip'"):
        recommender.recommend(["no", "u1", "nobody"], 2)
    known = recommender.recommend(["u1"], 2)
    caplog.clear()
    assert recommender.recommend(["no", "u1", "nobody"], 2, unknown="skip") == [None, *known, None]
    assert [record.getMessage() for record in caplog.records] == [
        "2 of 3 users are not in the data set: 'no', 'nobody'; None stands in their place"
    ]
    (first, none, other) = recommender.explain(
        ["u1", "u1", "x"], ["i3", "nowhere", "i3"], unknown="skip"
    )
    assert (none, other) == (None, None)
    assert first == recommender.explain(["u1"], ["i3"])[0]
    pages = recommender.user_showcases(["x", "u1"], 2, unknown="skip")
    assert pages == [None, *recommender.user_showcases(["u1"], 2)]
    assert recommender.recommend(["x"], 2, unknown="skip") == [None]
    pages = recommender.user_showcases((u for u in ["x", "u1"]), 2, unknown="skip")
    assert pages[0] is None and pages[1] is not None and pages[1].user == "u1", "any iterable"
    with pytest.raises(DataError, match="unknown is 'none'; allowed: 'raise', 'skip'"):
        recommender.recommend(["u1"], 2, unknown="none")  # type: ignore[call-overload]


def test_sequential_models_recommend_too(tiny_world: TinyWorld, tmp_path: Path) -> None:
    config = tiny_world.config(tmp_path, epochs=1, **SASREC)
    checkpoint, _ = train("ShowcaseSASRec", tiny_world.name, config)
    pages = recbole_showcase.load_explainer(checkpoint).user_showcases(["u3", "u0"], top_k=2)
    assert [page.user for page in pages] == ["u3", "u0"]
    assert all(len(page.recommended) == 2 for page in pages)


def test_the_demo_copy_is_whole_or_not_there(tmp_path: Path) -> None:
    from recbole_showcase.cli.demo import NAME, copy_demo

    copied = copy_demo(tmp_path)
    assert copy_demo(tmp_path) == copied
    assert not [path for path in tmp_path.iterdir() if "partial" in path.name]
    (tmp_path / "other" / NAME).mkdir(parents=True)
    with pytest.raises(DataError, match="not the demo data set"):
        copy_demo(tmp_path / "other")


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("BPR", "--model is 'BPR', which explains nothing; try ShowcaseBPR"),
        ("ShowcaseNothing", "no model 'ShowcaseNothing'"),
    ],
)
def test_a_demo_of_a_model_that_explains_nothing_ends_at_once(
    tmp_path: Path, model: str, said: str
) -> None:
    from recbole_showcase.cli.demo import demo

    with pytest.raises(ShowcaseError, match=f"(?i){said}"):
        demo(tmp_path / "out", model=model)
    assert not (tmp_path / "out").exists()


def test_errors_of_commands_are_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from recbole_showcase.cli import main

    monkeypatch.setattr("sys.argv", ["recbole-showcase", "embed", str(tmp_path / "nothing")])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.parametrize(
    ("users", "top_k", "said"),
    [
        ("u1", 1, r"users is a single text of 2 characters, 'u1'; allowed is a list"),
        (3, 1, "users is 3; allowed is a list"),
        ([3], 1, r"users\[0\] is 3, no text"),
        ([None], 1, r"users\[0\] is None, no text"),
        (["u1"], 0, "top_k is 0; allowed: a whole number, 1 or more"),
        (["u1"], 1.5, "top_k is 1.5"),
        (["u1"], True, "top_k is True"),
    ],
)
def test_arguments_of_another_kind_are_refused(
    recommender: ShowcaseRecommender, users: Any, top_k: Any, said: str
) -> None:
    with pytest.raises(DataError, match=said):
        recommender.recommend(users, top_k)
    with pytest.raises(DataError, match=said):
        recommender.user_showcases(users, top_k)


def test_pairs_of_another_kind_are_refused(recommender: ShowcaseRecommender) -> None:
    for users, items, said in (
        ("u1", ["i1"], "users is a single text of 2 characters"),
        (["u1"], "i1", "items is a single text"),
        (["u1"], ["i1", "i2"], "1 users and 2 items"),
    ):
        with pytest.raises(DataError, match=said):
            recommender.explain(users, items)


def test_items_of_given_sequences_are_not_new(tiny_world: TinyWorld, tmp_path: Path) -> None:
    """A file may give a sequence whose first item has no row of its own."""
    folder = tmp_path / "data" / tiny_world.name
    shutil.copytree(tiny_world.folder, folder)
    inter = folder / f"{tiny_world.name}.inter"
    rows = [line.split("\t") for line in inter.read_text().splitlines()[1:]]
    inter.unlink()
    parts: dict[str, list[str]] = {"train": [], "valid": [], "test": []}
    past: dict[str, list[str]] = {}
    for user, item, _, time, review in sorted(rows, key=lambda row: (row[0], float(row[3]))):
        before = past.setdefault(user, [])
        if before:
            part = {6: "test", 5: "valid"}.get(len(before), "train")
            parts[part].append("\t".join((user, " ".join(before), item, time, review)))
        before.append(item)
    head = "user_id:token\titem_id_list:token_seq\titem_id:token\ttimestamp:float\treview_id:token"
    for part, lines in parts.items():
        text = "\n".join([head, *lines]) + "\n"
        (folder / f"{tiny_world.name}.{part}.inter").write_text(text)
    config = {
        **tiny_world.config(tmp_path, **SASREC),
        "data_path": str(tmp_path / "data"),
        "benchmark_filename": ["train", "valid", "test"],
        "load_col": {"inter": ["user_id", "item_id_list", "item_id"]},
        "alias_of_item_id": ["item_id_list"],
    }
    checkpoint, _ = train("ShowcaseSASRec", tiny_world.name, config)
    recommender = recbole_showcase.load_explainer(checkpoint)
    for user in ("u1", "u2"):
        shown = {showcase.item for showcase in recommender.recommend([user], 24)[0]}
        assert not shown & set(past[user])
        assert len(shown) == 24 - len(set(past[user]))


def test_a_path_that_cannot_be_is_no_photo(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "circle").symlink_to("circle")
    for path in ("circle", "circle/a.jpg", "x" * 300, "../a.jpg", "a\0b"):
        data: Any = SimpleNamespace(photos=SimpleNamespace(paths=[path]))
        assert Presenter(data, [], [], PhotoFolder(folder)).photo_file(0) is None
