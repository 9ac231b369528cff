"""The table of speed on less work: what its programs print. Nothing here is judged."""

from __future__ import annotations

import contextlib
import io
import sys
from importlib import import_module

from benchmarks.quick.processes import Call, Warm
from benchmarks.quick.tables import Place

HEADING = "Speed"
# Programs of benchmarks/ and what makes them small.
PROGRAMS = {
    "load_interactions": ("--rows", "100000", "--repeats", "1"),
    "selection": ("--items", "200", "--rounds", "3"),
    "metrics": ("--pairs", "1000"),
    "convert": ("--rows", "50000", "--rounds", "1"),
}


def printed(name: str, words: tuple[str, ...]) -> list[str]:
    """What a program prints."""
    sys.argv = [name, *words]
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        import_module(f"benchmarks.{name}").main()
    return said.getvalue().splitlines()


def report(place: Place, warm: Warm) -> list[str]:
    """Run each program by itself, none beside another."""
    lines = []
    for name, words in PROGRAMS.items():
        call = Call(place.work / f"call-speed-{name}.json", printed, (name, words))
        warm.all_of([call], 1, lambda said: None)
        found = call.found()
        lines.append(f"python -m benchmarks.{name} {' '.join(words)}")
        lines += [f"    {line}" for line in (found["figures"] if found else ["failed"])]
    return lines
