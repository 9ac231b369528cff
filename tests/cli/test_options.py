"""The command line as people expect it: versions, help, near misses, statuses."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from recbole_showcase import __version__, cli
from recbole_showcase.cli import app

GROUP = typer.main.get_command(app)
WIDE = {"COLUMNS": "300", "TERM": "dumb"}


def commands(group: Any = GROUP, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple, Any]]:
    yield above, group
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*above, name))


COMMANDS = dict(commands())


def run(*words: str) -> Any:
    return CliRunner().invoke(app, words, env=WIDE, terminal_width=300)


def python(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore", *words], capture_output=True, text=True, timeout=60
    )


def test_versions() -> None:
    own, others = run("--version").stdout.splitlines()
    assert own == f"recbole_showcase {__version__}"
    packages = ("recbole", "torch", "transformers", "open_clip_torch")
    assert others == ", ".join(f"{name} {metadata.version(name)}" for name in packages)


def test_versions_of_what_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", version)
    assert "torch is not installed" in run("--version").stdout


def test_as_a_module_and_without_what_takes_long_to_import() -> None:
    """Seconds hang on the machine, so packages are counted: none but these, and typer's own."""
    code = """if True:
        import runpy, sys
        before = set(sys.modules)
        sys.argv = ["x", *sys.argv[1:]]
        try:
            if sys.argv[1:] == ["import"]:
                import recbole_showcase
            else:
                runpy.run_module("recbole_showcase", run_name="__main__")
        finally:
            names = {name.partition(".")[0] for name in set(sys.modules) - before}
            print(*sorted(names - sys.stdlib_module_names - {"__mp_main__"}))
    """
    own = {"recbole_showcase", "wrapt"}
    of_typer = {"typer", "click", "shellingham", "annotated_doc", "typing_extensions", "colorama"}
    for word, said, allowed in (
        ("--version", "torch ", {*own, *of_typer, "filelock"}),
        ("-h", "Usage: ", {*own, *of_typer, "filelock"}),
        ("import", "", own),
    ):
        ended = python("-c", code, word)
        assert ended.returncode == 0 and said in ended.stdout
        loaded = set(ended.stdout.splitlines()[-1].split())
        assert own <= loaded <= allowed, f"{word}: {loaded - allowed}"


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_in_both_ways(words: tuple[str, ...]) -> None:
    short, long = run(*words, "-h"), run(*words, "--help")
    assert short.exit_code == long.exit_code == 0
    assert short.output == long.output and "Usage: " in short.output
    assert "[default:" not in short.output or "default: ]" not in short.output


