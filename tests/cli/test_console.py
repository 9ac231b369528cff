"""What is said beside a result: on a terminal, in a log, quietly and in full."""

from __future__ import annotations

import io
import logging
import re
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import pytest
from typer.testing import CliRunner

from recbole_showcase import cli, console
from recbole_showcase.cli import app
from recbole_showcase.console import Loudness, progress_bar, set_loudness, working
from recbole_showcase.encoders import embed_dataset
from recbole_showcase.errors import DataError
from tests.encoders.conftest import Photographed, make_dataset, micro  # noqa: F401

PACKAGE = Path(cli.__file__).parents[1]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def stderr(to: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Put something in the place of standard error, which pytest sets anew before each test."""
    monkeypatch.setattr(sys, "stderr", to)
    return to


def test_a_terminal_has_a_bar_that_redraws_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = stderr(Terminal(), monkeypatch)
    assert list(progress_bar(range(3), desc="work")) == [0, 1, 2]
    assert "\rwork: 100%|" in terminal.getvalue() and console.has_bars()


def test_a_log_has_nothing_of_what_is_done_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = stderr(io.StringIO(), monkeypatch)
    assert list(progress_bar(range(3), desc="work")) == [0, 1, 2]
    assert log.getvalue() == "" and not console.has_bars()


@pytest.mark.parametrize(
    ("kind", "seconds"), [(Terminal, "_SECONDS"), (io.StringIO, "LOG_SECONDS")]
)
def test_work_without_steps_is_named_once_it_takes_long(
    monkeypatch: pytest.MonkeyPatch, kind: type[io.StringIO], seconds: str
) -> None:
    said = stderr(kind(), monkeypatch)
    with working("short work"):
        pass
    monkeypatch.setattr(console, seconds, 0.01)
    with working("hidden work", shown=False):
        time.sleep(0.1)
    with pytest.raises(ZeroDivisionError), working("long work"):
        time.sleep(0.1)
        raise ZeroDivisionError
    assert "long work 00:00" in said.getvalue()
    assert "short" not in said.getvalue() and "hidden" not in said.getvalue()


def test_a_log_has_a_plain_line_from_time_to_time(monkeypatch: pytest.MonkeyPatch) -> None:
    log = stderr(io.StringIO(), monkeypatch)
    monkeypatch.setattr(console, "LOG_SECONDS", 1e-9)
    with progress_bar(total=4, desc="work", unit="piece") as bar:
        for _ in range(4):
            bar.update()
    assert "\r" not in log.getvalue() and "█" not in log.getvalue()
    lines = log.getvalue().splitlines()
    assert len(lines) > 2 and all(re.match(r"work: +\d+% \d/4 \[", line) for line in lines)
    assert lines[-1].startswith("work: 100% 4/4 [")


@pytest.mark.parametrize(("loudness", "shown"), [(Loudness.QUIET, True), (Loudness.NORMAL, False)])
def test_no_bar_where_none_is_wanted(
    monkeypatch: pytest.MonkeyPatch,
    loudness: Loudness,
    shown: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    terminal = stderr(Terminal(), monkeypatch)
    set_loudness(loudness)
    assert list(progress_bar(range(3), shown=shown)) == [0, 1, 2]
    console.say("a step")
    assert terminal.getvalue() == ""
    assert capsys.readouterr().out == ("" if loudness is Loudness.QUIET else "a step\n")
    assert console.has_bars() is (loudness is Loudness.NORMAL)


def test_bars_are_made_in_one_place() -> None:
    found = [path for path in PACKAGE.rglob("*.py") if "import tqdm" in path.read_text()]
    assert found == [PACKAGE / "console.py"]


def test_quiet_is_the_result_alone(
    monkeypatch: pytest.MonkeyPatch,
    make_dataset: Callable[..., Photographed],  # noqa: F811
    micro: str,  # noqa: F811
) -> None:
    terminal = stderr(Terminal(), monkeypatch)
    given = ["embed", str(make_dataset(photos=2, reviews=2).folder), "--encoder", micro]
    embed_dataset(given[1], micro)
    assert "encoding images" in terminal.getvalue()
    terminal.truncate(0)
    result = CliRunner().invoke(app, ["-q", *given], catch_exceptions=False)
    assert "images: 0 encoded, 2 reused" in result.stdout and "\r" not in result.output
    assert CliRunner().invoke(app, given) and not console.is_quiet()  # it is of one command line


def test_quiet_keeps_the_log_of_training_to_its_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = stderr(io.StringIO(), monkeypatch)
    from recbole.utils.logger import init_logger

    class Settings(dict[str, Any]):
        final_config_dict: ClassVar[dict[str, int]] = {"a": 1}

    monkeypatch.chdir(tmp_path)
    for loudness, on_console in ((Loudness.QUIET, False), (Loudness.NORMAL, True)):
        set_loudness(loudness)
        monkeypatch.setattr(logging.root, "handlers", [])
        monkeypatch.setattr(logging.root, "level", logging.INFO)
        init_logger(Settings(model=f"M{on_console}", dataset="d", state="info"))
        logging.getLogger().info("epoch 0")
        logging.getLogger().warning("look here")
        for handler in logging.root.handlers:
            handler.close()
        assert ("epoch 0" in log.getvalue()) is on_console and "look here" in log.getvalue()
        (file,) = tmp_path.glob(f"log/M{on_console}/*.log")
        assert "epoch 0" in file.read_text() and "look here" in file.read_text()


@pytest.mark.parametrize(
    ("loudness", "bars", "state"),
    [(Loudness.NORMAL, True, "info"), (Loudness.QUIET, False, "info"),
     (Loudness.VERBOSE, True, "debug")],
)  # fmt: skip
def test_the_demo_trains_as_loud_as_it_is_told(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    loudness: Loudness,
    bars: bool,
    state: str,
) -> None:
    stderr(Terminal(), monkeypatch)
    asked: dict[str, Any] = {}

    def run_recbole(config_dict: dict[str, Any], **_: Any) -> dict[str, Any]:
        asked.update(config_dict)
        Path(config_dict["checkpoint_dir"]).mkdir()
        (Path(config_dict["checkpoint_dir"]) / "a.pth").touch()
        return {"test_result": {}}

    monkeypatch.setattr("recbole.quick_start.run_recbole", run_recbole)
    set_loudness(loudness)
    import_module("recbole_showcase.cli.demo")._train(tmp_path, "ShowcaseBPR", 1)
    assert (asked["show_progress"], asked["state"]) == (bars, state)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    (tmp_path / "saved" / "a.pth").unlink()
    (tmp_path / "saved").rmdir()
    import_module("recbole_showcase.cli.demo")._train(tmp_path, "ShowcaseBPR", 1)
    assert asked["show_progress"] is False


def test_verbose_shows_where_an_error_came_from(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    given = ["check", str(tmp_path / "none")]
    for flags, traced in (([], False), (["-v"], True), (["--verbose"], True), (["-q"], False)):
        monkeypatch.setattr(sys, "argv", ["x", *flags, *given])
        with pytest.raises(SystemExit) as end:
            cli.main()
        said = capsys.readouterr().err.splitlines()
        assert end.value.code == 2
        assert said[-1] == f"error: there is no data set {tmp_path / 'none'}"
        assert (said[0] == "Traceback (most recent call last):") is traced
        assert traced or len(said) == 1


def test_a_traceback_holds_nothing_that_a_terminal_obeys(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def commands() -> None:
        raise DataError("bad \x1b[2J name")

    set_loudness(Loudness.VERBOSE)
    with pytest.raises(SystemExit):
        cli.main(commands)  # type: ignore[arg-type]
    assert "\x1b" not in capsys.readouterr().err


def test_quiet_and_verbose_are_not_given_together() -> None:
    error = CliRunner().invoke(app, ["-q", "-v", "check", "x"]).exception
    assert "--quiet and --verbose are opposites" in str(error)
