"""Showcases that several processes explain: the files of one process, whatever is killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from recbole_showcase.cli import app
from recbole_showcase.engines import Engine
from recbole_showcase.errors import DataError, LostWorker, SettingsError
from recbole_showcase.offline import OfflineOptions, write_showcases
from recbole_showcase.offline.answers import Answer, Answers
from recbole_showcase.offline.folder import ShowcaseFolder
from tests.integration.test_checkpoints import train
from tests.offline import own
from tests.offline.folders import content, file_of, manifest, rows_in
from tests.processes import finish_python
from tests.tiny import TinyWorld

TWO = Engine("processes", 2)
KILLED = """
import os, signal
from recbole_showcase.offline.folder import ShowcaseFolder
add = ShowcaseFolder.add
def add_and_die(self, *args):
    add(self, *args)
    if len(self.progress.parts) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
ShowcaseFolder.add = add_and_die
from recbole_showcase.cli import main
main()
"""


def test_a_killed_worker(
    tiny_world: TinyWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its run ends, and goes on to what one process writes, with a part of somebody else's."""
    config = tiny_world.config(tmp_path, epochs=1, showcase_selector=f"{own.__name__}:Last")
    checkpoint, _ = train("ShowcaseBPR", tiny_world.name, config)
    users = [f"u{n}" for n in range(-3, 40)] + ["nobody", "u3", "nobody"]
    asked = file_of(tmp_path, "parquet", {"user": users})
    options = OfflineOptions(top_k=3, batch=4, part_rows=20)
    given: dict[str, Any] = {"options": options, "imports": [own.__name__], "progress": False}
    write_showcases(checkpoint, tmp_path / "one", asked, **given)
    add = ShowcaseFolder.add

    def add_and_kill(*args: Any) -> None:
        add(*args)
        for process in multiprocessing.active_children():
            os.kill(process.pid or 0, signal.SIGKILL)

    with monkeypatch.context() as patch:
        patch.setattr(ShowcaseFolder, "add", add_and_kill)
        with pytest.raises(LostWorker, match=r"one of 2 processes .* was ended by SIGKILL"):
            write_showcases(checkpoint, tmp_path / "two", asked, engine=TWO, **given)
    assert not multiprocessing.active_children()
    assert 0 < manifest(tmp_path / "two")["rows"] < 120
    account = write_showcases(checkpoint, tmp_path / "two", asked, engine=TWO, **given)
    assert account.began_with and content(tmp_path / "two") == content(tmp_path / "one")
    assert account.progress.unknown["user"].count == 5
    assert account.progress.unknown["user"].first == ["u-3", "u-2", "u-1", "nobody"]


def test_kill_minus_nine_and_another_number_of_processes(checkpoint: Path, tmp_path: Path) -> None:
    out, one = tmp_path / "out", tmp_path / "one"
    options = OfflineOptions(top_k=3, form="jsonl", batch=3, part_rows=20)
    given = ["explain", str(checkpoint), "--out", str(out), "--top", "3", "--format", "jsonl"]
    given += ["--batch", "3", "--part-rows", "20", "--processes", "2"]
    stopped = finish_python("-W", "ignore", "-c", KILLED, *given, cwd=tmp_path)
    assert stopped.returncode == -signal.SIGKILL and not stopped.stderr, stopped.stderr
    assert len(manifest(out)["parts"]) == 2
    write_showcases(checkpoint, out, options=options, progress=False)
    write_showcases(checkpoint, one, options=options, progress=False)
    assert content(out) == content(one) and len(rows_in(out)) == 120


def test_another_model_or_other_data_among_those_who_share_the_work(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = Answers.of

    def of_another(self: Answers, batch: dict[str, list[str]]) -> Answer:
        answer = of(self, batch)
        other = {**answer.by, "data_fingerprint": "tiny sha256:0"}
        return replace(answer, by=other) if "u7" in batch["user"] else answer

    monkeypatch.setattr(Answers, "of", of_another)
    options = OfflineOptions(top_k=1, batch=2, part_rows=2)
    with pytest.raises(DataError, match=r"data_fingerprint.* now given 'tiny sha256:0'") as error:
        write_showcases(checkpoint, tmp_path / "out", options=options, progress=False)
    assert "share the work" in error.value.__notes__[0]
    users = {row["user"] for row in rows_in(tmp_path / "out")}
    assert users and not users & {"u7"}


def test_options_that_do_not_go_together(checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for command in (["explain", str(checkpoint), "--out", str(out)], ["embed", str(tmp_path)]):
        error = CliRunner().invoke(app, [*command, "--ray-address", "auto"]).exception
        assert isinstance(error, SettingsError) and "the engine is not 'ray'" in str(error)
    assert not out.exists()
