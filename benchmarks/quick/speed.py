"""The table of speed on less work: what its programs print. No figure here is judged."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import import_module

from benchmarks.quick.data import Place
from benchmarks.quick.processes import Call, Warm

HEADING = "Speed"
# Programs of benchmarks/ and what makes them small; {work} is a folder that is kept.
PROGRAMS = {
    "load_interactions": ("--rows", "100000", "--repeats", "1"),
    "convert": ("--rows", "50000", "--rounds", "1"),
    "embed": ("--only", "tiny", "--count", "16", "--rounds", "1"),
    "explain": ("--top", "1", "--rounds", "1"),
    "quoting_speed": ("--rounds", "1"),
    "generation": ("--pairs", "32", "--rounds", "1"),
    "metrics": ("--pairs", "1000"),
    "full_size": ("--share", "0.01", "--work", "{work}"),
    "overhead": ("--models", "BPR", "--rounds", "1", "--work", "{work}"),
    "processes": ("--epochs", "2", "--rounds", "1", "--work", "{work}"),
    "candidates": ("--photos", "50", "500", "--pairs", "64"),
    "selection": ("--items", "200", "--rounds", "3"),
}
STARTS = {
    "recbole-showcase --help": ("-m", "recbole_showcase", "--help"),
    "import recbole_showcase": ("-c", "import recbole_showcase"),
}
LACKS = (
    "other sizes, encoders and models of the same programs, and embedding of real photos, which "
    "`python -m benchmarks.embed --photos FOLDER` measures"
)


def printed(name: str, words: tuple[str, ...]) -> list[str]:
    """What a program prints, and what the processes print that it starts."""
    sys.argv = [name, *words]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        sys.stdout.flush()
        os.dup2(said.fileno(), 1)  # of a process that does nothing else
        import_module(f"benchmarks.{name}").main()
        sys.stdout.flush()
        said.seek(0)
        return said.read().splitlines()


def started(words: tuple[str, ...]) -> list[str]:
    """How long a Python takes to do little."""
    seconds = []
    for _ in range(3):
        begun = time.perf_counter()
        subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - begun)
    return [f"{statistics.median(seconds):.2f} s, the median of {len(seconds)}"]


def report(place: Place, warm: Warm) -> tuple[list[str], list[str]]:
    """Run each program by itself, none beside another.

    Returns:
        What is to be shown, and a line for each that failed.
    """
    work = str(place.work / "speed")
    programs = {name: tuple(w.format(work=work) for w in ws) for name, ws in PROGRAMS.items()}
    asked = {
        f"python -m benchmarks.{name} {' '.join(PROGRAMS[name])}": Call(
            place.work / f"call-speed-{name}.json", printed, (name, words)
        )
        for name, words in programs.items()
    }
    for number, (command, words) in enumerate(STARTS.items()):
        asked[command] = Call(place.work / f"call-start-{number}.json", started, (words,))
    lines, failed = [], []
    for command, call in asked.items():
        warm.all_of([call], 1, lambda said: None)
        found = call.found()
        if found is None:
            failed.append(f"{HEADING}: {command} failed; see {call.kept.with_suffix('.log')}")
        lines += [command, *(f"    {line}" for line in (found["figures"] if found else ["failed"]))]
    return [*lines, f"not made: {LACKS}"], failed
