"""Features that others made, as a store: by photo or by item, with every row counted."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from recbole_showcase.atomic import AttachOptions, attach, read_atomic
from recbole_showcase.cli import app
from recbole_showcase.data.check import check_dataset
from recbole_showcase.encoders import FeatureStore
from recbole_showcase.encoders.clip import ClipEncoder
from recbole_showcase.encoders.foreign import FeatureFile
from recbole_showcase.encoders.importing import import_features
from recbole_showcase.errors import DataError, FeatureStoreError, ShowcaseError
from tests.encoders.conftest import Photographed
from tests.integration.test_training import prepare
from tests.tiny import TinyWorld

N_ITEMS, DIM = 12, 8
HEADER = b"\x93NUMPY\x01\x00\x46\x00"
ROOT = Path(__file__).parents[2]


def saved(path: Path, array: Any) -> Path:
    np.save(path, array)
    return path


def ids(path: Path, tokens: list[str]) -> Path:
    path.write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
    return path


def vectors(count: int, dim: int = DIM, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32) * 40


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def photographed(make_dataset: Callable[..., Photographed]) -> Photographed:
    return make_dataset()


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A data set of RecBole's with interactions alone, and a row of .image for each item."""
    folder = tmp_path / "plain" / "raw"
    folder.mkdir(parents=True)
    pairs = [(u, (u + step * step) % N_ITEMS) for u in range(30) for step in range(5)]
    rows = [f"{u}\tB00{i}\t{n}" for n, (u, i) in enumerate(dict.fromkeys(pairs))]
    head = "user_id:token\titem_id:token\ttimestamp:float"
    (folder / "raw.inter").write_text("\n".join([head, *rows, ""]))
    attach(folder, tmp_path / "plain" / "seen", options=AttachOptions(item_photos=True))
    return tmp_path / "plain" / "seen"


def mmrec(tmp_path: Path, separator: str = "\t") -> FeatureFile:
    """image_feat.npy and i_id_mapping.csv, in an order of their own, with a stranger."""
    order = [f"B00{i}" for i in np.random.default_rng(1).permutation(N_ITEMS)]
    lines = [f"{item}{separator}{row}" for row, item in enumerate([*order, "stranger"])]
    mapping = tmp_path / "i_id_mapping.csv"
    mapping.write_text("\n".join([f"asin{separator}itemID", *lines[::-1], ""]))
    return FeatureFile(saved(tmp_path / "image_feat.npy", vectors(N_ITEMS + 2)), items=mapping)


def test_rows_by_photo(photographed: Photographed, tmp_path: Path) -> None:
    own = list(photographed.photos)
    named = ["of nobody", *reversed(own[1:]), "ü 牛"]
    rows = vectors(len(named))
    rows[1], rows[2, 3] = 0, np.nan
    rows[3] *= np.float32(1e30)
    images = FeatureFile(saved(tmp_path / "x.npy", rows), ids(tmp_path / "x.ids", named))
    texts = list(photographed.texts)
    told = vectors(len(texts), seed=1).astype(np.float16)
    reviews = FeatureFile(saved(tmp_path / "r.npy", told), ids(tmp_path / "r.ids", texts))
    report = import_features(photographed.folder, "theirs", images, reviews, dtype="float32")
    assert report.fates["image"] == {
        "read": len(named), "of no image of the data set": 2, "zeros": 1, "not finite": 1,
        "kept": len(named) - 4,
    }  # fmt: skip
    store = FeatureStore.open(photographed.folder, "theirs", "image")
    for token, row in zip(named[3:-1], rows[3:-1], strict=True):
        exact = row.astype(np.float64)
        found = store.matrix[store.rows([token])[0]]
        np.testing.assert_allclose(found, exact / np.linalg.norm(exact), rtol=1e-6)
    assert store.skipped[own[0]] == "not in the imported features"
    assert store.skipped[named[1]] == "zeros" and store.skipped[named[2]] == "not finite"
    assert [t for t in own if t in set(store.ids)] == list(store.ids), "in the order of .image"
    found = FeatureStore.open(photographed.folder, "theirs", "review")
    assert len(found) + sum(why == "no text" for why in found.skipped.values()) == len(texts)
    errors = [e for e in check_dataset(photographed.folder).errors if "feature" in e]
    assert not errors, "they are not taken for features of other photos"
    with pytest.raises(FeatureStoreError, match="no encoder is known that would encode more"):
        ClipEncoder.of_store(store)


