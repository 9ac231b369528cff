"""Cities of TripAdvisor as released with ELVis: made pickles in that layout."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from recbole_showcase.atomic import convert_tripadvisor, read_atomic
from recbole_showcase.cli import app
from recbole_showcase.data.check import check_dataset
from recbole_showcase.encoders import FeatureStore, write_given_store
from recbole_showcase.errors import DataError
from tests.integration.test_training import prepare
from tests.tiny import TinyWorld

TRAIN = [(0, 7, 0), (0, 7, 1), (1, 7, 2), (1, 8, 3), (2, 8, 4), (2, 9, 5), (0, 9, 6)]
DEV = [(0, 8, 7)]
TEST = [(1, 9, 8), (1, 9, 9), (2, 7, 10)]
DIM = 6


def drawn_from(own: list[tuple[int, int, int]], seed: int) -> pd.DataFrame:
    """Training rows: each photo twice, and against it one of the restaurant and one of others."""
    rows = []
    for user, item, photo in own:
        for same in (True, False):
            for u, i, p in own:
                if u != user and (i == item) == same:
                    rows += [(user, item, photo, 1), (user, i, p, 0)]
                    break
    frame = pd.DataFrame(rows, columns=["id_user", "id_restaurant", "id_img", "take"])
    return frame.sample(frac=1, random_state=seed).reset_index(drop=True)


def ranked_among(own: list[tuple[int, int, int]], before: list[tuple[int, int, int]]) -> Any:
    rows = []
    for case, (user, item, photo) in enumerate(own):
        rows += [(user, item, p, 0, case) for _, i, p in before if i == item]
        rows.append((user, item, photo, 1, case))
    names = ["id_user", "id_restaurant", "id_img", "is_dev", "id_test"]
    return pd.DataFrame(rows, columns=names)


def write_city(folder: Path, place: str = "data_10+10", **changes: Any) -> Path:
    vectors = np.random.default_rng(0).random((12, DIM), dtype=np.float32)
    files = {
        "TRAIN_IMG": drawn_from(TRAIN, 0),
        "DEV_IMG": ranked_among(DEV, TRAIN),
        "TEST_IMG": ranked_among(TEST, TRAIN + DEV),
        "IMG_VEC": vectors,
        "N_USR": 3,
        **changes,
    }
    (folder / place).mkdir(parents=True)
    for name, value in files.items():
        if value is not None:
            content = value if isinstance(value, bytes) else pickle.dumps(value, 4)
            (folder / place / name).write_bytes(content)
    return folder


def convert(folder: Path, out: Path) -> Any:
    return convert_tripadvisor(folder, out, write_given_store)


@pytest.mark.parametrize("place", ["", "data_10+10", "IMGMODEL/data_10+10"])
def test_the_split_the_photos_and_their_vectors(tmp_path: Path, place: str) -> None:
    city, out = write_city(tmp_path / "gijon", place), tmp_path / "data" / "gijon"
    account = convert(city, out)
    posted = {}
    for part, own in (("train", TRAIN), ("valid", DEV), ("test", TEST)):
        rows = read_atomic(out / f"gijon.{part}.inter", ["user_id", "item_id", "review_id"])
        assert set(zip(rows["user_id"], rows["item_id"], strict=True)) == {
            (str(u), str(i)) for u, i, _ in own
        }
        assert account.parts[part] == len(rows) == len({(u, i) for u, i, _ in own})
        for user, item, review in rows.itertuples(index=False):
            posted[review] = {str(p) for u, i, p in own if (str(u), str(i)) == (user, item)}
    images = read_atomic(out / "gijon.image", ["image_id", "item_id", "review_id", "path"])
    assert images.groupby("review_id")["image_id"].agg(set).to_dict() == posted
    assert (images["path"] == images["image_id"] + ".jpg").all()
    report = check_dataset(out, "tripadvisor")
    assert report.errors == [] and "there is no text: photos are learned" in report.warnings[-1]
    store = FeatureStore.open(out, "tripadvisor", "image")
    vectors = pickle.loads((city / place / "IMG_VEC").read_bytes())
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    given = unit[images["image_id"].astype(int)]
    np.testing.assert_allclose(store.matrix[store.rows(images["image_id"])], given, atol=1e-3)
    assert len(FeatureStore.open(out, "tripadvisor", "review")) == 0
    assert store.command == (
        f"recbole-showcase convert tripadvisor --folder CITY --out {out} --overwrite"
    )
    assert any("imported" in fact for fact in report.facts)
    assert (store.meta["architecture"], store.dim) == ("InceptionResNetV2", DIM)


def test_the_account_is_exact(tmp_path: Path) -> None:
    elsewhere = ranked_among([*TEST, (0, 7, 11)], TRAIN + DEV)  # a visit of the training part
    elsewhere = elsewhere.drop(index=elsewhere.index[elsewhere["id_user"] == 2][0])
    city = write_city(tmp_path / "gijon", TEST_IMG=elsewhere)
    account = convert(city, tmp_path / "data" / "gijon")
    train, dev = drawn_from(TRAIN, 0), ranked_among(DEV, TRAIN)
    read = len(train) + len(dev) + len(elsewhere)
    own = int(train["take"].sum() + dev["is_dev"].sum() + elsewhere["is_dev"].sum())
    assert account.rows_read == read
    assert account.dropped == {
        "photo of others": read - own,
        "photo told before": own - 12,  # 7 + 1 + 4 different ones
        "another photo of the visit": 2,
        "visit of an earlier part": 1,
    }
    assert account.rows_kept == 9 and (account.users, account.items) == (3, 3)
    assert (account.photos, account.reviews_with_text) == (11, 0)
    written = json.loads((tmp_path / "data" / "gijon" / "conversion.json").read_text())
    assert written["dropped"] == account.dropped and len(written["sources"]) == 4
    assert "3 of 4 held-out visits rank the same photos" in " ".join(account.notes)


def test_photos_without_a_usable_vector_are_told(tmp_path: Path) -> None:
    vectors = np.ones((12, DIM), dtype=np.float32)
    vectors[3], vectors[8, 0] = 0, np.nan
    out = tmp_path / "data" / "gijon"
    account = convert(write_city(tmp_path / "gijon", IMG_VEC=vectors), out)
    assert "2 of 11 photos have no usable vector" in account.notes[-1]
    store = FeatureStore.open(out, "tripadvisor", "image")
    assert set(store.skipped) == {"3", "8"}
    assert store.rows(["3", "0", "8"]).tolist()[::2] == [-1, -1]


def test_the_same_input_gives_the_same_bytes_and_is_replaced_as_a_whole(tmp_path: Path) -> None:
    city, out = write_city(tmp_path / "gijon"), tmp_path / "data" / "gijon"
    run = CliRunner().invoke
    command = ["convert", "tripadvisor", "--folder", str(city), "--out", str(out)]
    first = run(app, command)
    assert first.exit_code == 0, first.output
    files = [path for path in sorted(out.rglob("*")) if path.is_file()]
    kept = {path: path.read_bytes() for path in files}
    again = run(app, command)
    assert again.exit_code == 1 and "--overwrite replaces it" in str(again.exception)
    assert run(app, [*command, "--overwrite"]).exit_code == 0
    assert {p: p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()} == kept


class Harm:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {os.environ['MARK']}",)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"TRAIN_IMG": None}, "there is no TRAIN_IMG in any of"),
        ({"DEV_IMG": None, "IMG_VEC": None}, r"has no DEV_IMG, IMG_VEC$"),
        ({"TEST_IMG": pd.DataFrame({"id_user": [1]})}, "TEST_IMG.*no column 'id_restaurant'"),
        ({"TRAIN_IMG": b"\x80\x04"}, "TRAIN_IMG cannot be read: it is no pickle"),
        ({"DEV_IMG": Harm()}, "DEV_IMG cannot be read: it holds .*system"),
        ({"IMG_VEC": np.ones((5, 2))}, "IMG_VEC has 5 rows, and there is a photo with id 10"),
        ({"IMG_VEC": np.ones(12)}, r"IMG_VEC has shape \(12,\)"),
        ({"IMG_VEC": [[1.0]] * 12}, "IMG_VEC cannot be read: it holds a list"),
        (
            {"DEV_IMG": ranked_among(DEV, TRAIN).replace({"id_user": {0: -1}})},
            "DEV_IMG.*column 'id_user', row 0: -1; allowed are whole numbers from 0",
        ),
    ],
)
def test_what_is_not_of_the_layout_is_one_line_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], said: str
) -> None:
    monkeypatch.setenv("MARK", str(tmp_path / "mark"))
    city, out = write_city(tmp_path / "gijon", **changes), tmp_path / "data" / "gijon"
    with pytest.raises(DataError, match=said) as caught:
        convert(city, out)
    assert "\n" not in str(caught.value)
    assert not out.exists() and not (tmp_path / "mark").exists()
    assert not (tmp_path / "data").exists() or not list((tmp_path / "data").iterdir())


def test_photos_are_learned_to_be_chosen_without_a_text(tmp_path: Path) -> None:
    """A city of four tastes: from the pickles to the figures of the field."""
    random, own = np.random.default_rng(1), {"train": [], "valid": [], "test": []}
    vectors = []
    for user in range(16):
        for place, item in enumerate(random.permutation(12)[:7]):
            part = "test" if place == 6 else "valid" if place == 5 else "train"
            for _ in range(2):
                own[part].append((user, int(item), len(vectors)))
                vectors.append(np.eye(DIM)[user % 4] + random.normal(scale=0.1, size=DIM))
    city = write_city(
        tmp_path / "city",
        TRAIN_IMG=drawn_from(own["train"], 0),
        DEV_IMG=ranked_among(own["valid"], own["train"]),
        TEST_IMG=ranked_among(own["test"], own["train"] + own["valid"]),
        IMG_VEC=np.array(vectors),
    )
    out = tmp_path / "data" / "city"
    assert "32 of 32 held-out visits rank the same" in " ".join(convert(city, out).notes)
    world = TinyWorld(out.parent, "city", {})
    trainer, (train, valid, test) = prepare(
        "ShowcaseBPR",
        world,
        tmp_path,
        benchmark_filename=["train", "valid", "test"],
        load_col=None,
        eval_args={"order": "RO", "mode": "full"},
        showcase_encoder="tripadvisor",
        showcase_relevance="mf_elvis",
        relevance_negatives="likely",
        showcase_selector="topk",
        showcase_learning_rate=0.05,
        showcase_valid_pairs=0,
        epochs=8,
        eval_step=0,
        topk=[10],
        metrics=["Recall", "MRecall", "MNDCG", "MAUC", "MRecallCases", "MAUCCases", "ImageF1"],
        valid_metric="MAUC",
    )
    trainer.fit(train, valid, verbose=False, saved=False)
    result = trainer.evaluate(test, load_best_model=False)
    assert result["mauccases"] == 32 == result["mrecallcases"], "two photos a test visit"
    assert result["mauc"] > 0.8 and result["mrecall@10"] > 0.8 and result["imagef1@3"] > 0.3
