"""What a benchmark is to run: a YAML file, which pydantic checks."""

from __future__ import annotations

import json
from collections.abc import Iterable
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeInt,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from recbole_showcase.errors import SettingsError
from recbole_showcase.files.yaml_files import read_yaml
from recbole_showcase.settings import first_error

# Keys of a specification that are axes, and the name of the axis.
AXES = {
    "datasets": "dataset",
    "bases": "base",
    "relevances": "relevance",
    "selectors": "selector",
    "explainers": "explainer",
}
# Kinds of spaces to search, and how many numbers tell one; a choice is of any values.
_SPACES = {"choice": 0, "uniform": 2, "loguniform": 2, "quniform": 3}
# What a run is told by the benchmark itself.
_OURS = ("model", "dataset", "seed", "checkpoint_dir")
# RecBole unpickles what these name, which runs what the file holds.
_RUN = ("dataset_save_path", "dataloaders_save_path")


def _known(given: Any, names: Iterable[str]) -> Any:
    for key in given if isinstance(given, dict) else ():
        if key not in names:
            near = get_close_matches(str(key), names, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"allowed: {', '.join(names)}"
            raise ValueError(f"has the unknown key '{key}'; {hint}")
    return given


def _sortable(value: Any) -> Any:
    """Refuse a setting whose mappings cannot be put in order, which the ids of runs need."""
    try:
        json.dumps(value, sort_keys=True, default=str)
    except TypeError as error:
        raise ValueError(
            f"is {value!r}; expected the keys of a mapping to be all strings or all numbers"
        ) from error
    return value


def _not_ours(settings: dict[str, Any]) -> dict[str, Any]:
    for key in _OURS:
        if key in settings:
            raise ValueError(f"sets '{key}', which the benchmark sets itself")
    for key in _RUN:
        if settings.get(key) is not None:
            raise ValueError(f"sets '{key}', a file that RecBole would run; leave it out")
    return settings


def _different(values: list[Any]) -> list[Any]:
    known = [getattr(value, "label", value) for value in values]
    for value in known:
        if known.count(value) > 1:
            raise ValueError(f"has {value!r} twice; values must differ, of an axis by 'label'")
    return values


def _of_one_part(name: str) -> str:
    if name in (".", "..") or "/" in name or "\\" in name:
        raise ValueError(f"is '{name}'; allowed: a name, not a path")
    return name


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
# Folders have it in their names.
FolderName = Annotated[Name, AfterValidator(_of_one_part)]
Value = Annotated[Any, AfterValidator(_sortable)]
Settings = Annotated[dict[str, Value], AfterValidator(_not_ours)]


class _Mapping(BaseModel):
    """A mapping of the file: no "3" for 3, and no key that is not known."""

    model_config = ConfigDict(strict=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _only_known_keys(cls, given: Any) -> Any:
        return _known(given, cls.model_fields)


class Choice(_Mapping):
    """One value of an axis.

    Attributes:
        name: A data set, a RecBole model or a part; any name if the axis is the user's own.
        label: What tables call it; unique in its axis.
        settings: What it sets beside its name.
    """

    name: Name
    label: Name
    settings: Settings = {}

    @model_validator(mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        if isinstance(given, str):
            given = {"name": given}
        if not isinstance(given, dict):
            raise ValueError(f"is {given!r}; expected a name or a mapping")
        return {"label": given.get("name"), **given}


def _sized(params: dict[str, Any]) -> dict[str, Any]:
    for kind, space in params.items():
        for name, values in space.items():
            size = _SPACES[kind]
            numbers = all(type(value) in (int, float) for value in values)
            if size and not (numbers and len(values) == size):
                raise ValueError(f"has {kind}.{name} {values!r}; expected a list of {size} numbers")
    return params


Space = Annotated[dict[str, Annotated[list[Value], Field(min_length=1)]], AfterValidator(_not_ours)]


class Tuning(_Mapping):
    """A search by RecBole's ``HyperTuning`` before the runs of each combination.

    Attributes:
        algo: How settings are proposed; ``exhaustive`` tries all.
        max_evals: The most trials; None for RecBole's own number.
        early_stop: Trials without progress that end the search; None for RecBole's own number.
        seed: Seed of the trials; None for the first of the benchmark.
        params: Settings by kind of space, as in RecBole's ``params_dict``.
    """

    algo: Literal["exhaustive", "random", "bayes"]
    max_evals: int | None = None
    early_stop: int | None = None
    seed: int | None = None
    params: Annotated[
        dict[str, Space],
        BeforeValidator(partial(_known, names=_SPACES)),
        AfterValidator(_sized),
        Field(min_length=1),
    ]

    @model_validator(mode="after")
    def _exhaustive_of_choices(self) -> Tuning:
        for kind in self.params:
            if self.algo == "exhaustive" and kind != "choice":
                raise ValueError(f"has the 'algo' exhaustive, which cannot search '{kind}'")
        return self


class Plot(_Mapping):
    """Columns of the trade-off plot, as tables name them."""

    recommendation: Name
    explanation: Name


def _of_file(name: Any, info: ValidationInfo) -> dict[str, Any]:
    if not isinstance(name, str):
        raise ValueError(f"is {name!r}; expected the name of a file")
    try:
        return read_yaml(info.data.get("path", Path()).parent / name)
    except SettingsError as error:
        raise ValueError(f"is '{name}': {error}") from error


def _above_files(settings: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
    files = info.data.get("config_files", [])
    return {key: value for layer in (*files, settings) for key, value in layer.items()}


def _all_axes(own: dict[str, list[Choice]], info: ValidationInfo) -> dict[str, list[Choice]]:
    for name in (*AXES.values(), "seed", "status"):
        if name in own:
            raise ValueError(f"has '{name}', which is the name of another axis or column")
    return {axis: info.data[key] for key, axis in AXES.items() if info.data.get(key)} | own


def _measured(column: str, info: ValidationInfo) -> str:
    """Refuse a column that the runs do not measure, if their settings say what they measure."""
    metrics = info.data.get("settings", {}).get("metrics")
    name = column.lower().partition("@")[0]
    if isinstance(metrics, list) and name != "seconds":
        known = {str(metric).lower(): str(metric) for metric in metrics}
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0)
            hint = f"; did you mean '{known[near[0]]}'?" if near else ""
            raise ValueError(f"has '{column}', which is not in 'metrics'{hint}")
    return column


def _tabled(plot: Plot, info: ValidationInfo) -> Plot:
    """The plot, with the names of ``columns`` if they differ in case alone."""
    listed = {column.lower(): column for column in info.data.get("columns", [])}
    names = {key: listed.get(c.lower(), c) for key, c in plot if _measured(c, info)}
    return plot.model_copy(update=names)


Choices = Annotated[list[Choice], Field(min_length=1), AfterValidator(_different)]


class BenchmarkSpec(_Mapping):
    """A benchmark: the keys of its file, which ``docs/benchmark.md`` explains, and ``path``.

    Attributes:
        path: The file.
        settings: Of every run, those of ``config_files`` included, below those of axis values.
        axes: All that is varied, by name: data sets and bases come first, the user's own last.
    """

    path: Path
    name: FolderName
    config_files: list[Annotated[Settings, BeforeValidator(_of_file)]] = []
    settings: Annotated[Settings, AfterValidator(_above_files)] = Field({}, validate_default=True)
    imports: list[Name] = []
    datasets: Choices
    bases: Choices
    relevances: Choices = []
    selectors: Choices = []
    explainers: Choices = []
    axes: Annotated[dict[str, Choices], AfterValidator(_all_axes)] = Field(
        {}, validate_default=True
    )
    seeds: Annotated[list[NonNegativeInt], Field(min_length=1), AfterValidator(_different)]
    columns: list[Annotated[Name, AfterValidator(_measured)]]
    tune: Tuning | None = None
    plot: Annotated[Plot, AfterValidator(_tabled)] | None = None
    keep: bool = False

    def only(self, wanted: Iterable[str]) -> BenchmarkSpec:
        """The part of the benchmark with some axis values.

        Args:
            wanted: Such as ``explainer=showcase``; several of one axis are alternatives.

        Raises:
            SettingsError: If there is no such axis or value.
        """
        labels: dict[str, set[str]] = {}
        for text in wanted:
            axis, equals, label = text.partition("=")
            if not equals or axis not in self.axes:
                raise SettingsError(f"'{text}' is not AXIS=LABEL; axes: {', '.join(self.axes)}")
            known = [choice.label for choice in self.axes[axis]]
            if label not in known:
                raise SettingsError(f"axis '{axis}' has no '{label}'; allowed: {', '.join(known)}")
            labels.setdefault(axis, set()).add(label)
        axes = {
            axis: [choice for choice in choices if choice.label in labels.get(axis, {choice.label})]
            for axis, choices in self.axes.items()
        }
        return self.model_copy(update={"axes": axes})


def read_spec(path: str | Path) -> BenchmarkSpec:
    """Read a specification.

    Raises:
        SettingsError: The file cannot be read, a key is unknown or missing, or a value is of the
            wrong kind; naming file, key, what was found and what is allowed.
    """
    path = Path(path).absolute()
    content = read_yaml(path)
    try:
        return BenchmarkSpec.model_validate({"path": path, "name": path.stem, **content})
    except ValidationError as error:
        place, said = first_error(error)
        where = f"'{place.removeprefix('.')}'" if place else "the specification"
        raise SettingsError(f"{path}: {where} {said}") from None
