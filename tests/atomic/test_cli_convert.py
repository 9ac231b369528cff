"""The commands as they are typed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from recbole_showcase.atomic import read_atomic
from recbole_showcase.cli import main
from recbole_showcase.cli.convert import app
from recbole_showcase.errors import DataError
from tests.atomic.raw import business, lines, review


def _files(tmp_path: Path) -> list[str]:
    for n in range(3):
        lines(tmp_path / f"review-{n}.json.gz", [review(f"u{n}", "i"), review(f"u{n}", "j")])
    lines(tmp_path / "meta-0.json.gz", [business("i")])
    lines(tmp_path / "meta-1.json.gz", [business("j", category=["Park"])])
    (tmp_path / "images").mkdir()
    return [str(tmp_path / f"review-{n}.json.gz") for n in range(3)]


@pytest.mark.parametrize("way", ["several", "repeated", "pattern", "equals"])
def test_files_may_be_named_in_every_usual_way(tmp_path: Path, way: str) -> None:
    files = _files(tmp_path)
    reviews = {
        "several": ["--reviews", *files],
        "repeated": ["--reviews", files[0], "--reviews", files[1], "--reviews", files[2]],
        "pattern": ["--reviews", str(tmp_path / "review-*.json.gz")],
        "equals": [f"--reviews={files[0]}", "--reviews", *files[1:]],
    }[way]
    meta = ["--meta", str(tmp_path / "meta-0.json.gz"), str(tmp_path / "meta-1.json.gz")]
    photos = ["--photos", str(tmp_path / "images")]
    out = tmp_path / "data" / "d"
    result = CliRunner().invoke(
        app, ["google-local", *reviews, *meta, *photos, "--out", str(out), "--k-core", "2"]
    )
    assert result.exit_code == 0, result.output
    assert len(read_atomic(out / "d.inter")) == 6
    assert set(read_atomic(out / "d.item").category) == {"Restaurant", "Park"}
    assert re.search(r"rows read\W+6\b", result.output)
    assert re.search(r"rows kept\W+6\b", result.output)


def test_options_reach_the_converter(tmp_path: Path) -> None:
    files = _files(tmp_path)
    lines(tmp_path / "review-0.json.gz", [review("u", "i", text=None), "{broken", review("u", "j")])
    meta = ["--meta", str(tmp_path / "meta-?.json.gz")]
    result = CliRunner().invoke(
        app,
        ["google-local", "--reviews", files[0], *meta, "--out", str(tmp_path / "d"),
         "--category", "park", "--state", "VT", "--with-text", "--since", "2000-01-01",
         "--every-review", "--as-written", "--require-meta", "--limit", "10", "--threads", "1",
         "--memory-limit", "300MB"],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert read_atomic(tmp_path / "d" / "d.inter").item_id.tolist() == ["j"]
    assert f"{files[0]}:2: " in result.output
    assert "downloaded by" not in result.output


def test_what_is_to_be_downloaded_is_said(tmp_path: Path) -> None:
    file = lines(tmp_path / "r.json", [review("u", "i", photos=["A"])])
    words = ["google-local", "--reviews", str(file), "--out", str(tmp_path / "d")]
    said = CliRunner().invoke(app, words).output
    assert f"downloaded by: recbole-showcase photos {tmp_path / 'd'}\n" in said


def test_errors_come_through(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app, ["gest", "--file", str(tmp_path / "none.json"), "--out", str(tmp_path / "d")]
    )
    assert isinstance(result.exception, DataError)
    assert "none.json" in str(result.exception)


def test_gest(tmp_path: Path) -> None:
    row = {"user_id": "1", "business_id": "a", "rating": 5, "review_text": "x", "pics": ["p"]}
    file = lines(tmp_path / "image_review_all.json", [row])
    result = CliRunner().invoke(
        app, ["gest", "--file", str(file), "--out", str(tmp_path / "d"), "--split", "pooled"]
    )
    assert result.exit_code == 0, result.output
    assert read_atomic(tmp_path / "d" / "d.image").path.tolist() == ["p.jpg"]


def test_errors_hold_nothing_that_a_terminal_obeys(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def commands() -> None:
        raise DataError("bad \x1b[2J\x07 name\nand \u202emore")

    with pytest.raises(SystemExit):
        main(commands)  # type: ignore[arg-type]
    assert capsys.readouterr().err == "error: bad  [2J  name\nand  more\n"
