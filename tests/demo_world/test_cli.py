from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from demo_world import WorldSettings, WorldTruth
from demo_world.__main__ import app, draw, train_clip
from demo_world.clip_training import ClipTraining
from recbole_showcase import cli
from recbole_showcase.atomic import read_atomic
from recbole_showcase.distillation import read_labels


def run(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_draw_writes_a_world(tmp_path: Path) -> None:
    out = tmp_path / "town"
    printed = run("draw", out, "--seed", 3, "--users", 8, "--items", 12)
    assert "8 users" in printed
    assert read_atomic(out / "town.inter")["user_id"].nunique() == 8
    image = read_atomic(out / "town.image")
    assert len(WorldTruth.load(out).label_of(image["image_id"])) == len(image)


def test_labels_are_written_for_distill(small_dir: Path, tmp_path: Path) -> None:
    out = tmp_path / "labels"
    told = run("labels", small_dir, "--out", out)
    assert re.fullmatch(rf"{out}: [\d,]+ pairs, \d+ of them described\n", told)
    assert set(read_labels(out)["label"]) == {0.0, 1.0}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["draw", "."], "holds something that is not a drawing of the world"),
        (["draw", "town", "--users", "0"], "n_users is 0"),
        (["labels", "town", "--out", "labels"], "town has no truth"),
        (["train-alignment", "--out", "a", "--seeds", "201", "--seeds", "1"], "seed 1 is for"),
    ],
)
def test_errors_are_one_line_and_status_2(
    words: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "note.txt").write_text("keep me")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["demo_world", *words])
    with pytest.raises(SystemExit) as end:
        cli.main(app)
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and message in line


def test_defaults_are_those_of_the_settings() -> None:
    def defaults(command: object) -> dict[str, object]:
        return {name: p.default for name, p in inspect.signature(command).parameters.items()}

    settings = WorldSettings()
    assert defaults(draw)["users"] == settings.n_users
    assert defaults(draw)["items"] == settings.n_items
    assert defaults(draw)["reviews"] == settings.reviews_mean
    assert defaults(draw)["without_text"] == settings.share_without_text
    assert defaults(draw)["generic_reviews"] == settings.share_generic_reviews
    assert defaults(draw)["generic_sentences"] == settings.share_generic_sentences
    assert defaults(draw)["photo_size"] == settings.image_size
    assert defaults(train_clip)["steps"] == ClipTraining().steps
