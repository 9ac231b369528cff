"""Commands that pages, examples and programs name: each is there, and has its options."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from demo_world.__main__ import app as world
from recbole_showcase.cli import app
from tests.test_docs import MARKDOWN, ROOT, markdown_of

PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "Makefile", *MARKDOWN]
TOLD = sorted(
    path for room in ("examples", "benchmarks", "properties") for path in (ROOT / room).rglob("*")
    if path.suffix in (".py", ".yaml")
)  # fmt: skip
# In a block a command is whole; in a line of prose, between backticks, it may be its name alone.
OURS = (
    r"(?:recbole-showcase"
    r"|python(?: -W ignore)? (?:-m (?:recbole_showcase|benchmarks|demo_world|docs_site)|examples/))"
)
BLOCK = re.compile(rf"^(?:    |\t|#\s+)(?:[A-Z_]+=\S+ |nice |\$\(BIN\)/)*({OURS}.*)$", re.MULTILINE)
PROSE = re.compile(rf"`(?:[A-Z_]+=\S+ )*({OURS}[^`]*)`")


def told(path: Path) -> Iterator[tuple[str, bool]]:
    """Commands, and whether each is whole."""
    text = re.sub(r"\\\n[\s#]*", " ", markdown_of(path))
    for found in BLOCK.finditer(text):
        yield re.split(r"\s#\s|\s+\(", found[1])[0], True
    for found in PROSE.finditer(text):
        yield " ".join(found[1].split()), False


@cache
def options_of(program: Path) -> frozenset[str]:
    """What a program adds to its parser, read from its source."""
    tree = ast.parse(program.read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    added = [call for call in calls if getattr(call.func, "attr", "") == "add_argument"]
    return frozenset(str(call.args[0].value) for call in added) | {"--help"}  # type: ignore[attr-defined]


@cache
def group(is_world: bool) -> Any:
    """The commands of ``python -m demo_world``, or of ``recbole-showcase``."""
    return typer.main.get_command(world if is_world else app)


def program_of(words: list[str]) -> Path:
    """The file of ``python -m MODULE`` or ``python FILE``."""
    if "-m" not in words:
        return ROOT / words[1]
    module = ROOT / words[words.index("-m") + 1].replace(".", "/")
    return module / "__main__.py" if module.is_dir() else module.with_suffix(".py")


def unknown(command: str, whole: bool) -> list[str]:
    """What of a command is not there."""
    plain = re.sub(r"\$\((\w+)\)", r"\1", re.sub(r"[…\[\]]", "", command))
    words = shlex.split(plain.replace("$seed", "1"))
    is_world = "demo_world" in words[1:3]
    if words[0] == "recbole-showcase" or "recbole_showcase" in words[1:3] or is_world:
        rest = words[1:] if words[0] == "recbole-showcase" else words[3:]
        return of_group(group(is_world), rest, whole)
    program = program_of(words)
    if not program.is_file():
        return [str(program)]
    given = [word.partition("=")[0] for word in words if re.match(r"--\w", word)]
    return [word for word in given if word not in options_of(program)]


def of_group(command: Any, words: list[str], whole: bool) -> list[str]:
    """What of the words of a command line is not there; a whole one has to be understood."""
    known = {option for param in command.params for option in param.opts}
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        name = words[0] if words[0] in command.commands else getattr(command, "default", None)
        if name not in command.commands:
            return words[:1]
        words = words[1:] if name == words[0] else words
        command = command.commands[name]
        known |= {option for p in command.params for option in (*p.opts, *p.secondary_opts)}
    if whole and "--help" not in words and not hasattr(command, "commands"):
        command.make_context(command.name, list(words))
    return [w for w in words if re.match(r"--\w", w) and w not in known | {"--help"}]


@pytest.mark.parametrize("path", [*PAGES, *TOLD], ids=lambda path: path.name)
def test_commands_that_are_told_are_there(path: Path) -> None:
    wrong = {command: bad for command, whole in told(path) if (bad := unknown(command, whole))}
    assert wrong == {}


def test_enough_commands_are_looked_at() -> None:
    found = [command for path in [*PAGES, *TOLD] for command, whole in told(path) if whole]
    assert len(found) > 120
    assert len({c.split()[1] for c in found if c.startswith("recbole-showcase ")}) > 10
    assert len({c.split()[2] for c in found if c.startswith("python -m benchmarks.")}) > 25


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("recbole-showcase embd DATA", ["embd"]),
        ("recbole-showcase judge pairs C --pears 2", ["--pears"]),
        ("recbole-showcase judge A.jsonl --endpont U", ["--endpont"]),
        ("python -m benchmarks.gone", [str(ROOT / "benchmarks" / "gone.py")]),
        ("python -m benchmarks.claims --drawing 1", ["--drawing"]),
        ("python -m demo_world draw D --sed 1", ["--sed"]),
    ],
)
def test_what_is_not_there_is_seen(command: str, said: list[str]) -> None:
    assert unknown(command, whole=False) == said
