"""What a checkpoint remembers of its data: ids of tokens, and the tokenizer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import recbole_showcase
from recbole_showcase.errors import CheckpointError
from tests.integration.test_checkpoints import train
from tests.integration.test_training import SASREC, prepare
from tests.tiny import TinyWorld

USERS = [f"u{n}" for n in range(0, 40, 7)]


def rewrite(world: TinyWorld, change: Callable[[list[str]], list[str]]) -> None:
    """Change the rows of ``.inter``, lines without the header."""
    path = world.folder / f"{world.name}.inter"
    head, *rows = path.read_text().splitlines()
    path.write_text("\n".join([head, *change(rows)]) + "\n")


def asked(recommender: Any, users: list[str]) -> list[list[tuple[str, str, list[str]]]]:
    return [
        [(s.item, s.text, [photo.id for photo in s.photos]) for s in row]
        for row in recommender.recommend(users, 5)
    ]


@pytest.mark.parametrize(
    "model", ["ShowcaseBPR", "ShowcaseSASRec", "ShowcaseLightGCN", "ShowcaseDMF"]
)
def test_rows_may_be_in_another_order(tmp_path: Path, model: str) -> None:
    """To RecBole the ids are others then; to a checkpoint they are the same, and so are texts."""
    world = TinyWorld.write(tmp_path / "data")
    more = SASREC if model == "ShowcaseSASRec" else {}
    path, _ = train(model, world.name, world.config(tmp_path, epochs=3, **more))
    before = recbole_showcase.load_explainer(path)
    found, tokens = asked(before, USERS), before.users
    rewrite(world, lambda rows: sorted(rows, reverse=True))
    after = recbole_showcase.load_explainer(path)
    assert after.users == tokens and asked(after, USERS) == found


def test_what_is_gone_keeps_its_id(tmp_path: Path) -> None:
    world = TinyWorld.write(tmp_path / "data")
    path, _ = train("ShowcaseBPR", world.name, world.config(tmp_path))
    found = asked(recbole_showcase.load_explainer(path), USERS[1:])
    rewrite(world, lambda rows: [row for row in rows if not row.startswith("u0\t")])
    after = recbole_showcase.load_explainer(path)
    assert "u0" in after.users
    same = [[item for item, *_ in row] for row in asked(after, USERS[1:])]
    assert same == [[item for item, *_ in row] for row in found]


def test_what_is_new_is_counted_and_refused_where_a_checkpoint_does_not_know_its_rows(
    tmp_path: Path,
) -> None:
    world = TinyWorld.write(tmp_path / "data")
    trainer, _ = prepare("ShowcaseBPR", world, tmp_path)
    trainer._save_checkpoint(0, verbose=False)
    path = trainer.saved_model_file
    state = torch.load(path, weights_only=True)
    del state["data"]["marks"]
    torch.save(state, path)
    rewrite(
        world,
        lambda rows: [
            row.replace("u1\t", "new\t", 1) if row.startswith("u1\t") else row for row in rows
        ],
    )
    with pytest.raises(CheckpointError, match=r"1 values of 'user_id' .* such as 'new', and 1 of"):
        recbole_showcase.load_explainer(path)


def test_a_trainer_with_other_ids_does_not_resume(tmp_path: Path) -> None:
    world = TinyWorld.write(tmp_path / "data")
    path, _ = train("ShowcaseBPR", world.name, world.config(tmp_path))
    rewrite(world, lambda rows: sorted(rows, reverse=True))
    trainer, (_, _, test) = prepare("ShowcaseBPR", world, tmp_path / "again")
    for use in (trainer.resume_checkpoint, lambda p: trainer.evaluate(test, model_file=str(p))):
        with pytest.raises(CheckpointError, match=r"numbers the values of item_id, user_id"):
            use(path)


def test_the_tokenizer_is_the_checkpoints(tmp_path: Path) -> None:
    """Another text in training would train another one, of other words by the same numbers."""
    world = TinyWorld.write(tmp_path / "data")
    path, _ = train("ShowcaseBPR", world.name, world.config(tmp_path))
    before = recbole_showcase.load_explainer(path).model.showcase.data.tokenizer
    file = world.folder / f"{world.name}.review"
    file.write_text(file.read_text().replace("soup", "lasagne"))
    after = recbole_showcase.load_explainer(path).model.showcase.data.tokenizer
    assert after.fingerprint() == before.fingerprint()
    texts = ["The soup was great.", "naïve 面", ""]
    assert after.encode(texts, 20).tolist() == before.encode(texts, 20).tolist()
    assert after.decode(before.encode(texts, 40).tolist()) == texts


def test_it_is_loaded_from_another_folder_and_its_data_from_another_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``data_path`` may be given as seen from where the training was."""
    world = TinyWorld.write(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    path, _ = train("ShowcaseBPR", world.name, {**world.config(tmp_path), "data_path": "data"})
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    found = asked(recbole_showcase.load_explainer(path), USERS)
    (tmp_path / "data").rename(tmp_path / "moved")
    moved = recbole_showcase.load_explainer(path, data_path=tmp_path / "moved")
    assert asked(moved, USERS) == found


def test_damaged_memories_are_refused(tmp_path: Path) -> None:
    world = TinyWorld.write(tmp_path / "data")
    path, _ = train("ShowcaseBPR", world.name, world.config(tmp_path))
    state = torch.load(path, weights_only=True)
    marks = state["data"]["marks"]
    for data, said in (
        ({"tokens": 3, "tokenizer": None}, "damaged"),
        ({**state["data"], "tokenizer": "{}"}, "tokenizer is damaged"),
        ({**state["data"], "tokenizer": "[1"}, "tokenizer is damaged"),
        ({**state["data"], "marks": [1]}, "damaged: marks are no mapping"),
        ({**state["data"], "marks": {**marks, "rows": marks["rows"][1:]}}, "not as many"),
        ({**state["data"], "marks": {**marks, "photos": torch.zeros(2)}}, "photos are float32"),
    ):
        torch.save({**state, "data": data}, path)
        with pytest.raises(CheckpointError, match=said):
            recbole_showcase.load_explainer(path)
