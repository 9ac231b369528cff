"""Pickles, arrays of objects and names to evaluate beside a checkpoint: none of them is run."""

from __future__ import annotations

import logging
import pickle
from pathlib import Path

import numpy as np
import pytest

from recbole_showcase import load_explainer
from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.integration import own_files
from tests.integration.test_checkpoints import Bomb
from tests.integration.test_training import prepare
from tests.tiny import TinyWorld

DEFAULT = ("tiny-ShowcaseBPRDataset.pth", "tiny-for-ShowcaseBPR-dataloader.pth")
SETTINGS = ("dataset_save_path", "dataloaders_save_path")


def plant(folder: Path) -> Path:
    """Put files that RecBole would run under the names it looks for; they leave a mark."""
    marker = folder / "ran"
    folder.mkdir(exist_ok=True)
    for name in DEFAULT:
        (folder / name).write_bytes(pickle.dumps(Bomb(marker)))
    return marker


def test_pickles_of_others_are_passed_over(
    tiny_world: TinyWorld,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from recbole.quick_start import load_data_and_model

    marker = plant(tmp_path / "saved")
    with caplog.at_level(logging.WARNING):
        trainer, (train, valid, _) = prepare("ShowcaseBPR", tiny_world, tmp_path)
    for name, setting in zip(DEFAULT, SETTINGS, strict=True):
        assert any(name in text and f"'{setting}'" in text for text in caplog.messages)
    trainer.fit(train, valid)
    monkeypatch.chdir(tmp_path)  # where RecBole looks into ``saved``
    load_data_and_model(trainer.saved_model_file)
    load_explainer(trainer.saved_model_file)
    assert not marker.exists()


@pytest.mark.parametrize("setting", SETTINGS)
def test_what_the_user_names_is_read(tiny_world: TinyWorld, tmp_path: Path, setting: str) -> None:
    marker = plant(tmp_path)
    with pytest.raises((AttributeError, TypeError)):  # what it holds is no data
        prepare("ShowcaseBPR", tiny_world, tmp_path, **{setting: str(tmp_path / DEFAULT[0])})
    assert marker.exists()


def test_own_pickles_are_read_until_somebody_changes_them(
    tiny_world: TinyWorld, tmp_path: Path
) -> None:
    prepare("ShowcaseBPR", tiny_world, tmp_path, save_dataset=True, save_dataloaders=True)
    saved = [tmp_path / "saved" / name for name in DEFAULT]
    assert all(own_files.written_here(path) for path in saved)
    marker = plant(tmp_path / "saved")
    prepare("ShowcaseBPR", tiny_world, tmp_path)
    assert not marker.exists()


def test_objects_in_the_array_of_a_data_set(tmp_path: Path) -> None:
    from recbole.model.general_recommender import ldiffrec

    path, marker = tmp_path / "item_emb.npy", tmp_path / "ran"
    np.save(path, np.array([Bomb(marker)], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match=r"item_emb\.npy is no array of numbers"):
        ldiffrec.np.load(str(path), allow_pickle=True)
    assert not marker.exists()
    np.save(path, np.eye(2))
    assert np.array_equal(ldiffrec.np.load(str(path), allow_pickle=True), np.eye(2))


def test_a_teacher_is_one_of_three(tmp_path: Path) -> None:
    from recbole.model.context_aware_recommender import kd_dagfm

    assert kd_dagfm.eval("CrossNet") is kd_dagfm.CrossNet
    marker = tmp_path / "ran"
    code = f"__import__('pathlib').Path({str(marker)!r}).touch()"
    with pytest.raises(
        SettingsError, match=r"setting 'teacher' is .*allowed: CIN, CrossNet, DAGFM"
    ):
        kd_dagfm.eval(code)
    assert not marker.exists()
