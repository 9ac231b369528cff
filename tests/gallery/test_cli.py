from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from recbole_showcase.cli.gallery import gallery
from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.evaluation.results import Basis
from recbole_showcase.showcase import UserShowcase


class Recommender:
    """Stands in for the one behind a checkpoint and remembers what it was asked."""

    model_name, dataset_name, test_result = "ShowcaseBPR", "demo", {"recall@10": 0.5}
    test_basis = Basis(rows=298, explained=46, texts_unused=0)
    data_folder = Path("DATA/NAME")

    def user_showcases(self, users, top_k, n_users, unknown):
        assert unknown == "skip"
        self.asked = (users, top_k, n_users)
        users = users or ["sampled"]
        return [None if user == "nobody" else UserShowcase(user, (), (), ()) for user in users]


@pytest.fixture
def recommender(monkeypatch):
    recommender = Recommender()

    def load_explainer(checkpoint, device, photo_folder, data_path, allow_paths):
        recommender.loaded = (str(checkpoint), device, photo_folder)
        return recommender

    monkeypatch.setattr("recbole_showcase.recommender.load_explainer", load_explainer)
    return recommender


def run(*arguments):
    app = typer.Typer()
    app.command()(gallery)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_page_is_written_and_named(recommender, tmp_path):
    out = tmp_path / "g.html"
    result = run("model.pth", "--out", out)
    assert result.exit_code == 0, result.output
    assert f"{out}: 1 user(s)" in result.output.replace("\n", "")
    assert "data: DATA/NAME, where the checkpoint says\n" in result.output
    assert recommender.loaded == ("model.pth", None, None)
    assert recommender.asked == (None, 5, 8)
    html = out.read_text()
    assert "298 rows" in html and "46 of them" in html
    assert "ShowcaseBPR on demo" in html and "0.5000" in html and "sampled" in html


def test_unknown_users_are_left_out_unless_all_are(recommender, tmp_path):
    result = run("model.pth", "--out", tmp_path / "g.html", "--users", "nobody", "a")
    assert result.exit_code == 0 and "1 user(s)" in result.output.replace("\n", "")
    result = run("model.pth", "--out", tmp_path / "h.html", "--users", "nobody")
    assert result.exit_code == 1 and not (tmp_path / "h.html").exists()
    assert "none of the users" in str(result.exception)


@pytest.mark.parametrize(
    "users",
    [
        ["--users", "a", "b", "c"],
        ["--users", "a", "--users", "b", "--users", "c"],
        ["--users", "a", "b", "--users", "c", "a"],
    ],
)
def test_users_as_several_values_and_repeated(recommender, tmp_path, users):
    result = run("model.pth", "--out", tmp_path / "g.html", *users, "--top", "3")
    assert result.exit_code == 0, result.output
    named, top, _ = recommender.asked
    assert sorted(named) == ["a", "b", "c"] and top == 3


def test_loose_words_without_users_are_refused(recommender, tmp_path):
    result = run("model.pth", "stray", "--out", tmp_path / "g.html")
    assert isinstance(result.exception, SettingsError)
    assert "'stray'" in str(result.exception)


def test_a_missing_folder_stops_before_the_checkpoint_is_loaded(recommender, tmp_path):
    result = run("model.pth", "--out", tmp_path / "nowhere" / "g.html")
    assert isinstance(result.exception, DataError)
    assert not hasattr(recommender, "loaded")
