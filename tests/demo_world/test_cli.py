from __future__ import annotations

import inspect
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from demo_world import WorldSettings, WorldTruth
from recbole_showcase.atomic import read_atomic
from recbole_showcase.cli.world import world as world_command
from recbole_showcase.errors import DataError, SettingsError

app = typer.Typer()
app.command()(world_command)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_world_command_writes_a_world(tmp_path: Path) -> None:
    out = tmp_path / "town"
    printed = run(str(out), "--seed", "3", "--users", "8", "--items", "12")
    assert "8 users" in printed
    assert read_atomic(out / "town.inter")["user_id"].nunique() == 8
    image = read_atomic(out / "town.image")
    assert len(WorldTruth.load(out).label_of(image["image_id"])) == len(image)


def test_errors_are_ours(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("keep me")
    with pytest.raises(DataError):
        run(str(tmp_path), "--users", "8", "--items", "12")
    with pytest.raises(SettingsError, match="n_users is 0"):
        run(str(tmp_path / "town"), "--users", "0")


def test_defaults_are_those_of_the_settings() -> None:
    defaults = {name: p.default for name, p in inspect.signature(world_command).parameters.items()}
    settings = WorldSettings()
    assert defaults["users"] == settings.n_users
    assert defaults["items"] == settings.n_items
    assert defaults["reviews"] == settings.reviews_mean
    assert defaults["without_text"] == settings.share_without_text
    assert defaults["photo_size"] == settings.image_size
