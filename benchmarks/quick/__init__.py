"""A small version of every table of ``docs/results.md``, and whether its figures still hold.

    python -m benchmarks.quick

``docs/benchmark.md`` says what it does and how a figure's spread is stated.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
