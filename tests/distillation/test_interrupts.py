"""Ctrl-C and SIGTERM in the middle of a distillation leave everything as it was."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.interrupts import interrupted

_SLOW = """
import sys, time
from importlib import import_module

told, sys.stdout = sys.stdout, open("/dev/null", "w")
module, name, calls = sys.argv.pop(1), sys.argv.pop(1), int(sys.argv.pop(1))

def slow(*args, **kwargs):
    global calls
    calls -= 1
    if not calls:
        print("begun", file=told, flush=True)
        time.sleep(60)
    return original(*args, **kwargs)

from recbole_showcase.distillation import distill
distill._BLOCK = 16
place = import_module(module)
*way, name = name.split(".")
for step in way:
    place = getattr(place, step)
original = getattr(place, name)
setattr(place, name, slow)

from recbole_showcase import cli
cli.main()
"""
_DISTILL = "recbole_showcase.distillation.distill"


@pytest.mark.parametrize(
    ("number", "module", "name", "calls", "of_labels"),
    [
        (signal.SIGINT, _DISTILL, "Counts.add", 3, False),  # two blocks are written beside
        (signal.SIGTERM, "recbole_showcase.distillation", "train_classifier", 2, True),
    ],
    ids=["the reviews", "the classifier"],
)
def test_in_the_middle(
    dataset: Path,
    labels: Path,
    tmp_path: Path,
    number: int,
    module: str,
    name: str,
    calls: int,
    of_labels: bool,
) -> None:
    before = contents(tmp_path)
    given = ["--labels", str(labels), "--save", str(tmp_path / "kept")] if of_labels else []
    arguments = [module, name, str(calls), "distill", str(dataset), *given]
    status, said = interrupted(_SLOW, number, *arguments)
    assert (status, said) == (130, f"interrupted; {dataset / 'small.review'} was left as it was\n")
    assert contents(tmp_path) == before


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
