"""Explanation metrics under RecBole's names: adapters around the rows of ``evaluation.table``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from logging import getLogger
from typing import TYPE_CHECKING, Any

import recbole_showcase.evaluation.table  # noqa: F401 - declares the metrics of this package
from recbole_showcase.errors import SettingsError, ShowcaseError
from recbole_showcase.evaluation.resources import EvaluationResources
from recbole_showcase.integration.config import evaluation_resources, run_settings
from recbole_showcase.metrics import Metric, Statistics
from recbole_showcase.parts import METRICS, import_path, is_named_by_a_file, load_entry_points

if TYPE_CHECKING:
    from recbole.evaluator.base_metric import AbstractMetric
else:
    AbstractMetric = object

EVALUATION = "showcase.evaluation"  # key of RecBole's collector: what metrics read
RANKING = "showcase.ranking"  # that ranks and scores are to be kept for it


class ExplanationMetric(AbstractMetric):
    """Base of the adapters; an evaluation without explanations gets no entry in its result.

    Attributes:
        row: The metric.
        statistics: By key, what the pairs added to the last value, where it follows from sums.
    """

    row: Metric
    metric_need: list[str]
    statistics: dict[str, Statistics]

    def __init__(self, config: Any) -> None:
        """Look early at what the metric needs from outside.

        Raises:
            SettingsError: If the metric needs a ranking and value metrics are computed.
            ShowcaseError: If the metric needs what is not there.
        """
        super().__init__(config)
        self.statistics = {}
        key = self.row.name.lower()
        self.options: dict[str, tuple[int, ...]] = {key: ()}  # what follows the evaluation, by key
        if self.row.at == "photos":
            self.options = {f"{key}@{run_settings(config).showcase.photos}": ()}
        elif self.row.at == "topk":
            self.options = {f"{key}@{k}": (k,) for k in config["topk"]}
        if self.row.ranking and config["eval_type"] == _evaluator_type().VALUE:
            raise SettingsError(
                f"metric '{self.row.name}' reads a ranking of items, which there is none of beside "
                "value metrics such as AUC; allowed are ranking metrics beside it"
            )
        self.require(evaluation_resources(config))

    def require(self, resources: EvaluationResources) -> None:
        """Look at what the metric needs from outside.

        Raises:
            ShowcaseError: If it is not there.
        """
        if self.row.needs is not None:
            try:
                self.row.needs(resources)
            except ShowcaseError as error:
                raise type(error)(f"metric '{self.row.name}': {error}") from error

    def calculate_metric(self, dataobject: Any) -> dict[str, float]:
        """The value under the lower-case name, with @k for photo sets and recommendations."""
        self.statistics = {}
        if EVALUATION not in dataobject:
            return {}
        evaluation = dataobject.get(EVALUATION).evaluation
        figures: dict[str, float] = {}
        for key, options in self.options.items():
            value = self.row.measure(evaluation, *options)
            if isinstance(value, Statistics):
                self.statistics[key] = value
                value = value.value()
            figures[key] = round(value, self.decimal_place)
        return figures


def register_metrics() -> None:
    """Add the metrics to the tables of RecBole's evaluator, which are shared by reference.

    Called again, it adds those that were registered since. One that has a name of RecBole's, as can
    be told only now if it was registered before, is left out with a warning.
    """
    register = import_module("recbole.evaluator.register")
    METRICS.reserve(
        name
        for name, metric in register.metrics_dict.items()
        if not issubclass(metric, ExplanationMetric)
    )
    for name in METRICS:
        row, key = METRICS[name], name.lower()
        known = register.metrics_dict.get(key)
        if getattr(known, "row", None) is row:
            continue
        if known is not None and not issubclass(known, ExplanationMetric):
            METRICS.remove(name)
            getLogger().warning(f"RecBole has a metric '{name}' already, which is not replaced")
            continue
        register.metrics_dict[key] = _adapter(row)
        register.metric_information[key] = register.metrics_dict[key].metric_need
        register.metric_types[key] = _evaluator_type().RANKING
        if row.smaller != (key in register.smaller_metrics):
            smaller = register.smaller_metrics
            (smaller.append if row.smaller else smaller.remove)(key)


def _adapter(row: Metric) -> type:
    base = import_module("recbole.evaluator.base_metric").AbstractMetric
    needs = [EVALUATION, RANKING] if row.ranking else [EVALUATION]
    attributes = {
        "row": row,
        "metric_need": needs,
        "metric_type": _evaluator_type().RANKING,
        "smaller": row.smaller,
    }
    return type(row.name, (ExplanationMetric, base), attributes)


def _evaluator_type() -> Any:
    return import_module("recbole.utils").EvaluatorType


def is_explanation_metric(name: str) -> bool:
    """Whether a metric, given as in ``valid_metric``, is an explanation metric."""
    return name.partition("@")[0].lower() in {known.lower() for known in METRICS}


def admit_metrics(names: str | Iterable[str]) -> list[str]:
    """Make the metrics of a configuration known to RecBole, just before it looks at them.

    A metric that is given by the path of its function gets a name. And RecBole refuses to mix
    ranking and value metrics; ours are of neither kind, so they take that of the others.

    Args:
        names: The ``metrics`` of a configuration.

    Returns:
        The names that RecBole knows them by.

    Raises:
        SettingsError: If a path names no metric.
        RegistrationError: If another metric has the name of one that is given by its path.
    """
    types = import_module("recbole.evaluator.register").metric_types
    listed = [names] if isinstance(names, str) else list(names)
    if any(name.lower() not in types for name in listed):
        load_entry_points()
    listed = [_named_by_path(name) if ":" in name else name for name in listed]
    register_metrics()
    kinds, others = _evaluator_type(), set()
    for name in listed:
        if not is_explanation_metric(name):
            others.add(types.get(name.lower()))
    kind = kinds.VALUE if others == {kinds.VALUE} else kinds.RANKING
    for name in METRICS:
        types[name.lower()] = kind
    return listed


def known_metrics(final: Mapping[str, Any]) -> Mapping[str, Any]:
    """The metrics of a run, as far as they are known here, and a validation by one of them.

    A model can be asked without them, so those that are not known are left out with a warning.

    Args:
        final: The final settings of the run.
    """
    types = import_module("recbole.evaluator.register").metric_types
    load_entry_points()
    register_metrics()
    listed = [str(name) for name in final.get("metrics") or []]
    known = [name for name in listed if name.lower() in types]
    if unknown := [name for name in listed if name not in known]:
        getLogger().warning(f"metrics that are not known here are left out: {', '.join(unknown)}")
    valid = str(final.get("valid_metric"))
    if not known:
        return {"metrics": ["Recall"], "valid_metric": valid, "eval_step": 0}
    lost = valid.partition("@")[0].lower() in map(str.lower, unknown)
    return {"metrics": known, "valid_metric": valid} | ({"eval_step": 0} if lost else {})


def check_valid_metric(settings: Mapping[str, Any], *, explains: bool) -> None:
    """Refuse a ``valid_metric`` that no validation has a figure of.

    Args:
        settings: A configuration whose metrics RecBole has accepted.
        explains: Whether the model explains; of others there are no figures of explanations.

    Raises:
        SettingsError: Naming the figures that there are.
    """
    if not settings["eval_step"] or settings["eval_step"] < 0:
        return
    measured = [n for n in settings["metrics"] if explains or not is_explanation_metric(n)]
    figures = [figure for name in measured for figure in _figures_of(name, settings)]
    wanted = str(settings["valid_metric"])
    if wanted.lower() not in map(str.lower, figures):
        raise SettingsError(
            f"valid_metric is '{wanted}', which no validation computes; allowed: "
            f"{', '.join(figures)}"
        )


def figures_of(settings: Mapping[str, Any]) -> list[str]:
    """Names in lower case of the figures that a test gives.

    Args:
        settings: The final settings of a composed model, whose metrics RecBole has accepted.
    """
    return [f.lower() for name in settings["metrics"] for f in _figures_of(name, settings)]


def _figures_of(name: str, settings: Mapping[str, Any]) -> list[str]:
    """Names of the figures of a metric."""
    metric = import_module("recbole.evaluator.register").metrics_dict[name.lower()]
    topk_metric = import_module("recbole.evaluator.base_metric").TopkMetric
    row: Metric | None = getattr(metric, "row", None)
    of_lists = {"rec.items", "rec.topk"} & set(metric.metric_need)  # as ItemCoverage, which is none
    if of_lists or issubclass(metric, topk_metric) or (row is not None and row.at == "topk"):
        return [f"{name}@{k}" for k in settings["topk"]]
    if row is not None and row.at == "photos":
        return [f"{name}@{settings['showcase_photos']}"]
    return [name]


def _named_by_path(path: str) -> str:
    """The name of the metric whose function has a path; registered by it where it has none."""
    function = import_path(path)
    known = [name for name in METRICS if METRICS[name].value is function]
    name = path.rpartition(":")[2].rpartition(".")[2]
    if known or isinstance(function, Metric):
        row = METRICS[known[0]] if known else function
    elif callable(function) and not isinstance(function, type) and not is_named_by_a_file():
        row = Metric(name, function)
    else:
        raise SettingsError(
            f"metric '{path}' is {function!r}; allowed: a function of an evaluation, and in a file "
            "of somebody else's one that is registered as a metric"
        )
    METRICS.add(row.name, row)
    return row.name