@pytest.fixture
def patience() -> Iterator[None]:
    """What does not end fails."""

    def out_of(*_: object) -> None:
        raise AssertionError("it does not end")

    before = {number: signal.getsignal(number) for number in (signal.SIGALRM, signal.SIGTERM)}
    signal.signal(signal.SIGALRM, out_of)
    signal.alarm(120)  # what does end takes tenths of a second, on a busy machine a little more
    yield
    signal.alarm(0)
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize("words", [w for w, c in COMMANDS.items() if hasattr(c, "commands")])
def test_a_group_of_commands_alone_shows_its_help_and_ends(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["recbole-showcase", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    assert ended.value.code == 2
    assert "Usage: " in said.out + said.err and "error: " not in said.err


@pytest.mark.usefixtures("patience")
def test_errors_that_cause_each_other_end_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def commands() -> None:
        first, second = ValueError("a"), ValueError("b")
        first.__cause__, second.__cause__ = second, first
        raise SystemExit(3) from first

    with pytest.raises(SystemExit) as ended:
        cli.main(commands)  # type: ignore[arg-type]
    assert ended.value.code == 3 and capsys.readouterr().err == ""


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_options_have_the_usual_forms(words: tuple[str, ...]) -> None:
    on_their_own = {"help", "version", "quiet", "verbose", "install_completion", "show_completion"}
    on_their_own.add("sentences")  # those that are there are kept, whatever is said
    for param in COMMANDS[words].params:
        if getattr(param, "is_flag", False) and param.name not in on_their_own:
            (on,), (off,) = param.opts, param.secondary_opts
            assert off == on.replace("--", "--no-", 1), param.name
    shown = run(*words, "-h").output
    counts = re.findall(r"--([\w-]+) .*<int> ", shown)
    assert counts == [], "without a range"


def test_defaults_that_are_told_in_words_are_shown() -> None:
    assert "default: (one per core)" in run("convert", "gest", "-h").output
    assert "default: (benchmark-NAME)" in run("benchmark", "-h").output


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("convrt", "'convert'"),
        ("convert gset", "'gest'"),
        ("benchmark --onyl x s.yaml", "--only"),
        ("convert gest --no-histroy", "--no-history"),
        ("--verson", "--version"),
        ("explain x --out o --format csv", "'parquet', 'jsonl'"),
        ("convert gest --file x --out o --split some", "'official', 'pooled'"),
        ("distill x --form some", "'interaction', 'concatenation'"),
        ("demo --users 0", "greater than or equal to 1"),
    ],
)
def test_a_slip_is_answered_by_what_is_near_or_allowed(line: str, said: str) -> None:
    result = run(*line.split())
    assert result.exit_code == 2 and said in result.output


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("explain x --out o --top 0", "'--top'.*; help: root explain --help"),
        ("explain x", "'--out'.*; help: root explain --help"),
        ("explain x --out", "'--out'.*; help: root explain --help"),
        ("check a b", "unexpected extra argument.*; help: root check --help"),
        ("convrt", "'convrt'. Did you mean 'convert'.; help: root --help"),
        ("convert gest --nope", "--nope; help: root convert gest --help"),
        ("explain x -q --out o", "'-q' stands before the command: root -q explain; help"),
        ("judge texts x --verbose", "'--verbose' stands before the command: root --verbose judge"),
        ("photos x --import a", "'--import' stands before the command"),
        ("check ~", "behind 'check'"),
        ("explain ~ --out o", "behind 'explain'"),
        ("judge pairs x --out ~", "behind '--out'"),
        ("convert gest --file=", "value of '--file'"),
    ],
)
def test_a_slip_is_one_line_with_the_way_to_help(line: str, said: str) -> None:
    result = run(*("" if word == "~" else word for word in line.split()))
    (told,) = result.stderr.splitlines()
    assert result.exit_code == 2 and told.startswith("error: ") and re.search(said, told)


def test_completion_is_of_the_script_and_not_of_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell is named where typer would look for the one that it runs in."""
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")

    def shown(prog_name: str, option: str) -> Any:
        return CliRunner().invoke(app, [option, "bash"], prog_name=prog_name)

    script = shown("recbole-showcase", "--show-completion")
    assert script.stdout.splitlines()[-1].endswith(" recbole-showcase") and not script.exit_code
    for option in ("--show-completion", "--install-completion"):
        refused = shown("python -m recbole_showcase", option)
        assert refused.exit_code == 2 and not refused.stdout
        assert f"recbole-showcase {option} does it" in refused.stderr


def test_a_shell_can_complete() -> None:
    result = CliRunner().invoke(
        app,
        prog_name="x",
        env={"_X_COMPLETE": "complete_bash", "COMP_WORDS": "x con", "COMP_CWORD": "1"},
    )
    assert result.output.split() == ["convert"]
    assert {"--install-completion", "--show-completion"} <= set(run("-h").output.split())


@pytest.mark.parametrize(
    ("command", "file", "before", "after"),
    [
        ("explain", "out/part-00000.parquet", "no part was written yet", "the parts that"),
        ("judge", "out.answers.jsonl", "nothing was answered yet", "the answers so far"),
    ],
)
def test_an_interruption_names_what_was_kept(
    tmp_path: Path, command: str, file: str, before: str, after: str
) -> None:
    kept = import_module(f"recbole_showcase.cli.{command}")._kept
    out = tmp_path / ("out" if command == "explain" else "out.json")
    assert kept(out) == before
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("x")
    assert kept(out).startswith(after)