@pytest.mark.parametrize("separator", ["\t", ","])
def test_rows_by_item(plain: Path, tmp_path: Path, separator: str) -> None:
    file = mmrec(tmp_path, separator)
    report = import_features(plain, "mmrec", file)
    assert report.fates["image"]["kept"] == N_ITEMS
    assert report.fates["image"]["of no image of the data set"] == 2
    image = read_atomic(plain / "seen.image")
    assert image.image_id.tolist() == [f"item-{item}" for item in image.item_id]
    store = FeatureStore.open(plain, "mmrec", "image")
    mapping = dict(line.split(separator) for line in file.items.read_text().splitlines()[1:])  # type: ignore[union-attr]
    exact = unit(np.load(file.features))
    for item, token in zip(image.item_id, image.image_id, strict=True):
        row = exact[int(mapping[item])]
        np.testing.assert_allclose(store.matrix[store.rows([token])[0]], row, atol=1e-3)
    assert len(FeatureStore.open(plain, "mmrec", "review")) == 0


def test_a_data_set_of_mmrec_as_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As pandas wrote it there: a header without types, numbers for ids, the split in a column."""
    monkeypatch.chdir(tmp_path)
    theirs, out = tmp_path / "baby", tmp_path / "DATA" / "baby"
    theirs.mkdir()
    out.parent.mkdir()
    inter = theirs / "baby.inter"
    head = "userID\titemID\trating\ttimestamp\tx_label"
    inter.write_text(
        f"{head}\n0\t1\t5.0\t9\t0\n1\t0\t4.0\t8\t0\n1\t1\t3.0\t9\t1\n0\t0\t2.0\t7\t2\n"
    )
    (theirs / "i_id_mapping.csv").write_text("asin\titemID\nB7\t0\nB3\t1\n")
    rows = saved(theirs / "image_feat.npy", vectors(2))
    with pytest.raises(DataError, match=r"inter, line 1: .*'userID' is not of the form name:type"):
        attach(theirs, out, options=AttachOptions(item_photos=True))
    page = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8").partition("of MMRec's**")[2]
    code, commands = page.partition("```python\n")[2].split("```", 1)
    exec(code, {})
    for command in commands.replace("\\\n", " ").strip().split("\n")[:2]:
        done = CliRunner().invoke(app, shlex.split(command)[1:])
        assert done.exit_code == 0, done.output
    parts = {part: read_atomic(out / f"baby.{part}.inter") for part in ("train", "valid", "test")}
    assert [list(zip(p.user_id, p.item_id, p.rating, strict=True)) for p in parts.values()] == [
        [("0", "1", 5.0), ("1", "0", 4.0)], [("1", "1", 3.0)], [("0", "0", 2.0)]
    ]  # fmt: skip
    store = FeatureStore.open(out, "mmrec", "image")
    found = store.matrix[store.rows(["item-0", "item-1"])]
    np.testing.assert_allclose(found, unit(np.load(rows)), atol=1e-3)


def test_a_recommender_that_sees_runs_on_them(plain: Path, tmp_path: Path) -> None:
    import_features(plain, "mmrec", mmrec(tmp_path))
    world = TinyWorld(plain.parent, "seen", {})
    changes = {"showcase_encoder": "mmrec", "metrics": ["Recall"], "embedding_size": 4,
               "showcase_min_photos": 0, "epochs": 1}  # fmt: skip
    trainer, (train, valid, test) = prepare("VBPR", world, tmp_path, **changes)
    ((_, part),) = trainer.model.parts()
    own = part.vectors
    assert own.shape[1] == DIM and bool((own[1:].abs().sum(dim=1) > 0).all())
    trainer.fit(train, valid)
    assert 0 <= trainer.evaluate(test)["recall@5"] <= 1


def test_an_import_is_replaced_by_another_alone(plain: Path, tmp_path: Path) -> None:
    file = mmrec(tmp_path)
    import_features(plain, "mmrec", file)
    folder = plain / "seen.features" / "mmrec"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(FeatureStoreError, match="is there; --overwrite replaces it"):
        import_features(plain, "mmrec", file)
    saved(file.features, np.ones((N_ITEMS, 3, 2)))
    with pytest.raises(FeatureStoreError, match="a matrix of numbers is meant"):
        import_features(plain, "mmrec", file, overwrite=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    saved(file.features, vectors(N_ITEMS + 1, 4))
    import_features(plain, "mmrec", file, overwrite=True)
    assert FeatureStore.open(plain, "mmrec", "image").dim == 4
    assert sorted(path.name for path in folder.parent.iterdir()) == [".mmrec.lock", "mmrec"]
    (folder / "meta.json").write_text("{}")
    with pytest.raises(FeatureStoreError, match="was not imported: it is left alone"):
        import_features(plain, "mmrec", file, overwrite=True)


@pytest.mark.parametrize(
    ("name", "said"),
    [("../x", "cannot be the name"), ("showcase-tiny", "cannot be the name"), ("", "cannot be"),
     ("a b", "cannot be the name"), (".x", "cannot be the name")],
)  # fmt: skip
def test_names(plain: Path, tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(FeatureStoreError, match=said):
        import_features(plain, name, mmrec(tmp_path))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is no .npy file"),
        (b"\x80\x04]\x94.", "it is no .npy file"),
        (
            HEADER + b"{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999, 9)}\n",
            "cannot be",
        ),
        (
            HEADER + b"{'descr': '|O', 'fortran_order': False, 'shape': (1, 1)}\n" + b" " * 50,
            "cannot",
        ),
    ],
)
def test_damaged_matrices(plain: Path, tmp_path: Path, content: bytes, said: str) -> None:
    file = mmrec(tmp_path)
    file.features.write_bytes(content)
    with pytest.raises(FeatureStoreError, match=said):
        import_features(plain, "mmrec", file)
    assert not (plain / "seen.features" / "mmrec").exists()


def test_objects_are_not_unpickled(plain: Path, tmp_path: Path) -> None:
    class Calls:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "called",)

    file = mmrec(tmp_path)
    np.save(file.features, np.array([[Calls()]], dtype=object), allow_pickle=True)
    with pytest.raises(FeatureStoreError, match=r"cannot be read: .*[Oo]bjects? "):
        import_features(plain, "mmrec", file)
    assert not (tmp_path / "called").exists()


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["asin\titemID", "B000\t0", "B000\t1"], "'B000' is there twice"),
        (["asin\titemID", "B000\t0", "B001\t0"], "row 0 is of two items"),
        (["asin\titemID", "B000\t14"], "row 1: 14 is none of the 14 rows"),
        (["asin\titemID", "B000\t-1"], "row 1: '-1' is no number of a row"),
        (["asin\titemID", "B000\t1.0"], "'1.0' is no number of a row"),
        (["asin\titemID", "B000\t"], "row 1: '' is no number of a row"),
        (["asin\titem_id", "B000\t0"], "no column 'itemID'; it has asin, item_id"),
        (["asin\titemID", "X\t0"], "none of its 1 ids is in the data set; it has 'X'"),
        ([""], "has no column 'asin'"),
        (["asin\titemID", "B000\t0\t1"], "line 2: 3 values; the header has 2"),
    ],
)
def test_mappings_that_do_not_fit(plain: Path, tmp_path: Path, lines: list[str], said: str) -> None:
    file = mmrec(tmp_path)
    assert file.items is not None
    file.items.write_text("\n".join(lines))
    with pytest.raises(ShowcaseError, match=said):
        import_features(plain, "mmrec", file)


def test_what_features_of_items_cannot_stand_for(
    photographed: Photographed, plain: Path, tmp_path: Path
) -> None:
    file = mmrec(tmp_path)
    image = plain / "seen.image"
    image.write_text(image.read_text() + "other\tB001\t\tx.jpg\n")
    with pytest.raises(FeatureStoreError, match=r"item 'B001' has several photos"):
        import_features(plain, "mmrec", file)
    image.unlink()
    with pytest.raises(FeatureStoreError, match=r"made by attach with --item-photos"):
        import_features(plain, "mmrec", file)
    with pytest.raises(FeatureStoreError, match="one of ids and items says"):
        FeatureFile(file.features)
    short = FeatureFile(file.features, ids(tmp_path / "s.ids", ["one"]))
    with pytest.raises(FeatureStoreError, match=r"s\.ids has 1 ids, and .* 14 rows"):
        import_features(photographed.folder, "x", short)
    wide = FeatureFile(saved(tmp_path / "w.npy", vectors(1, 5)), short.ids)
    with pytest.raises(FeatureStoreError, match="not equally wide"):
        import_features(photographed.folder, "x", short, wide)


def test_the_command_and_the_command_that_is_advised(plain: Path, tmp_path: Path) -> None:
    file = mmrec(tmp_path)
    words = ["import-features", str(plain), "--name", "mmrec", "--images", str(file.features),
             "--items", str(file.items)]  # fmt: skip
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert "rows of images: 14 read, 2 of no image of the data set, 12 kept" in result.output
    store = FeatureStore.open(plain, "mmrec", "image")
    (store.folder / "image.npy").write_bytes(b"damaged")
    with pytest.raises(FeatureStoreError) as refused:
        FeatureStore.open(plain, "mmrec", "image")
    advised = shlex.split(str(refused.value).partition("recbole-showcase ")[2])
    result = CliRunner().invoke(app, advised)
    assert result.exit_code == 0, result.output
    assert len(FeatureStore.open(plain, "mmrec", "image")) == N_ITEMS
