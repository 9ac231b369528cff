"""The combinations of a benchmark and their runs, each with the identity it is found again by."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recbole_showcase.benchmark.spec import BenchmarkSpec, Tuning

# Settings that are nothing but paths.
PATHS = ("data_path", "showcase_lexicon", "showcase_alignment")


@dataclass(frozen=True)
class Cell:
    """One combination of axis values.

    Attributes:
        labels: The label of each axis.
        model: ``Showcase<base>``.
        dataset: The data set.
        settings: Those of the benchmark, then of the values, in the order of the axes.
    """

    labels: Mapping[str, str]
    model: str
    dataset: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Task:
    """What a process is to do: train and test with a seed, or search with one.

    Attributes:
        model: ``Showcase<base>``.
        dataset: The data set.
        settings: All that RecBole is told, the seed included.
        tune: What to search; None for a run.
        keep: Whether to keep the checkpoint.
    """

    model: str
    dataset: str
    settings: Mapping[str, Any]
    tune: Tuning | None = None
    keep: bool = False

    @property
    def id(self) -> str:
        """A name made of what the task is.

        Labels and ``data_path`` may change without a new run; any other setting makes one, another
        place of the lexicon or of the alignment too.
        """
        content = {
            "model": self.model,
            "dataset": self.dataset,
            "settings": {k: v for k, v in self.settings.items() if k != "data_path"},
            "tune": None if self.tune is None else vars(self.tune),
        }
        text = json.dumps(content, sort_keys=True, default=str)
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        dataset = re.sub(r"[^A-Za-z0-9._-]+", "-", self.dataset)
        return f"{dataset}-{self.model}-{self.settings['seed']}-{digest}"


def cells_of(spec: BenchmarkSpec) -> list[Cell]:
    """All combinations, the last axis varying fastest."""
    return [
        _cell(spec, dict(zip((a.name for a in spec.axes), choices, strict=True)))
        for choices in itertools.product(*(axis.choices for axis in spec.axes))
    ]


def _cell(spec: BenchmarkSpec, choices: Mapping[str, Any]) -> Cell:
    settings = dict(spec.settings)
    for choice in choices.values():
        settings.update(choice.settings)
    for key in PATHS:  # runs have working folders of their own
        if settings.get(key) is not None:
            settings[key] = os.path.abspath(settings[key])
    return Cell(
        labels={name: choice.label for name, choice in choices.items()},
        model=f"Showcase{choices['base'].name}",
        dataset=choices["dataset"].name,
        settings=settings,
    )


def run_of(
    cell: Cell, seed: int, tuned: Mapping[str, Any] | None = None, *, keep: bool = False
) -> Task:
    """The run of a combination with a seed, and with what a search has found."""
    settings = {**cell.settings, **(tuned or {}), "seed": seed}
    return Task(cell.model, cell.dataset, settings, keep=keep)


def corner_of(tune: Tuning | None) -> dict[str, Any]:
    """One setting of a search, to have its names and types looked at."""
    if tune is None:
        return {}
    return {
        name: math.exp(values[0]) if kind == "loguniform" else values[0]
        for kind, space in tune.params.items()
        for name, values in space.items()
    }


def search_of(cell: Cell, tune: Tuning, seeds: tuple[int, ...]) -> Task:
    """The search of a combination."""
    seed = seeds[0] if tune.seed is None else tune.seed
    return Task(cell.model, cell.dataset, {**cell.settings, "seed": seed}, tune)
