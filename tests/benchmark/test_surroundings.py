"""What figures hang on beside settings: the data's content, and energy where it is measured."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from recbole_showcase.encoders.store import digest_of_file
from recbole_showcase.evaluation import surroundings
from recbole_showcase.evaluation.surroundings import (
    Energy,
    commit,
    data_digests,
    device,
    processor,
)
from tests.tiny import TinyWorld


def test_every_file_of_a_data_set_counts(tmp_path: Path) -> None:
    world = TinyWorld.write(tmp_path, "own")
    folder, encoder = world.folder, "tiny"
    (encoder,) = (path.name for path in (folder / "own.features").iterdir())
    before = data_digests(folder, "own", encoder)
    assert {f"own.features/{encoder}/{kind}.npy" for kind in ("image", "review")} <= set(before)
    for name in before:
        path = folder / name
        content = path.read_bytes()
        path.write_bytes(content + b" ")
        now = data_digests(folder, "own", encoder)
        path.write_bytes(content)
        assert {n for n in now if now[n] != before[n]} == {name}
    assert set(data_digests(folder, "own", None)) == {n for n in before if "/" not in n}
    assert data_digests(folder, "own", "of nobody") == data_digests(folder, "own", None)


@pytest.mark.skipif(os.name == "nt", reason="Windows does not tell when an inode changed")
def test_large_features_are_read_again_only_if_they_may_be_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exchanged file is noticed, of the same size and with the time of the old one too."""
    world = TinyWorld.write(tmp_path, "own")
    (store,) = (world.folder / "own.features").iterdir()
    matrix, meta = store / "image.npy", store / "meta.json"
    described = {**json.loads(meta.read_text()), "digests": {"image.npy": "sha256:a"}}

    def found() -> str:
        return data_digests(world.folder, "own", store.name)[f"own.features/{store.name}/image.npy"]

    meta.write_text(json.dumps(described))
    assert found() == digest_of_file(matrix), "small, and always read"
    monkeypatch.setattr(surroundings, "_HASHED", 0)
    assert found() == "sha256:a", "what the description says"
    times, other = matrix.stat(), bytearray(matrix.read_bytes())
    other[-1] ^= 1
    time.sleep(0.02)  # longer than a tick of the file system
    aside = tmp_path / "aside.npy"
    aside.write_bytes(other)
    os.utime(aside, ns=(times.st_atime_ns, times.st_mtime_ns))
    os.replace(aside, matrix)
    assert matrix.stat().st_mtime_ns == times.st_mtime_ns
    assert found() == digest_of_file(matrix) != "sha256:a"


@pytest.mark.parametrize("meta", ["", "[]", '{"digests": 3}', '{"digests": {"image.ids": ""}}'])
def test_a_store_without_digests_has_them_computed(tmp_path: Path, meta: str) -> None:
    store = tmp_path / "d" / "d.features" / "enc"
    store.mkdir(parents=True)
    (store / "image.ids").write_text("a\n")
    (store / "meta.json").write_text(meta)
    found = data_digests(tmp_path / "d", "d", "enc")
    assert found == {"d.features/enc/image.ids": digest_of_file(store / "image.ids")}


def test_device_of_a_run_that_used_none() -> None:
    assert device({"device": "cpu"}).startswith("cpu ")
    assert device({}).endswith(" threads") and processor() in device({})


def test_the_model_of_a_processor(tmp_path: Path) -> None:
    told = tmp_path / "cpuinfo"
    told.write_text("processor\t: 0\nmodel\t: 17\nmodel name\t: AMD  EPYC 9754 \nflags\t: a\n")
    assert processor(told) == "AMD EPYC 9754"
    told.write_text("processor\t: 0\nBogoMIPS\t: 50.00\n")
    assert processor(told) == processor(tmp_path / "absent")


def git(folder: Path, *command: str) -> str:
    author = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    asked = ["git", "-C", str(folder), *author, *command]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.skipif(shutil.which("git") is None, reason="without git there is no commit to tell")
def test_the_commit_of_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def looked() -> tuple[str | None, bool | None]:
        commit.cache_clear()
        return commit()

    monkeypatch.setattr(surroundings, "_CHECKOUT", tmp_path)
    assert looked() == (None, None), "installed"
    for folder in ("recbole_showcase", "properties", "tests"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.py").write_text("a = 1\n")
    git(tmp_path, "init", "-q")
    assert looked() == (None, None), "before the first commit"
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    head = git(tmp_path, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "another"))
    assert looked() == (head, False)
    (tmp_path / "tests" / "a.py").write_text("a = 2\n")
    assert looked() == (head, False), "no code that runs"
    (tmp_path / "recbole_showcase" / "b.py").write_text("b = 1\n")
    assert looked() == (head, True), "a new file"
    monkeypatch.setenv("PATH", "")
    assert looked() == (None, None), "no git"
    commit.cache_clear()


def test_energy_where_codecarbon_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays off the network: nothing asks where this machine is."""
    asked: list[Any] = []

    class Tracker:
        final_emissions_data = SimpleNamespace(energy_consumed=0.25)

        def __init__(self, **given: Any) -> None:
            asked.append(given)

        def start(self) -> None:
            asked.append("start")

        def stop(self) -> None:
            asked.append("stop")

    package = ModuleType("codecarbon")
    package.OfflineEmissionsTracker = Tracker  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "codecarbon", package)
    with pytest.raises(ZeroDivisionError), Energy() as energy:
        assert energy.kwh is None
        _ = 1 / 0
    assert energy.kwh == 0.25 and asked[1:] == ["start", "stop"] and not asked[0]["save_to_file"]
    monkeypatch.setitem(sys.modules, "codecarbon", None)
    with Energy() as energy:
        pass
    assert energy.kwh is None


@pytest.mark.parametrize("fails", ["begin", "start", "stop"])
def test_where_codecarbon_fails_the_run_does_not(
    fails: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Tracker:
        """Without a figure at the end, as codecarbon's where something fails inside its stop."""

        def __init__(self, **_: Any) -> None:
            if fails == "begin":
                raise ValueError("a configuration\nthat is damaged")

        def start(self) -> None:
            if fails == "start":
                raise OSError("no sensor")

        def stop(self) -> None:
            assert fails == "stop"

    package = ModuleType("codecarbon")
    package.OfflineEmissionsTracker = Tracker  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "codecarbon", package)
    done = False
    with Energy() as energy:
        done = True
    assert done and energy.kwh is None
    (warned,) = caplog.messages
    assert "the energy of this run is not known, codecarbon failed: " in warned
    assert "\n" not in warned
