"""Ctrl-C and SIGTERM end a command in one line that says what is kept, and leave nothing half."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.interrupts import interrupted

_WRITES = """
import sys, time
from importlib import import_module
from pathlib import Path
import typer
from recbole_showcase.cli import main
from recbole_showcase.files import replace

def write():
    if sys.argv[3]:
        import_module(sys.argv[3])
    with getattr(replace, sys.argv[1])(Path(sys.argv[2])) as partial:
        (partial / "half" if partial.is_dir() else partial).write_text("half")
        print("begun", flush=True)
        time.sleep(60)

app = typer.Typer(pretty_exceptions_enable=False)

@app.command()
def command(way: str, path: str, imports: str):
    write()

main(app)
"""
_CONVERTS = """
import sys
from pathlib import Path
import typer
from recbole_showcase.atomic import GoogleLocalOptions
from recbole_showcase.atomic.conversion import conversion
from recbole_showcase.cli import main

app = typer.Typer(pretty_exceptions_enable=False)

@app.command()
def command(path: str):
    with conversion(Path(path), GoogleLocalOptions()) as run:
        print("begun", flush=True)
        run.connection.execute(
            "SELECT count(*) FROM range(10000000) a, range(100000) b WHERE a.range % 7 > b.range"
        )

main(app)
"""


@pytest.mark.parametrize(
    ("number", "imports"),
    # RecBole imports ray, which handles SIGTERM in a way of its own.
    [(signal.SIGINT, ""), (signal.SIGTERM, ""), (signal.SIGTERM, "recbole.quick_start")],
)
@pytest.mark.parametrize("way", ["replaced", "replaced_folder"])
def test_what_was_there_stays(tmp_path: Path, way: str, number: int, imports: str) -> None:
    path = tmp_path / "a"
    status, said = interrupted(_WRITES, number, way, str(path), imports)
    assert (status, said) == (130, f"interrupted; {path} was left as it was\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_in_the_middle_of_a_query(tmp_path: Path, number: int) -> None:
    path = tmp_path / "a"
    status, said = interrupted(_CONVERTS, number, str(path))
    assert (status, said) == (130, f"interrupted; {path} was left as it was\n")
    assert list(tmp_path.iterdir()) == []
