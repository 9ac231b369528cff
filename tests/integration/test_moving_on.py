"""Data that moves on: a model of one month answers from the reviews and photos of the next."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import recbole_showcase
from recbole_showcase.atomic import IMAGE, INTER, ITEM, REVIEW, read_atomic, write_atomic
from recbole_showcase.data.corpus import DROPPED, TEST, VALID
from recbole_showcase.encoders import embed_dataset
from recbole_showcase.errors import DataError, FeatureStoreError
from recbole_showcase.judging.held_out import held_out_pairs
from recbole_showcase.offline import OfflineOptions, write_showcases
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
def checkpoint(month: TinyWorld, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
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


def test_new_history_and_photos_change_what_they_should(
    checkpoint: Callable[[str], Path], month: TinyWorld, next_month: TinyWorld
) -> None:
    """A new visit enters its user's past, and a photo that fits a user best is shown to them."""
    before, after = (load(checkpoint("ShowcaseBPR"), world) for world in (month, next_month))
    own = [
        recommender.history(recommender.find("user", ["u1"])[0]) for recommender in (before, after)
    ]
    assert own[1][1:] != own[0] and [r.id for r in own[1]] == ["new-u1-i4", *(r.id for r in own[0])]
    assert own[1][0].text.startswith("A fine place.") and len(own[1][0].photos) == 1
    data = [recommender.model.showcase.data for recommender in (before, after)]
    assert data[1].tokenizer is data[1].tokenizer and data[1].tokenizer.to_text() == (
        data[0].tokenizer.to_text()
    )
    shown = [
        {
            p.id
            for s in recommender.explain([f"u{n}" for n in (0, 4, 8)], ["i3"] * 3)
            for p in s.photos
        }
        for recommender in (before, after)
    ]
    assert "plate" in shown[1] - shown[0], "it is of their topic"
    items = [[s.item for s in one.explain_profile(["soup"], top_k=30)] for one in (before, after)]
    assert set(items[1]) == {*items[0], "n0"}
    (new,) = after.explain_profile([f"The {TOPICS[2]} was great."], [painted(2, 1)], ["n0"])
    assert [p.id for p in new.photos] == ["pnew-v0-n0"] and new.newcomer == "both"
    assert after.explain_profile(["soup"], items=["i1"])[0].newcomer == "user"


def test_new_sentences_are_quoted(
    checkpoint: Callable[[str], Path], month: TinyWorld, next_month: TinyWorld
) -> None:
    before, after = (load(checkpoint("ShowcaseLightGCN"), world) for world in (month, next_month))
    (new,) = after.explain(["u2"], ["n0"])
    assert new.text.startswith("The salad was lovely.") and set(new.evidence) == {"new-v0-n0"}
    quoted = [
        {row for s in recommender.explain(["u6", "u10"], ["i4", "i5"]) for row in s.evidence}
        for recommender in (before, after)
    ]
    assert {row for row in quoted[1] if row.startswith("new-")}


def test_a_sequence_goes_on(
    checkpoint: Callable[[str], Path], month: TinyWorld, next_month: TinyWorld
) -> None:
    """Scores are those of the model for all that was visited, in the order of then and now."""
    import torch

    before, after = (load(checkpoint("ShowcaseSASRec"), world) for world in (month, next_month))
    model = after.model
    table = read_atomic(next_month.folder / f"{next_month.name}.inter").sort_values("timestamp")
    for user in ("u1", "v0"):
        past = [i for i in table[table["user_id"] == user]["item_id"] if i != "n0"]
        items = torch.zeros((1, model.max_seq_length), dtype=torch.long)
        items[0, : len(past)] = torch.from_numpy(after.find("item", past))
        given = {model.ITEM_SEQ: items, model.ITEM_SEQ_LEN: torch.tensor([len(past)])}
        with torch.no_grad():
            scores = model.full_sort_predict(given).flatten()
        (found,) = after.recommend([user], 30)
        expected = scores[torch.from_numpy(after.find("item", [s.item for s in found]))]
        np.testing.assert_allclose([s.score for s in found], expected, rtol=1e-6)
        assert set(past).isdisjoint({s.item for s in found})
    ranked = [[s.score for s in own.recommend(["u1"], 3)[0]] for own in (before, after)]
    assert ranked[0] != ranked[1]


def test_a_run_is_evaluated_on_what_it_was(
    checkpoint: Callable[[str], Path], month: TinyWorld, next_month: TinyWorld
) -> None:
    """Figures of the test, splits and tables of one month, from the files of the next."""
    from recbole.quick_start import load_data_and_model
    from recbole.utils import get_trainer

    results = []
    for world in (month, next_month):
        path = checkpoint("ShowcaseLightGCN")
        loaded = load_data_and_model(str(path), data_path=world.data_path)
        config, model, _, *loaders = loaded
        trainer = get_trainer(config["MODEL_TYPE"], config["model"])(config, model)
        results.append((dict(trainer.evaluate(loaders[2], load_best_model=False)), model, loaders))
    (figures, one, loaders), (again, other, others) = results
    assert figures == again and len(figures) == 4
    data, grown = one.showcase.data, other.showcase.data
    for name in ("users", "items", "splits", "times", "reviews"):
        own = (getattr(d.corpus.interactions, name) for d in (data, grown))
        np.testing.assert_array_equal(*own)
    assert list(data.photos.tokens[:]) == list(grown.photos.tokens[:])
    for left, right in zip(loaders, others, strict=True):
        assert (left._dataset.inter_feat["item_id"] == right._dataset.inter_feat["item_id"]).all()


