"""Benchmarks: combinations of models and settings over data sets and seeds, and their tables.

A specification (YAML) names the values of each axis; every combination is run over the seeds, each
run in a process of its own, and kept as soon as it ends.
"""

from recbole_showcase.benchmark.execute import run_benchmark
from recbole_showcase.benchmark.spec import BenchmarkSpec, read_spec
from recbole_showcase.benchmark.summary import Summary, summarise

__all__ = [
    "BenchmarkSpec",
    "Summary",
    "read_spec",
    "run_benchmark",
    "summarise",
]
