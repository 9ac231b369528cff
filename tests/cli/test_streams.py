"""Standard streams that are closed, full, or read by nobody: no traceback, and a status."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT

_SAYS = """
import sys
import typer
from recbole_showcase.cli import main
from recbole_showcase.errors import DataError

app = typer.Typer(pretty_exceptions_enable=False)

@app.command()
def command(lines: int, fails: bool = False):
    for _ in range(lines):
        print("x" * 99)  # reaches nobody before there is more of it
    if fails:
        raise DataError("it failed")
    with open("written", "w") as file:
        file.write("data")

main(app)
"""


def run(tmp_path: Path, redirection: str, *arguments: str) -> tuple[int, str]:
    """Status and errors of a command whose streams a shell has redirected."""
    (tmp_path / "says.py").write_text(_SAYS)
    command = f'"{sys.executable}" -W ignore says.py {" ".join(arguments)} {redirection}'
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("lines", ["1", "100000"])
def test_nobody_reads(tmp_path: Path, lines: str) -> None:
    """What is said is noticed to be lost at once, or when all is done."""
    assert run(tmp_path, "| sleep 0", lines) == (141, "")
    assert (tmp_path / "written").exists() == (lines == "1")


def test_an_error_is_said_though_nobody_reads_the_output(tmp_path: Path) -> None:
    assert run(tmp_path, "| sleep 0", "1", "--fails") == (2, "error: it failed\n")
    assert run(tmp_path, "2>&1 | sleep 0", "1", "--fails") == (2, "")


def test_a_full_disk_under_the_output(tmp_path: Path) -> None:
    status, said = run(tmp_path, ">/dev/full", "1")
    assert (status, said) == (
        2, "error: standard output cannot be written: No space left on device\n"
    )  # fmt: skip
    assert run(tmp_path, ">/dev/full", "100000") == (
        2, "error: [Errno 28] No space left on device\n"
    )  # fmt: skip


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_closed_streams_do_not_run_into_files(tmp_path: Path, closed: str) -> None:
    assert run(tmp_path, closed, "3") == (0, "")
    assert (tmp_path / "written").read_text() == "data"
    assert run(tmp_path, closed, "3", "--fails")[0] == 2
