"""Processes: how they end, and that an interrupt ends them without a trace."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from recbole_showcase.benchmark import launch
from recbole_showcase.benchmark.launch import STOPPED, ProcessLauncher


def python_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    """Put a shell script in the place of Python; returns the folder of a task."""
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    monkeypatch.setattr(launch.sys, "executable", str(python))
    (tmp_path / "task").mkdir()
    return tmp_path / "task"


def test_what_a_process_prints_and_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = python_that(tmp_path, monkeypatch, 'echo "$@" $OMP_NUM_THREADS; echo oops >&2')
    assert ProcessLauncher(3)("run", place) == ""
    said = (place / "log.txt").read_text().splitlines()
    assert said == [f"-m recbole_showcase.benchmark.worker run {place} 3", "oops"]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 3", "its process ended with status 3"),
        ("kill -9 $$", "its process was ended by SIGKILL, which is how a system short of memory"),
    ],
)
def test_how_a_process_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    place = python_that(tmp_path, monkeypatch, script)
    assert ProcessLauncher(1)("run", place).startswith(said)


def test_stopping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = python_that(tmp_path, monkeypatch, "touch started; exec sleep 60")
    monkeypatch.chdir(tmp_path)
    launcher, ended = ProcessLauncher(1), []
    thread = threading.Thread(target=lambda: ended.append(launcher("run", place)))
    thread.start()
    for _ in range(500):
        if (tmp_path / "started").exists():
            break
        time.sleep(0.02)
    launcher.stop()
    thread.join(timeout=20)
    assert ended == [STOPPED]
    assert launcher("run", place) == STOPPED, "and nothing more is started"