def test_what_is_judged_is_what_the_training_knew(
    checkpoint: Callable[[str], Path], month: TinyWorld, next_month: TinyWorld
) -> None:
    """Texts, evidence and history of the test pairs are those of one month with the next there."""
    path = checkpoint("ShowcaseBPR")
    then, now = (load(path, world) for world in (month, next_month))
    pairs = held_out_pairs(then, metrics=["BLEU1"], progress=False)
    assert len(pairs) > 5 and any(pair.evidence for pair in pairs)
    assert held_out_pairs(now, metrics=["BLEU1"], progress=False) == pairs
    now.refresh()
    assert held_out_pairs(now, metrics=["BLEU1"], progress=False) == pairs


def test_refreshed_it_knows_what_the_run_held_out_and_is_as_if_loaded(
    checkpoint: Callable[[str], Path], month: TinyWorld, tmp_path: Path
) -> None:
    """First with the files as they were, then with those of the next month in their place."""
    world = TinyWorld(tmp_path, month.name, {})
    shutil.copytree(month.folder, world.folder)
    recommender = load(checkpoint("ShowcaseBPR"), world)
    users, items = ["u3", "u5", "u3"], ["i1", "i2", "i8"]
    first = told(recommender.explain(users, items))
    inter = recommender.model.showcase.data.corpus.interactions
    held_out = inter.reviews[
        np.isin(inter.splits, (VALID, TEST)) & (inter.users == recommender.find("user", ["u3"]))
    ]
    recommender.refresh("training")
    assert told(recommender.explain(users, items)) == first
    recommender.refresh()
    known = {review.id for review in recommender.history(recommender.find("user", ["u3"])[0])}
    assert known > set(held_out) and len(held_out) == 2
    grow(world)
    before = told(recommender.explain(users, items))
    with pytest.raises(FeatureStoreError, match="add them with: "):
        recommender.refresh()
    with pytest.raises(DataError, match="known is 'all'; allowed: 'training', 'now'"):
        recommender.refresh("all")  # type: ignore[arg-type]
    assert told(recommender.explain(users, items)) == before
    assert recommender.user_showcases(["u3"], 2)[0].held_out
    embed_dataset(world.folder, sentences=True, progress=False)
    assert told(recommender.explain(users, items)) == before, "until it is told to look"
    recommender.refresh()
    assert told(recommender.explain(users, items)) == before
    anew = load(checkpoint("ShowcaseBPR"), world, "now")
    asked = [["u1", "v0", "u7"], ["i0", "n0", "i4"]]
    assert told(recommender.explain(*asked)) == told(anew.explain(*asked))
    assert [told(row) for row in recommender.recommend(["v0", "u4"], 9)] == [
        told(row) for row in anew.recommend(["v0", "u4"], 9)
    ]
    held = [own.user_showcases(["u3"], 1)[0].held_out for own in (recommender, anew)]
    assert told(list(held[0])) == told(list(held[1])) and held[0]


def test_what_is_gone_leaves_the_rest_split_as_it_was(
    checkpoint: Callable[[str], Path], month: TinyWorld, tmp_path: Path
) -> None:
    """Without the latest visit of each user the visit before would be held out in its place."""
    world = TinyWorld(tmp_path, month.name, {})
    shutil.copytree(month.folder, world.folder)
    path = world.folder / f"{world.name}.inter"
    table = read_atomic(path).sort_values("timestamp")
    write_atomic(path, INTER, table[table["user_id"].duplicated(keep="last")])
    kept, now = (load(checkpoint("ShowcaseBPR"), w)._trained.showcase.data for w in (month, world))
    own, others = (data.corpus.interactions for data in (kept, now))
    there = others.splits >= 0
    assert (own.splits[there] == others.splits[there]).all()
    assert set(own.splits[~there]) == {DROPPED, TEST}  # row 0 is nothing


def test_showcases_of_two_months_are_not_mixed(
    checkpoint: Callable[[str], Path], month: TinyWorld, next_month: TinyWorld, tmp_path: Path
) -> None:
    asked = tmp_path / "pairs.csv"
    asked.write_text("user,item\nu1,i1\nv0,n0\nu1,n0\n")
    path, options = checkpoint("ShowcaseBPR"), OfflineOptions(form="jsonl")
    given: dict[str, Any] = {"pairs": asked, "options": options, "progress": False}
    write_showcases(path, tmp_path / "out", data_path=month.data_path, **given)
    for known in ("training", "now"):
        given["options"] = OfflineOptions(form="jsonl", known=known)  # type: ignore[arg-type]
        with pytest.raises(DataError, match="was begun with"):
            write_showcases(path, tmp_path / "out", data_path=next_month.data_path, **given)
    found = []
    for world, name in ((month, "out"), (next_month, "new")):
        given["options"] = options
        write_showcases(path, tmp_path / name, data_path=world.data_path, **given)
        lines = (tmp_path / name / "part-00000.jsonl").read_text().splitlines()
        found.append([json.loads(line) for line in lines])
    assert [row["newcomer"] for row in found[0]] == [None]
    assert [row["newcomer"] for row in found[1]] == [None, "both", "item"]
    assert found[0][0]["data"] != found[1][0]["data"]
