"""What a benchmark is to run: read from YAML into frozen dataclasses that refuse unknown keys."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from recbole_showcase.benchmark.yaml_files import read_yaml
from recbole_showcase.errors import SettingsError
from recbole_showcase.settings import read_settings

# Keys of the specification that are axes of their own, the axis, and the setting a name stands for.
AXES = {
    "datasets": ("dataset", None),
    "bases": ("base", None),
    "relevances": ("relevance", "showcase_relevance"),
    "selectors": ("selector", "showcase_selector"),
    "explainers": ("explainer", "showcase_explainer"),
}
_REQUIRED = ("datasets", "bases", "seeds", "columns")
_OTHER = ("name", "seeds", "columns", "axes", "config_files", "settings", "tune", "plot", "keep")
_SPACES = ("choice", "uniform", "quniform", "loguniform")
# What a run is told by the benchmark itself.
_OURS = ("model", "dataset", "seed", "checkpoint_dir")


@dataclass(frozen=True)
class Choice:
    """One value of an axis.

    Attributes:
        name: A data set, a RecBole model, a part; for an axis of one's own any name.
        label: What tables call it; unique in its axis.
        settings: What it sets beside its name.
    """

    name: str
    label: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Axis:
    """What is varied, and its values."""

    name: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class Tuning:
    """A search by RecBole's ``HyperTuning`` before the runs of each combination.

    Attributes:
        algo: How settings are proposed.
        max_evals: The most trials; None for RecBole's own number. ``exhaustive`` tries all.
        early_stop: Trials without progress that end the search; None for RecBole's own number.
        seed: Seed of the trials; None for the first of the benchmark.
        params: Settings by kind of space, as in RecBole's ``params_dict``.
    """

    algo: Literal["exhaustive", "random", "bayes"]
    max_evals: int | None
    early_stop: int | None
    seed: int | None
    params: dict


@dataclass(frozen=True)
class Plot:
    """Columns of the trade-off plot, as tables name them."""

    recommendation: str
    explanation: str


@dataclass(frozen=True)
class BenchmarkSpec:
    """A benchmark; ``docs/benchmark.md`` explains the file.

    Attributes:
        name: Names tables and plots.
        axes: What is varied; data sets and bases come first.
        seeds: Every combination is run with each.
        columns: Metrics of the tables, as in RecBole's results, in any case.
        settings: Of every run, below those of axis values.
        tune: What is searched before the runs, if anything.
        plot: What is plotted, if anything.
        keep: Whether checkpoints are kept.
    """

    name: str
    axes: tuple[Axis, ...]
    seeds: tuple[int, ...]
    columns: tuple[str, ...]
    settings: Mapping[str, Any]
    tune: Tuning | None
    plot: Plot | None
    keep: bool

    def only(self, wanted: Iterable[str]) -> BenchmarkSpec:
        """The part of the benchmark with some axis values.

        Args:
            wanted: Such as ``explainer=showcase``; several of one axis are alternatives.

        Raises:
            SettingsError: If there is no such axis or value.
        """
        chosen: dict[str, set[str]] = {}
        for text in wanted:
            axis, equals, label = text.partition("=")
            known = {a.name: [c.label for c in a.choices] for a in self.axes}
            if not equals or axis not in known:
                raise SettingsError(f"'{text}' is not AXIS=LABEL; axes: {', '.join(known)}")
            if label not in known[axis]:
                raise SettingsError(
                    f"axis '{axis}' has no '{label}'; allowed: {', '.join(known[axis])}"
                )
            chosen.setdefault(axis, set()).add(label)
        axes = tuple(
            Axis(a.name, tuple(c for c in a.choices if c.label in chosen.get(a.name, {c.label})))
            for a in self.axes
        )
        return replace(self, axes=axes)


def read_spec(path: str | Path) -> BenchmarkSpec:
    """Read a specification.

    Raises:
        SettingsError: The file cannot be read, a key is unknown or missing, or a value is of the
            wrong kind; naming file, key, what was found and what is allowed.
    """
    path = Path(path)
    content = read_yaml(path)
    try:
        return _spec(content, path)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from error


def _spec(content: dict[str, Any], path: Path) -> BenchmarkSpec:
    check_keys("the specification", content, (*AXES, *_OTHER), _REQUIRED)
    settings: dict[str, Any] = {}
    for name in _strings("config_files", content.get("config_files", [])):
        settings.update(_settings(name, read_yaml(path.parent / name)))
    settings.update(_settings("settings", content.get("settings", {})))
    columns = _strings("columns", content["columns"])
    _check_columns("columns", columns, settings)
    plot = _plot(content["plot"], columns, settings) if "plot" in content else None
    return BenchmarkSpec(
        name=_string("name", content.get("name", path.stem)),
        axes=tuple(_axes(content)),
        seeds=_seeds(content["seeds"]),
        columns=columns,
        settings=settings,
        tune=_tuning(content["tune"]) if "tune" in content else None,
        plot=plot,
        keep=_bool("keep", content.get("keep", False)),
    )


def _axes(content: Mapping[str, Any]) -> Iterable[Axis]:
    for key, (name, setting) in AXES.items():
        if key in content:
            yield _axis(key, name, setting, content[key])
    own = content.get("axes", {})
    if not isinstance(own, dict):
        raise SettingsError(f"'axes' is {own!r}; expected a mapping of names to lists")
    taken = {name for name, _ in AXES.values()} | {"seed", "status"}
    for name, values in own.items():
        if name in taken:
            raise SettingsError(f"axis '{name}' of 'axes' has the name of another")
        yield _axis(f"axes.{name}", str(name), None, values)


def _axis(key: str, name: str, setting: str | None, values: Any) -> Axis:
    if not isinstance(values, list) or not values:
        raise SettingsError(f"'{key}' is {values!r}; expected a list of names or mappings")
    choices = tuple(_choice(f"{key}[{n}]", setting, value) for n, value in enumerate(values))
    labels = [choice.label for choice in choices]
    for label in labels:
        if labels.count(label) > 1:
            raise SettingsError(
                f"'{key}' has two values of the label '{label}'; give them a 'label' each"
            )
    return Axis(name, choices)


def _choice(where: str, setting: str | None, value: Any) -> Choice:
    if isinstance(value, str):
        value = {"name": value}
    if not isinstance(value, dict):
        raise SettingsError(f"'{where}' is {value!r}; expected a name or a mapping")
    check_keys(f"'{where}'", value, ("name", "label", "settings"), ("name",))
    name = _string(f"{where}.name", value["name"])
    own = {} if setting is None else {setting: name}
    return Choice(
        name,
        _string(f"{where}.label", value.get("label", name)),
        own | _settings(f"{where}.settings", value.get("settings", {})),
    )


def _settings(where: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise SettingsError(f"'{where}' is {value!r}; expected a mapping of settings")
    for key in _OURS:
        if key in value:
            raise SettingsError(f"'{where}' sets '{key}', which the benchmark sets itself")
    for key, own in value.items():
        _check_digestible(f"{where}.{key}", own)
    return value


def _check_digestible(where: str, value: Any) -> None:
    """Refuse a setting whose mappings cannot be put in order, which the names of runs need."""
    try:
        json.dumps(value, sort_keys=True, default=str)
    except TypeError as error:
        raise SettingsError(
            f"'{where}' is {value!r}; expected the keys of a mapping to be all strings or all "
            "numbers"
        ) from error


def _tuning(value: Any) -> Tuning:
    if not isinstance(value, dict):
        raise SettingsError(f"'tune' is {value!r}; expected a mapping")
    names = [field.name for field in fields(Tuning)]
    check_keys("'tune'", value, names, ("algo", "params"))
    tuning = read_settings(Tuning, "", {**dict.fromkeys(names), **value})
    check_keys("'tune.params'", tuning.params, _SPACES, ())
    if not tuning.params:
        raise SettingsError(f"'tune.params' is empty; allowed: {', '.join(_SPACES)}")
    for kind, space in tuning.params.items():
        for name, values in _settings(f"tune.params.{kind}", space).items():
            _check_space(f"tune.params.{kind}.{name}", kind, values)
            if tuning.algo == "exhaustive" and kind != "choice":
                raise SettingsError(f"'tune.algo' is exhaustive, which cannot search '{kind}'")
    return tuning


def _check_space(where: str, kind: str, values: Any) -> None:
    size = {"uniform": 2, "loguniform": 2, "quniform": 3}.get(kind)
    fits = isinstance(values, list) and bool(values)
    if fits and size is not None:
        fits = len(values) == size and all(
            isinstance(v, (int, float)) and not isinstance(v, bool) for v in values
        )
    if not fits:
        wanted = "a list of values" if size is None else f"a list of {size} numbers"
        raise SettingsError(f"'{where}' is {values!r}; expected {wanted}")


def _plot(value: Any, columns: Iterable[str], settings: Mapping[str, Any]) -> Plot:
    """The plot, with the names of ``columns`` where they differ in case alone."""
    if not isinstance(value, dict):
        raise SettingsError(f"'plot' is {value!r}; expected a mapping")
    names = [field.name for field in fields(Plot)]
    check_keys("'plot'", value, names, names)
    plot = read_settings(Plot, "", value)
    _check_columns("plot", (plot.recommendation, plot.explanation), settings)
    listed = {column.lower(): column for column in columns}
    return Plot(*(listed.get(c.lower(), c) for c in (plot.recommendation, plot.explanation)))


def _check_columns(where: str, columns: Iterable[str], settings: Mapping[str, Any]) -> None:
    """Refuse a column that the runs do not measure, where ``settings`` say what they measure."""
    measured = settings.get("metrics")
    if not isinstance(measured, list):
        return
    known = {str(name).lower(): str(name) for name in measured} | {"seconds": "seconds"}
    for column in columns:
        name = column.lower().partition("@")[0]
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0)
            hint = f"; did you mean '{known[near[0]]}'?" if near else ""
            raise SettingsError(f"'{where}' has '{column}', which is not in 'metrics'{hint}")


def check_keys(
    where: str, value: Mapping[str, Any], allowed: Iterable[str], required: Iterable[str]
) -> None:
    """Refuse unknown and missing keys.

    Raises:
        SettingsError: Naming the first bad key, and those that are allowed.
    """
    allowed = list(allowed)
    for key in value:
        if key not in allowed:
            near = get_close_matches(str(key), allowed, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else f"; allowed: {', '.join(allowed)}"
            raise SettingsError(f"{where} has the unknown key '{key}'{hint}")
    for key in required:
        if key not in value:
            raise SettingsError(f"{where} has no '{key}'")


def _strings(where: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise SettingsError(f"'{where}' is {value!r}; expected a list of names")
    return tuple(_string(f"{where}[{n}]", entry) for n, entry in enumerate(value))


def _string(where: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise SettingsError(f"'{where}' is {value!r}; expected a name")
    return value


def _seeds(value: Any) -> tuple[int, ...]:
    whole = isinstance(value, list) and all(type(seed) is int and seed >= 0 for seed in value)
    if not whole or not value or len(set(value)) < len(value):
        raise SettingsError(f"'seeds' is {value!r}; expected different whole numbers")
    return tuple(value)


def _bool(where: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise SettingsError(f"'{where}' is {value!r}; allowed: true, false")
    return value
