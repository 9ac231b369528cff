"""A small version of every table of ``docs/results.md``, and whether its figures still hold.

    python -m benchmarks.quick

``docs/benchmark.md`` says what it does and how a figure's spread is stated.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The programs of benchmarks/ find each other by their bare names. Last, so that `demo_world` is the
# painter of the checkout and not the program of that name.
if (_programs := str(ROOT / "benchmarks")) not in sys.path:
    sys.path.append(_programs)
