"""A checkpoint leads to files that its user chose, and to no others."""

from __future__ import annotations

import os
import pickle
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from recbole_showcase import load_explainer
from recbole_showcase.engines import Engine
from recbole_showcase.errors import CheckpointError
from recbole_showcase.integration import own_files, own_key
from recbole_showcase.integration.checkpoint import load_checkpoint, restored_config
from recbole_showcase.integration.entry_points import load_data_and_model
from recbole_showcase.offline import OfflineOptions, write_showcases
from tests.integration.test_checkpoints import train
from tests.integration.test_registration import stock_config
from tests.integration.test_training import prepare
from tests.tiny import TinyWorld

OF_DATA = r"names '.*tiny' for its data set, which is outside .* by data_path, or --data-path"


@pytest.fixture(scope="module")
def trained(tiny_world: TinyWorld, tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("run")
    return train("ShowcaseBPR", tiny_world.name, tiny_world.config(work, epochs=1))[0]


@pytest.fixture
def changed(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """A copy of the checkpoint in a folder to be in, with other settings, signed or not."""
    monkeypatch.chdir(tmp_path)

    def write(signed: bool = False, **settings: Any) -> Path:
        state = torch.load(trained, weights_only=True)
        if not signed:
            del state["paths"]
        if "data_path" in settings:
            state["config"]["data_path"] = settings.pop("data_path")
        for place in ("external", "final"):
            state["config"][place] |= settings
        torch.save(state, tmp_path / "theirs.pth")
        return tmp_path / "theirs.pth"

    return write


def test_a_strangers_data_set(changed: Callable[..., Path], tiny_world: TinyWorld) -> None:
    theirs = changed()
    for load in (load_explainer, load_data_and_model):
        with pytest.raises(CheckpointError, match=OF_DATA):
            load(str(theirs))
    assert load_explainer(theirs, data_path=tiny_world.data_path).users
    assert load_explainer(theirs, allow_paths=[tiny_world.data_path]).users
    assert load_data_and_model(str(theirs), data_path=tiny_world.data_path)
    assert load_data_and_model(str(theirs), trusted=True)


def test_below_the_working_directory_all_links_followed(
    changed: Callable[..., Path], tiny_world: TinyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("data").symlink_to(tiny_world.data_path)
    theirs = changed(data_path="data")
    with pytest.raises(CheckpointError, match=OF_DATA):
        restored_config(load_checkpoint(theirs), theirs)
    monkeypatch.chdir(tiny_world.data_path)
    theirs = changed()
    assert restored_config(load_checkpoint(theirs), theirs)["data_path"] == str(tiny_world.folder)
    monkeypatch.chdir("/")
    with pytest.raises(CheckpointError, match=OF_DATA):
        restored_config(load_checkpoint(theirs), theirs)


@pytest.mark.parametrize("setting", ["showcase_lexicon", "showcase_tokenizer", "showcase_alignment",
                                     "showcase_encoder", "pretrain_path", "my_lists",
                                     "my_stem"])  # fmt: skip
def test_a_path_of_any_other_setting(
    changed: Callable[..., Path],
    tiny_world: TinyWorld,
    tmp_path_factory: pytest.TempPathFactory,
    setting: str,
) -> None:
    secret = tmp_path_factory.mktemp("home") / "secret"
    secret.mkdir()
    value: Any = str(secret)
    if setting == "showcase_encoder":
        value = f"local-dir:{secret}"
    elif setting == "my_lists":
        value = {"a": [str(secret)]}
    elif setting == "my_stem":  # of files that a part of others opens
        value = str(secret := secret / "weights")
    for signed in (False, True):  # a signature is of other paths
        theirs = changed(signed, **{setting: value})
        state = load_checkpoint(theirs)
        given = {"data_path": tiny_world.data_path}
        expected = rf"names '{secret}' for its setting '{setting}'.* allow it by allow_paths"
        with pytest.raises(CheckpointError, match=expected):
            restored_config(state, theirs, **given)
        with pytest.raises(CheckpointError, match=expected) as told:
            load_explainer(theirs, **given)
        assert "\n" not in str(told.value)


def test_parts_of_file_names_are_no_paths(
    changed: Callable[..., Path], tiny_world: TinyWorld
) -> None:
    for setting in ("benchmark_filename", "additional_feat_suffix"):
        theirs = changed(**{setting: ["x/../../../secret"]})
        with pytest.raises(CheckpointError, match=rf"has {setting} 'x/.*allowed: a name"):
            load_explainer(theirs, data_path=tiny_world.data_path)


def test_what_is_allowed_must_be_there(changed: Callable[..., Path]) -> None:
    with pytest.raises(CheckpointError, match="there is no 'no/such', which allow_paths names"):
        load_explainer(changed(), allow_paths=["no/such"])


def test_a_signature_is_of_paths_and_of_a_user(
    changed: Callable[..., Path],
    trained: Path,
    tiny_world: TinyWorld,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Copied beside other weights it still leads to nothing but what the user chose."""
    ours = changed(signed=True)
    kept = torch.load(ours, weights_only=True)["paths"]
    assert kept["places"]["data_path"] == [os.path.realpath(tiny_world.folder)]
    assert restored_config(load_checkpoint(ours), ours)
    other = tmp_path.parent / "other" / "tiny"
    other.mkdir(parents=True, exist_ok=True)
    moved = changed(signed=True, data_path=str(other.parent))
    with pytest.raises(CheckpointError, match=OF_DATA):
        restored_config(load_checkpoint(moved), moved)
    forged = torch.load(ours, weights_only=True)
    for places in ({"data_path": [str(other)]}, {"data_path": str(other)}, 7):
        forged["paths"]["places"] = places
        with pytest.raises(CheckpointError, match=OF_DATA):
            restored_config(forged, ours)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "of somebody else"))
    ours = changed(signed=True)
    with pytest.raises(CheckpointError, match=OF_DATA):
        restored_config(load_checkpoint(ours), ours)
    assert not (tmp_path / "of somebody else").exists()  # reading makes no key


def test_without_a_key_the_process_that_trained_reads_its_own(
    tiny_world: TinyWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So do those who share its work, which have not written the file."""

    original = Engine.crew

    def crew(self: Engine, start: Any, device: str | None) -> Any:
        monkeypatch.setattr(own_files, "_WRITTEN", {})
        return original(Engine(), pickle.loads(pickle.dumps(start)), device)

    (tmp_path / "plain").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "plain"))
    monkeypatch.chdir(tmp_path)
    path, _ = train("ShowcaseBPR", tiny_world.name, tiny_world.config(tmp_path, epochs=1))
    assert torch.load(path, weights_only=True)["paths"] == {}
    two, options = Engine("processes", 2), OfflineOptions(1)
    with monkeypatch.context() as patch:
        patch.setattr(Engine, "crew", crew)
        account = write_showcases(path, tmp_path / "out", options=options, engine=two)
    assert account.progress.rows == 40
    with pytest.raises(CheckpointError, match=OF_DATA):
        load_explainer(path)
    with pytest.raises(CheckpointError, match=OF_DATA):
        write_showcases(path, tmp_path / "no", engine=two)
    assert not (tmp_path / "no").exists()


def test_a_resumed_run_signs_again(
    changed: Callable[..., Path], tiny_world: TinyWorld, tmp_path: Path
) -> None:
    trainer, (train_data, valid, _) = prepare("ShowcaseBPR", tiny_world, tmp_path, epochs=2)
    trainer.resume_checkpoint(changed())
    trainer.fit(train_data, valid)
    kept = torch.load(trainer.saved_model_file, weights_only=True)["paths"]
    assert own_key.is_signed(kept["places"], kept["signature"])


def test_stock_models_of_another_process_find_their_data(
    tiny_world: TinyWorld, tmp_path: Path
) -> None:
    """As with RecBole alone, whose function takes no folder."""
    path, _ = train("BPR", tiny_world.name, stock_config(tiny_world, tmp_path / "run"))
    os.utime(path, (1, 1))  # as if another process had written it
    assert load_data_and_model(str(path))[2].dataset_path == str(tiny_world.folder)
    with pytest.raises(CheckpointError, match="is of BPR, which explains nothing"):
        load_explainer(path)
    elsewhere = tmp_path / "moved"
    elsewhere.symlink_to(tiny_world.data_path)
    for trusted in (False, True):
        config, *_ = load_data_and_model(str(path), trusted=trusted, data_path=elsewhere)
        assert config["data_path"] == str(elsewhere / "tiny")


def test_the_key_is_the_users_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert not own_key.is_signed([1], "0" * 64)
    signature = own_key.signature_of([1])
    path = own_key.key_file()
    assert list(path.parent.iterdir()) == [path] and path.is_relative_to(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and path.stat().st_size == 32
    assert own_key.is_signed([1], signature) and own_key.signature_of([1]) == signature
    for wrong in ("", "é", None, 7, "0" * 64):
        assert not own_key.is_signed([1], wrong)
    assert not own_key.is_signed([2], signature)
    path.chmod(0o640)
    assert own_key.signature_of([1]) is None and not own_key.is_signed([1], signature)
    path.chmod(0o600)
    path.write_bytes(b"short")
    assert own_key.signature_of([1]) is None
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").write_bytes(bytes(32))
    assert own_key.signature_of([1]) is None
    path.unlink()
    os.mkfifo(path, 0o600)  # nobody ever writes to it
    assert own_key.signature_of([1]) is None


def test_processes_that_begin_together_make_one_key(tmp_path: Path) -> None:
    code = "from recbole_showcase.integration.own_key import signature_of; print(signature_of(1))"
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    command = [sys.executable, "-c", code]
    started = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert len({process.communicate()[0] for process in started}) == 1


def test_a_folder_of_state_that_is_no_absolute_path_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert own_key.key_file() == tmp_path / ".local/state/recbole_showcase/checkpoint.key"
