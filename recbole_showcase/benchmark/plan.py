"""The combinations of a benchmark and their runs, each with the id of its folder."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from recbole_showcase.benchmark.spec import BenchmarkSpec, Choice, Tuning
from recbole_showcase.encoders.names import absolute
from recbole_showcase.errors import SettingsError

# Axes whose values are parts of the explanation side, named by the setting `showcase_<axis>`.
PARTS = ("relevance", "selector", "explainer")
# Settings that are paths.
PATHS = ("data_path", "showcase_lexicon", "showcase_alignment")
# Settings that are the name of a model or the path of its folder or file.
MODELS = (
    "showcase_entities", "showcase_tokenizer", "showcase_text_model", "showcase_nli_model",
    "showcase_seq2seq_model", "explainer_decoder", "explainer_language_model",
)  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """One combination of axis values.

    Attributes:
        labels: The label of each axis.
        model: ``Showcase<base>``.
        dataset: The data set.
        settings: Those of the benchmark, then of the values, in the order of the axes.
        spec: The benchmark.
    """

    labels: Mapping[str, str]
    model: str
    dataset: str
    settings: Mapping[str, Any]
    spec: BenchmarkSpec


@dataclass(frozen=True)
class Task:
    """What a process is to do: train and test with a seed, or search with one.

    Attributes:
        model: ``Showcase<base>``.
        dataset: The data set.
        settings: All that RecBole is told, the seed included.
        tune: What to search, None if this is a run.
        keep: Whether to keep the checkpoint.
        specification: The file that asks for it; modules are found in its folder too.
        imports: Modules to import first.
    """

    model: str
    dataset: str
    settings: Mapping[str, Any]
    tune: Tuning | None = None
    keep: bool = False
    specification: Path = Path()
    imports: Sequence[str] = ()

    @property
    def id(self) -> str:
        """A name made of what the task is.

        Labels, ``data_path`` and the place of the specification may change without a new run; any
        other setting makes one, another place of the lexicon or of the alignment too.
        """
        content: dict[str, Any] = {
            "model": self.model,
            "dataset": self.dataset,
            "settings": {k: v for k, v in self.settings.items() if k != "data_path"},
            "tune": None if self.tune is None else vars(self.tune),
        }
        if self.imports:
            content["imports"] = list(self.imports)
        text = json.dumps(content, sort_keys=True, default=str)
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        dataset = re.sub(r"[^A-Za-z0-9._-]+", "-", self.dataset)
        return f"{dataset}-{self.model}-{self.settings['seed']}-{digest}"


def cells_of(spec: BenchmarkSpec) -> list[Cell]:
    """All combinations, the last axis varying fastest."""
    return [
        _cell(spec, dict(zip(spec.axes, choices, strict=True)))
        for choices in itertools.product(*spec.axes.values())
    ]


def _cell(spec: BenchmarkSpec, choices: Mapping[str, Choice]) -> Cell:
    settings = dict(spec.settings)
    for axis, choice in choices.items():
        if axis in PARTS:
            settings[f"showcase_{axis}"] = choice.name
        settings.update(choice.settings)
    _make_absolute(settings)
    return Cell(
        labels={name: choice.label for name, choice in choices.items()},
        model=f"Showcase{choices['base'].name}",
        dataset=choices["dataset"].name,
        settings=settings,
        spec=spec,
    )


def _make_absolute(settings: dict[str, Any]) -> None:
    """Name files and folders by where they are: runs have working folders of their own."""
    for key in (*PATHS, *MODELS):
        value = settings.get(key)
        if value is not None and (key in PATHS or os.path.exists(str(value))):
            settings[key] = os.path.abspath(value)
    if settings.get("showcase_encoder") is not None:
        settings["showcase_encoder"] = absolute(str(settings["showcase_encoder"]))


def run_of(cell: Cell, seed: int, tuned: Mapping[str, Any] | None = None) -> Task:
    """The run of a combination with a seed, and with what a search has found."""
    return _task(cell, {**cell.settings, **(tuned or {}), "seed": seed}, keep=cell.spec.keep)


def corner_of(tune: Tuning | None) -> dict[str, Any]:
    """One setting of a search, to have its names and types looked at."""
    if tune is None:
        return {}
    return {
        name: math.exp(values[0]) if kind == "loguniform" else values[0]
        for kind, space in tune.params.items()
        for name, values in space.items()
    }


def require_hyperopt() -> None:
    """Refuse a search where RecBole's ``HyperTuning`` could not run.

    Raises:
        SettingsError: hyperopt is not installed.
    """
    if find_spec("hyperopt") is None:
        raise SettingsError("'tune' needs hyperopt: pip install 'recbole_showcase[tune]'")


def search_of(cell: Cell, tune: Tuning) -> Task:
    """The search of a combination."""
    seed = cell.spec.seeds[0] if tune.seed is None else tune.seed
    return _task(cell, {**cell.settings, "seed": seed}, tune)


def _task(
    cell: Cell, settings: Mapping[str, Any], tune: Tuning | None = None, keep: bool = False
) -> Task:
    spec = cell.spec
    return Task(cell.model, cell.dataset, settings, tune, keep, spec.path, spec.imports)
