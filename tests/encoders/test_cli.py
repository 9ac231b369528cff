from __future__ import annotations

from collections.abc import Callable

import pytest
import typer
from typer.testing import CliRunner

from recbole_showcase.cli import app as everything
from recbole_showcase.cli.embed import embed
from tests.encoders.conftest import Photographed
from tests.encoders.test_embed import spoil

app = typer.Typer()
app.command()(embed)


def test_report_names_what_was_skipped(
    make_dataset: Callable[..., Photographed], micro: str
) -> None:
    data = make_dataset(photos=20)
    spoil(data)
    for n in range(5, 14):
        (data.folder / "photos" / data.photos[f"p{n}"]).unlink()
    command = [str(data.folder), "--encoder", micro, "--batch-size", "3"]
    result = CliRunner().invoke(app, [*command], catch_exceptions=False)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "images: 8 encoded, 0 reused, 12 skipped"
    assert lines[1] == "  skipped p1: missing"
    assert sum("skipped p" in line for line in lines) == 10
    assert lines[11] == "  … and 2 more, all in meta.json"
    assert lines[12] == "reviews: 4 encoded, 0 reused, 1 without text"
    assert lines[13].startswith(f"features in {data.store()} (")
    again = CliRunner().invoke(app, command, catch_exceptions=False).stdout
    assert again.startswith("note: the store is complete already: nothing was encoded\n")
    assert "images: 0 encoded, 8 reused, 12 skipped" in again


@pytest.mark.parametrize("command", ["embed", "distill"])
def test_the_help_says_what_the_shipped_encoder_knows(command: str) -> None:
    told = CliRunner().invoke(everything, [command, "--help"], terminal_width=300).output
    assert told.count("painted dishes of the demo only") == (2 if command == "distill" else 1)


def test_the_shipped_encoder_says_what_it_knows(make_dataset: Callable[..., Photographed]) -> None:
    data = make_dataset(photos=1, reviews=1)
    result = CliRunner().invoke(app, [str(data.folder)], catch_exceptions=False)
    assert "note: showcase-tiny knows the painted dishes of the demo only" in result.stdout
