"""The order of the rooms, as docs/architecture.md has it, against every import of the package."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "recbole_showcase"
DOORS = ("integration/config.py", "settings.py")  # where raw settings may be read


def rooms_in_order() -> list[str]:
    """The rooms of the table, the lowest first."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.partition("## Rooms")[2].partition("## ")[0]
    first_cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return [name.rstrip("/") for cell in first_cells for name in re.findall(r"`([\w/]+)`", cell)]


def modules() -> dict[str, Path]:
    found = {}
    for path in (ROOT / PACKAGE).rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path, known: dict[str, Path]) -> Iterator[str]:
    """Modules of the package that a file imports, at its top or later, for types too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(PACKAGE):
            for name in node.names:
                inner = f"{node.module}.{name.name}"
                yield inner if inner in known else node.module
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.startswith(PACKAGE))


def room_of(module: str) -> str:
    """The room of a module; the package's root is above all."""
    return module.split(".")[1] if "." in module else "(root)"


def arrows() -> list[tuple[str, str]]:
    known = modules()
    return [(m, to) for m, path in known.items() for to in imports(path, known) if to != m]


def test_every_room_is_in_the_table_and_none_else() -> None:
    order = rooms_in_order()
    assert len(order) == len(set(order)) > 15
    assert set(order) == {room_of(module) for module in modules()} - {"(root)"}


def test_no_arrow_runs_back_up() -> None:
    level = {room: number for number, room in enumerate([*rooms_in_order(), "(root)"])}
    up = [
        f"{module} imports {to}"
        for module, to in arrows()
        if level[room_of(to)] > level[room_of(module)]
    ]
    assert up == []


def test_no_circle_of_files() -> None:
    targets: dict[str, set[str]] = {}
    for module, to in arrows():
        targets.setdefault(module, set()).add(to)
    done: set[str] = set()

    def follow(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join([*path, module])
        if module not in done:
            for to in sorted(targets.get(module, ())):
                follow(to, (*path, module))
            done.add(module)

    for module in sorted(targets):
        follow(module, ())


def test_modules_are_named_in_words_only_where_that_is_the_point() -> None:
    """An import by name is an arrow that cannot be seen; the tables of parts are of their rooms."""
    known = modules()
    named = {
        (str(path.relative_to(ROOT / PACKAGE)), room_of(word))
        for path in known.values()
        for word in re.findall(rf"[\"']({PACKAGE}\.[\w.]+)[\"':]", path.read_text(encoding="utf-8"))
        if word in known
    }
    public_api, home_of_composed = "__init__.py", ("integration/hooks.py", "composed")
    elsewhere = {(file, room) for file, room in named if room != file.split("/")[0]}
    assert {(file, room) for file, room in elsewhere if file != public_api} == {home_of_composed}


def test_settings_are_read_at_the_door_alone() -> None:
    raw = re.compile(r"config\[(f?)[\"'](showcase|explainer|selector|relevance)_")
    found = [
        str(path.relative_to(ROOT / PACKAGE))
        for path in modules().values()
        if raw.search(path.read_text(encoding="utf-8"))
    ]
    assert set(found) <= set(DOORS)


@pytest.mark.parametrize("module", ["integration.metrics", "composed.trainer", "evaluation.table"])
def test_a_room_can_be_imported_alone(module: str) -> None:
    """RecBole is imported on the way, which registers: nothing may be half imported by then."""
    command = [sys.executable, "-W", "ignore", "-c", f"import {PACKAGE}.{module}"]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
