"""What takes long before the first step has a name."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

import recbole_showcase  # noqa: F401 - registers when RecBole is imported
from recbole_showcase.console import working
from recbole_showcase.integration import stages
from tests.integration.test_training import prepare
from tests.tiny import TinyWorld


def test_only_what_takes_long_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stages, "_SECONDS", 0.02)
    with stages.stage({"show_progress": True}, "short"):
        pass
    with stages.stage({"show_progress": False}, "hidden"):
        time.sleep(0.1)
    with (
        pytest.raises(ZeroDivisionError),
        stages.stage({"show_progress": True}, "long"),
    ):
        time.sleep(0.1)
        raise ZeroDivisionError
    shown = capsys.readouterr().err
    assert "Prepare   long 00:00" in shown
    assert "short" not in shown and "hidden" not in shown


def test_a_run_names_what_it_prepares(
    tiny_world: TinyWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = []

    def noting(name: str, **how: Any) -> Any:
        named.append(name.removeprefix("Prepare   "))
        return working(name, **how)

    monkeypatch.setattr(stages, "working", noting)
    trainer, _ = prepare("ShowcaseBPR", tiny_world, tmp_path, show_progress=True)
    trainer.require_needs()
    assert named == [
        "interactions", "splits", "reviews", "photos", "tokenizer", "items of users",
        "items to rank", "items to rank", "explanation head", "entities of the texts",
    ]  # fmt: skip
