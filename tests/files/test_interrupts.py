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


_COMMAND = """
import sys, time
from importlib.abc import MetaPathFinder

slow = sys.argv.pop(1)

class Slow(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == slow:
            print("begun", flush=True)
            time.sleep(60)

sys.meta_path.insert(0, Slow())
from recbole_showcase.cli import main
main()
"""


@pytest.mark.parametrize(
    ("command", "loads", "kept"),
    [
        (("distill", "a"), "distillation", "a/a.review was left as it was"),
        (("gallery", "a.pth", "--out", "g.html"), "gallery", "g.html was left as it was"),
        (("explain", "a.pth", "--out", "o"), "offline", "no part was written yet"),
        (("embed", "a"), "encoders", "what is encoded is kept"),
        (("photos", "a"), "download", "what is fetched is kept"),
    ],
)
def test_a_command_that_has_only_begun(command: tuple[str, ...], loads: str, kept: str) -> None:
    """Loading what it needs takes seconds."""
    status, said = interrupted(_COMMAND, signal.SIGTERM, f"recbole_showcase.{loads}", *command)
    assert status == 130 and said.startswith(f"interrupted; {kept}") and said.count("\n") == 1


def test_before_the_command_line_is_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from recbole_showcase.cli import main

    def early() -> None:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as end:
        main(early)  # type: ignore[arg-type]
    assert (end.value.code, capsys.readouterr().err) == (130, "interrupted\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_in_the_middle_of_a_query(tmp_path: Path, number: int) -> None:
    path = tmp_path / "a"
    status, said = interrupted(_CONVERTS, number, str(path))
    assert (status, said) == (130, f"interrupted; {path} was left as it was\n")
    assert list(tmp_path.iterdir()) == []
