"""Our data set class against RecBole's: equal tensors and id maps; clear errors."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from recbole_showcase.cli import app
from recbole_showcase.errors import DataError, FeatureStoreError
from recbole_showcase.integration.checkpoint import clean_argv
from tests.integration.test_registration import stock_config
from tests.integration.test_training import prepare
from tests.tiny import TinyWorld


def built(model: str, world: TinyWorld, config: dict[str, object]):
    from recbole.config import Config
    from recbole.data import create_dataset

    with clean_argv():
        dataset = create_dataset(Config(model, world.name, config_dict=config))
    return dataset, dataset.build()


@pytest.fixture
def awkward(tmp_path: Path) -> TinyWorld:
    """Tokens and numbers that parsers disagree on."""
    world = TinyWorld.write(tmp_path / "data", "awkward")
    path = world.folder / f"{world.name}.inter"
    text = path.read_text()
    for old, new in (("u3\t", "007\t"), ("u4\t", "1e5\t"), ("i3\t", "caf\u00e9 \U0001f355\t")):
        text = text.replace(old, new)
    text = text.replace("\t5.0\t", "\t4.1000000000000005\t", 5).replace("\t5.0\t", "\t\t", 2)
    path.write_text(text)
    return world


@pytest.mark.parametrize("load_col", [["user_id", "item_id", "rating", "timestamp"], None])
def test_tensors_and_id_maps_equal_recboles(
    awkward: TinyWorld, tmp_path: Path, load_col: list[str] | None
) -> None:
    changes = {"load_col": {"inter": load_col} if load_col else None}
    stock, stock_splits = built("BPR", awkward, stock_config(awkward, tmp_path, **changes))
    ours, our_splits = built("ShowcaseBPR", awkward, awkward.config(tmp_path, **changes))
    assert ours.field2type == stock.field2type
    assert ours.field2token_id == stock.field2token_id
    for field, tokens in stock.field2id_token.items():
        assert np.array_equal(ours.field2id_token[field], tokens)
    for ours_split, stock_split in zip(our_splits, stock_splits, strict=True):
        assert ours_split.inter_feat.columns == stock_split.inter_feat.columns
        for column in stock_split.inter_feat.columns:
            assert torch.equal(ours_split.inter_feat[column], stock_split.inter_feat[column])


def test_features_made_anew_are_not_joined_to_saved_rows(tmp_path: Path) -> None:
    world = TinyWorld.write(tmp_path / "data", "anew")
    trainer, _ = prepare("ShowcaseBPR", world, tmp_path)
    saved = pickle.dumps(trainer.model.showcase.data.photos.features)
    assert len(pickle.loads(saved).rows)
    (path,) = world.folder.glob("*.features/*/image.ids")
    first, second, *others = path.read_text().splitlines()
    path.write_text("\n".join([second, first, *others, ""]))
    with pytest.raises(DataError, match="are others than this saved data's; delete it"):
        pickle.loads(saved)


def test_a_saved_data_set_is_reused_and_not_when_ours_changes(
    tiny_world: TinyWorld, tmp_path: Path
) -> None:
    first, _ = prepare("ShowcaseBPR", tiny_world, tmp_path, save_dataset=True)
    again, _ = prepare("ShowcaseBPR", tiny_world, tmp_path)
    other, _ = prepare("ShowcaseBPR", tiny_world, tmp_path, showcase_target="text")
    targets = [t.model.showcase.data.corpus.targets[1] for t in (first, again, other)]
    assert targets[0] == targets[1] != targets[2]
    batches = [next(t.loader.epoch(0)).explanation for t in (first, again)]
    assert torch.equal(batches[0].photo_features, batches[1].photo_features)


def test_saved_loaders_train(tiny_world: TinyWorld, tmp_path: Path) -> None:
    prepare("ShowcaseBPR", tiny_world, tmp_path, save_dataloaders=True)
    trainer, (train, valid, test) = prepare("ShowcaseBPR", tiny_world, tmp_path, epochs=1)
    trainer.fit(train, valid)
    assert "imagef1@3" in trainer.evaluate(test)


def test_without_features_the_command_is_named(tiny_world: TinyWorld, tmp_path: Path) -> None:
    with pytest.raises(FeatureStoreError, match="recbole-showcase embed"):
        prepare("ShowcaseBPR", tiny_world, tmp_path, showcase_encoder="absent")


def test_without_review_ids_the_file_is_named(tmp_path: Path) -> None:
    world = TinyWorld.write(tmp_path, "plain")
    path = world.folder / f"{world.name}.inter"
    lines = path.read_text().splitlines()
    path.write_text("".join(line.rpartition("\t")[0] + "\n" for line in lines))
    with pytest.raises(DataError, match=r"plain\.inter has no column 'review_id:token'"):
        prepare("ShowcaseBPR", world, tmp_path)


def test_a_review_in_two_rows_is_an_error(tmp_path: Path) -> None:
    world = TinyWorld.write(tmp_path, "twice")
    path = world.folder / f"{world.name}.inter"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[1].replace("u0\t", "u1\t", 1)]) + "\n")
    with pytest.raises(DataError, match="in two rows"):
        prepare("ShowcaseBPR", world, tmp_path)


def test_without_samples_the_settings_are_named(tiny_world: TinyWorld, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="showcase_min_photos = 2"):
        prepare("ShowcaseBPR", tiny_world, tmp_path, showcase_min_photos=2)


def test_cold_users_are_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Users split apart, as in the released Gest split; their texts come from photos alone."""
    world = TinyWorld.write(tmp_path, "cold")
    path = world.folder / f"{world.name}.inter"
    head, *lines = path.read_text().splitlines()
    parts: dict[str, list[str]] = {"train": [], "valid": [], "test": []}
    for line in lines:
        user = int(line.partition("\t")[0][1:])
        parts["train" if user < 30 else "valid" if user < 35 else "test"].append(line)
    for part, own in parts.items():
        (world.folder / f"{world.name}.{part}.inter").write_text("\n".join([head, *own]) + "\n")
    path.unlink()
    with caplog.at_level("WARNING"):
        trainer, (train, valid, test) = prepare(
            "ShowcaseBPR", world, tmp_path, benchmark_filename=["train", "valid", "test"], epochs=8
        )
    assert "10 of 10 users in valid and test have no training interaction" in caplog.text
    trainer.fit(train, valid)
    result = trainer.evaluate(test)
    assert result["bleu1"] > 30 and np.isfinite(result["imagef1@3"])
    users = train._dataset.token2id("user_id", ["u36", "u1"])
    batch = next(trainer.loader.epoch(0)).explanation
    cold = batch.users.new_tensor(users)
    vectors, _ = trainer.model._vectors_of(type(batch)(**{**vars(batch), "users": cold}))
    assert not vectors[0].any() and vectors[1].any(), "nothing is known of a cold user"


