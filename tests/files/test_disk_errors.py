"""A full or read-only disk ends a command in one line that says what is kept."""

from __future__ import annotations

import errno
import shutil
import sys
from pathlib import Path

import pytest
import typer

from recbole_showcase.cli import main
from recbole_showcase.cli.demo import copy_demo
from recbole_showcase.errors import DataError
from recbole_showcase.files.replace import replace_text


def _run(command: object, monkeypatch: pytest.MonkeyPatch) -> None:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(command)  # type: ignore[type-var]
    monkeypatch.setattr(sys, "argv", ["command"])
    with pytest.raises(SystemExit) as end:
        main(app)
    assert end.value.code == 2


def test_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def write() -> None:
        replace_text(path, "new")

    monkeypatch.setattr(Path, "write_text", full)
    _run(write, monkeypatch)
    said = f"error: [Errno 28] No space left on device: '{path}'; {path} was left as it was\n"
    assert capsys.readouterr().err == said
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise OSError(errno.EROFS, "Read-only file system", "there")

    def write() -> None:
        replace_text(tmp_path / "a.txt", "new")

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    _run(write, monkeypatch)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: [Errno 30] Read-only file system: 'there'; ")


def test_a_demo_that_has_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python tells of each of 1,700 photos that could not be copied."""

    def full(source: Path, target: Path, **_: object) -> None:
        why = [(f"{n}.jpg", f"to/{n}.jpg", "[Errno 28] No space left on device") for n in range(9)]
        raise shutil.Error(why)

    monkeypatch.setattr("shutil.copytree", full)
    with pytest.raises(DataError, match=r"^.*showcase-demo cannot be written: \[Errno 28\][^(]*$"):
        copy_demo(tmp_path)
    assert list(tmp_path.iterdir()) == []
