from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from demo_world import WorldTruth
from recbole_showcase.atomic import read_atomic
from recbole_showcase.distillation import LabelledPairs, read_labels
from recbole_showcase.errors import DataError

HEADER = "review_id:token\tsentence:token_seq\timage_id:token\tlabel:float\n"


def write(path: Path, *rows: str, header: str = HEADER) -> Path:
    path.write_text(header + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


def test_labels_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "l", "r1\tThe soup was great!\tp1\t1", "r1\tWill be back.\tp1\t0.0")
    assert read_labels(path).to_numpy().tolist() == [
        ["r1", "The soup was great!", "p1", 1.0],
        ["r1", "Will be back.", "p1", 0.0],
    ]


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        (["r\ts\tp\t1", "r\ts\tp\t0.5"], HEADER, "line 3, column label: found 0.5; allowed are 0"),
        (["r\ts\tp\t"], HEADER, "line 2, column label: found nothing; allowed are 0 and 1"),
        (["r\ts\tp\tyes"], HEADER, "line 2, column label: 'yes' is no number"),
        (["r\ts\t\t1"], HEADER, "line 2, column image_id: a value is needed"),
        (["r\t \tp\t1"], HEADER, "line 2, column sentence: a value is needed"),
        (["r\ts\tp"], HEADER, "line 2: 3 values; the header has 4 columns"),
        (["r\tp\t1"], "review_id:token\timage_id:token\tlabel:float\n", "no column 'sentence'"),
        (["r\ts\tp\t1"], HEADER.replace("float", "token"), "column label is token; it must be"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, rows: list[str], header: str, message: str) -> None:
    path = write(tmp_path / "bad.labels", *rows, header=header)
    with pytest.raises(DataError, match=message) as error:
        read_labels(path)
    assert str(path) in str(error.value)


def test_a_photo_of_another_data_set_is_named(drawing: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "bad.labels", "r001\tNice.\tp001\t1", "r001\tNice.\tp-none\t1")
    with pytest.raises(DataError, match=r"line 3, column image_id: photo 'p-none' is not in"):
        LabelledPairs.load(drawing, path)


def test_a_drawing_labels_its_own_pairs(drawing: Path, labels: Path) -> None:
    """Checked against the generator's own explanations, which the labels are not made from."""
    table = read_labels(labels)
    truth = WorldTruth.load(drawing)
    stem = drawing / drawing.name
    image = read_atomic(f"{stem}.image").set_index("image_id")
    explained = read_atomic(f"{stem}.review").set_index("review_id")["explanation"]
    own = table[image.loc[table["image_id"], "review_id"].to_numpy() == table["review_id"]]
    best = own.groupby(["review_id", "sentence"])["label"].max()
    for (review, sentence), label in best.items():
        assert (sentence in explained[review]) == bool(label), (review, sentence)
    others = table.drop(own.index)
    assert len(others) > len(own) / 2, "sentences of other reviews are negatives"
    assert others["label"].mean() < 0.15 < own["label"].mean()
    for row in others[others["label"] == 1].itertuples():
        (shown,) = truth.label_of([row.image_id])
        assert shown.kind == "ambience" or shown.name in truth.dishes_named_in(row.sentence)


def test_no_review_is_in_two_groups(drawing: Path, labels: Path) -> None:
    pairs = LabelledPairs.load(drawing, labels)
    table = read_labels(labels)
    image = read_atomic(drawing / f"{drawing.name}.image").set_index("image_id")
    groups: dict[str, set[int]] = {}
    for review, photo, group in zip(
        table["review_id"], table["image_id"], pairs.groups, strict=True
    ):
        for name in (review, image.at[photo, "review_id"]):
            groups.setdefault(name, set()).add(int(group))
    assert all(len(found) == 1 for found in groups.values())
    assert len({min(found) for found in groups.values()}) >= len(groups) // 2


def test_features_are_of_the_pairs(drawing: Path, labels: Path) -> None:
    from recbole_showcase.encoders import ClipEncoder, FeatureStore

    pairs = LabelledPairs.load(drawing, labels)
    table = read_labels(labels)
    store = FeatureStore.open(drawing, "showcase-tiny", "image")
    encoder = ClipEncoder.of_store(store)
    for row in (0, len(table) // 2, len(table) - 1):
        said = encoder.encode_texts([table["sentence"][row]])[0].numpy()
        assert np.allclose(pairs.sentences[row], said, atol=1e-5)
        shown = store.matrix[store.rows([table["image_id"][row]])[0]]
        assert np.array_equal(pairs.photos[row], shown.astype(np.float32))
    assert pairs.labels.tolist() == (table["label"] == 1).tolist()


def test_photos_without_features_are_counted(drawing: Path, labels: Path, tmp_path: Path) -> None:
    folder = tmp_path / "small"
    shutil.copytree(drawing, folder, ignore=shutil.ignore_patterns("*.jpg"))
    store = folder / "small.features" / "showcase-tiny"
    ids = (store / "image.ids").read_text().splitlines()
    meta = json.loads((store / "meta.json").read_text())
    meta["modalities"]["image"] = {"count": len(ids) - 1, "skipped": {ids[-1]: "missing"}}
    del meta["digests"]  # of files that are cut short by hand here
    (store / "meta.json").write_text(json.dumps(meta))
    (store / "image.ids").write_text("".join(f"{name}\n" for name in ids[:-1]))
    np.save(store / "image.npy", np.load(store / "image.npy")[:-1])
    pairs = LabelledPairs.load(folder, labels)
    gone = int((read_labels(labels)["image_id"] == ids[-1]).sum())
    assert (pairs.without_features, len(pairs)) == (gone, len(read_labels(labels)) - gone)
    assert gone > 0


def test_joined_data_sets_share_no_group(matching: LabelledPairs) -> None:
    both = LabelledPairs.join([matching, matching])
    first, second = np.split(both.groups, 2)
    assert not set(first) & set(second)
    assert len(both) == 2 * len(matching)
    with pytest.raises(DataError, match=r"other \(sha256:topics\), topics \(sha256:topics\)"):
        LabelledPairs.join([matching, replace(matching, encoder="other")])
