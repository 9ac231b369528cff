"""Ctrl-C and SIGTERM in the middle of a distillation leave everything as it was."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from recbole_showcase import cli, console

_DISTILL = "recbole_showcase.distillation.distill"


@pytest.fixture(autouse=True)
def _ctrl_c() -> Iterator[None]:
    """Python's own answer to Ctrl-C, which tests that a shell started in the background lack."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("number", "where", "name", "calls", "of_labels"),
    [
        (signal.SIGINT, f"{_DISTILL}:Counts", "add", 3, False),  # two blocks are written beside
        (signal.SIGTERM, "recbole_showcase.distillation:", "train_classifier", 2, True),
    ],
    ids=["the reviews", "the classifier"],
)
def test_in_the_middle(
    dataset: Path,
    labels: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: int,
    where: str,
    name: str,
    calls: int,
    of_labels: bool,
) -> None:
    module, _, holder = where.partition(":")
    place: Any = import_module(module)
    place = getattr(place, holder) if holder else place
    original, left = getattr(place, name), iter(range(calls - 1, -1, -1))

    def interrupted(*args: Any, **options: Any) -> Any:
        if not next(left):
            assert of_labels or list(tmp_path.rglob(".*partial*/*.review"))
            signal.raise_signal(number)
        return original(*args, **options)

    monkeypatch.setattr(place, name, interrupted)
    monkeypatch.setattr(f"{_DISTILL}._BLOCK", 16)
    given = ["--labels", str(labels), "--save", str(tmp_path / "kept")] if of_labels else []
    monkeypatch.setattr(console, "_loudness", console._loudness)  # to be put back
    monkeypatch.setattr(sys, "argv", ["x", "--quiet", "distill", str(dataset), *given])
    before = contents(tmp_path)
    with pytest.raises(SystemExit) as end:
        cli.main()
    said = capsys.readouterr().err
    written = dataset / "small.review"
    assert (end.value.code, said) == (130, f"interrupted; {written} was left as it was\n")
    assert next(left, None) is None and contents(tmp_path) == before


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
