"""Data that moves on: a model of one month answers from the reviews and photos of the next."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import recbole_showcase
from recbole_showcase.atomic import IMAGE, INTER, ITEM, REVIEW, read_atomic, write_atomic
from recbole_showcase.data.corpus import TEST, VALID
from recbole_showcase.encoders import embed_dataset
from recbole_showcase.errors import DataError, FeatureStoreError
from recbole_showcase.recommender import ShowcaseRecommender
from recbole_showcase.showcase import Showcase
from tests.integration.test_training import SASREC, prepare
from tests.photographed import painted, photographed_world, settings
from tests.tiny import TOPICS, TinyWorld

QUOTE = {"showcase_explainer": "quote", "showcase_relevance": "clip"}
MODELS: dict[str, dict[str, Any]] = {
    "ShowcaseBPR": {"showcase_relevance": "clip"},
    "ShowcaseLightGCN": QUOTE,
    "ShowcaseSASRec": SASREC,
    "ShowcaseVBPR": {**QUOTE, "modalities": ["image", "review"]},
}
# Who or what the next month changes: u1 and u2 go somewhere, i3 and where they go get photos.
CHANGED_USERS, CHANGED_ITEMS = {"u1", "u2"}, {"i3", "i4", "i5"}
UNCHANGED = [
    (f"u{user}", f"i{item}")
    for user in range(12)
    for item in range(10)
    if f"u{user}" not in CHANGED_USERS and f"i{item}" not in CHANGED_ITEMS
]


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> TinyWorld:
    world = photographed_world(tmp_path_factory.mktemp("month1"))
    embed_dataset(world.folder, sentences=True, progress=False)
    return world


@pytest.fixture(scope="module")
def next_month(month: TinyWorld, tmp_path_factory: pytest.TempPathFactory) -> TinyWorld:
    """The same with new visits, a new user, a new item and a photo, all rows in another order."""
    world = TinyWorld(tmp_path_factory.mktemp("month2"), month.name, {})
    shutil.copytree(month.folder, world.folder)
    grow(world)
    embed_dataset(world.folder, sentences=True, progress=False)
    return world


def grow(world: TinyWorld) -> None:
    """Let a month pass, up to the features."""
    visits = [("u1", "i4", 3), ("u2", "i5", 3), ("v0", "i4", 2), ("v0", "i5", 2), ("v0", "n0", 2)]
    rows = [(u, i, 5.0, 9000.0 + n, f"new-{u}-{i}") for n, (u, i, _) in enumerate(visits)]
    said = [f"A fine place. The {TOPICS[topic]} was lovely." for *_, topic in visits]
    reviews = [(row[4], text, text) for row, text in zip(rows, said, strict=True)]
    photos = [(f"p{row[4]}", row[1], row[4], f"p{row[4]}.jpg") for row in rows]
    photos.append(("plate", "i3", "", "plate.jpg"))
    for (photo, *_), topic in zip(photos, [topic for *_, topic in visits] + [0], strict=True):
        painted(topic, len(photo)).save(world.folder / "photos" / f"{photo}.jpg", quality=95)
    item = ("n0", "New Place", "food", 0.0, 0.0, 1.0, 4.0, 1.0)
    for schema, new in ((INTER, rows), (REVIEW, reviews), (IMAGE, photos), (ITEM, [item])):
        path = world.folder / f"{world.name}.{schema.suffix}"
        columns = [field.name for field in schema.fields]
        table = pd.concat([read_atomic(path), pd.DataFrame(new, columns=columns)])
        write_atomic(path, schema, table.sample(frac=1, random_state=5))


@pytest.fixture(scope="module")
def checkpoint(
    month: TinyWorld, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Checkpoints of the first month by model, as initialised: nothing is to be learned here."""
    saved: dict[str, Path] = {}

    def of(model: str) -> Path:
        if model not in saved:
            work = tmp_path_factory.mktemp("run")
            trainer, _ = prepare(model, month, work, **settings(month, work, **MODELS[model]))
            trainer._save_checkpoint(0, verbose=False)
            saved[model] = Path(trainer.saved_model_file)
        return saved[model]

    return of


def load(checkpoint: Path, world: TinyWorld, known: Any = "training") -> ShowcaseRecommender:
    return recbole_showcase.load_explainer(checkpoint, data_path=world.data_path, known=known)


def told(found: list[Showcase]) -> list[dict[str, Any]]:
    """What is answered, to the last digit, wherever the photos are."""
    plain = [showcase.to_dict() for showcase in found]
    for showcase in plain:
        for photo in showcase["photos"]:
            del photo["path"]
    return plain


@pytest.mark.parametrize("model", list(MODELS))
def test_what_did_not_change_is_answered_to_the_byte(
    checkpoint: Callable[[str], Path], month: TinyWorld, next_month: TinyWorld, model: str
) -> None:
    before, after = (load(checkpoint(model), world) for world in (month, next_month))
    users, items = (list(own) for own in zip(*UNCHANGED, strict=True))
    assert told(before.explain(users, items)) == told(after.explain(users, items))
    unchanged = sorted(set(users))
    ranked = [
        [[(s.item, s.score, s.rank) for s in row] for row in own.recommend(unchanged, 10)]
        for own in (before, after)
    ]
    assert ranked[0] == ranked[1]
    found = after.model.state_dict()
    assert all((found[k] == v).all() for k, v in before.model.state_dict().items())
    new = after.explain(["v0", "u5", "v0"], ["i1", "n0", "n0"])
    assert [s.newcomer for s in new] == ["user", "item", "both"]
    assert before.explain(["u5"], ["i1"])[0].newcomer is None
    assert [p.id for p in new[1].photos] == ["pnew-v0-n0"] and new[1].item_name == "New Place"
    (row,) = after.recommend(["v0"], 20)
    assert [s.rank for s in row] == [*range(1, len(row) + 1)]
    assert not {"i4", "i5", "n0"} & {s.item for s in row}
    assert (row[0].score is None) == (model != "ShowcaseSASRec")