@pytest.mark.parametrize(
    ("suffix", "column"),
    [
        ("inter", "review_id"), ("review", "review_id"), ("review", "text"),
        ("review", "explanation"), ("image", "image_id"), ("image", "item_id"),
        ("image", "review_id"), ("image", "path"),
    ],
)  # fmt: skip
def test_a_column_that_is_missing_is_named_when_data_are_built(
    tiny_world: TinyWorld, tmp_path: Path, suffix: str, column: str
) -> None:
    folder = shutil.copytree(tiny_world.folder, tmp_path / "data" / "tiny")
    path = folder / f"tiny.{suffix}"
    path.write_text(path.read_text().replace(f"{column}:", f"no_{column}:", 1))
    with pytest.raises(DataError, match=rf"tiny\.{suffix} has no column '{column}"):
        prepare("ShowcaseBPR", tiny_world, tmp_path, data_path=str(folder.parent))


def test_what_does_not_join_at_all_names_the_check(
    tiny_world: TinyWorld, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = shutil.copytree(tiny_world.folder, tmp_path / "data" / "tiny")
    path = folder / "tiny.image"
    path.write_text(path.read_text().replace("\ti", "\tx").replace("\txtem", "\titem"))
    command = f"recbole-showcase check {folder}"
    with pytest.raises(DataError, match=f"no explanation sample .* {command}$"):
        prepare("ShowcaseBPR", tiny_world, tmp_path, data_path=str(folder.parent))
    assert f"none of 280 photos of {path} is of an item of the data set" in caplog.text
    assert command in caplog.text
    assert CliRunner().invoke(app, ["check", str(folder)]).exit_code == 1


@pytest.mark.parametrize(
    "content", [b"", b"a\tb\n1\t2\n", b"\x8c\xff\n", b"user_id:token\titem_id:word\n"]
)
def test_interactions_that_cannot_be_read_are_named(
    tmp_path: Path, content: bytes, awkward: TinyWorld
) -> None:
    path = awkward.folder / f"{awkward.name}.inter"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"{path} cannot be read: .*recbole-showcase check"):
        built("ShowcaseBPR", awkward, awkward.config(tmp_path))
    path.unlink()
    with pytest.raises(DataError, match=rf"{awkward.folder} cannot be read: .*recbole-showcase"):
        built("ShowcaseBPR", awkward, awkward.config(tmp_path))
