"""What figures hang on beside settings: the data's content, and energy where it is measured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from recbole_showcase.benchmark import surroundings
from recbole_showcase.benchmark.surroundings import Energy, data_digests, device
from recbole_showcase.encoders.store import digest_of_file
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


def test_digests_of_a_store_are_those_that_it_was_written_with(tmp_path: Path) -> None:
    world = TinyWorld.write(tmp_path, "own")
    (store,) = (world.folder / "own.features").iterdir()
    meta = json.loads((store / "meta.json").read_text())
    (store / "meta.json").write_text(json.dumps({**meta, "digests": {"image.npy": "sha256:a"}}))
    found = data_digests(world.folder, "own", store.name)
    assert found[f"own.features/{store.name}/image.npy"] == "sha256:a"
    assert found[f"own.features/{store.name}/image.ids"] == digest_of_file(store / "image.ids")


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
    assert device({}).endswith(" threads")


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


def test_the_commit_of_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "recbole_showcase" / "benchmark" / "surroundings.py"
    source.parent.mkdir(parents=True)
    source.write_text("a = 1\n")
    monkeypatch.setattr(surroundings, "__file__", str(source))
    assert surroundings.commit() == ""  # installed

    def git(*words: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        command = ["git", "-C", str(tmp_path), *who, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    assert surroundings.commit() == ""  # nothing is committed
    git("add", ".")
    git("commit", "-qm", "first")
    head = git("rev-parse", "HEAD")
    (tmp_path / "new.py").touch()
    assert surroundings.commit() == head and len(head) == 40
    source.write_text("a = 2\n")
    assert surroundings.commit() == f"{head}+"
