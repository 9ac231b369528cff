"""Explanation metrics under RecBole's names: thin adapters around ``recbole_showcase.metrics``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any

from recbole.evaluator.base_metric import AbstractMetric
from recbole.utils import EvaluatorType

from recbole_showcase import metrics
from recbole_showcase.errors import RegistrationError
from recbole_showcase.outputs import EvaluationOutputs

# Keys of RecBole's collector: what metrics need of it, and where it puts the outputs.
OUTPUTS = "showcase.outputs"
NEEDS_PHOTOS = "showcase.photos"
NEEDS_TEXTS = "showcase.texts"
NEEDS_SENTENCES = "showcase.sentences"
NEEDS_ALIGNMENT = "showcase.alignment"
Value = Callable[[EvaluationOutputs], float]


def _texts(function: Callable[..., float], **options: Any) -> Value:
    """A metric of written and true texts."""
    return lambda found: function(found.outputs.texts, found.references, **options)


def _photos(function: Callable[..., float]) -> Value:
    """A metric of chosen and relevant photos at the number of photos shown."""

    def value(found: EvaluationOutputs) -> float:
        chosen = found.outputs.photos
        return function(chosen, found.relevant, chosen.shape[1])

    return value


def _diversity(found: EvaluationOutputs) -> float:
    return metrics.image_diversity(found.photo_features, found.outputs.photos >= 0)


def _distinct(n: int) -> Value:
    return lambda found: metrics.distinct_n(found.outputs.texts, n)


def _clip_score(found: EvaluationOutputs) -> float:
    return metrics.clip_score(
        found.sentence_features,
        found.sentence_owners,
        found.photo_features,
        found.outputs.photos >= 0,
    )


def _clip_align(found: EvaluationOutputs) -> float:
    return metrics.clip_align(
        found.sentence_confidences, found.sentence_owners, found.outputs.photos >= 0
    )


# Name: what the collector must provide, and the value.
METRICS: Mapping[str, tuple[str, Value]] = {
    "ImagePrecision": (NEEDS_PHOTOS, _photos(metrics.image_precision)),
    "ImageRecall": (NEEDS_PHOTOS, _photos(metrics.image_recall)),
    "ImageF1": (NEEDS_PHOTOS, _photos(metrics.image_f1)),
    "ImageDiv": (NEEDS_PHOTOS, _diversity),
    "BLEU1": (NEEDS_TEXTS, _texts(metrics.corpus_bleu, max_order=1)),
    "BLEU2": (NEEDS_TEXTS, _texts(metrics.corpus_bleu, max_order=2)),
    "BLEU3": (NEEDS_TEXTS, _texts(metrics.corpus_bleu, max_order=3)),
    "BLEU4": (NEEDS_TEXTS, _texts(metrics.corpus_bleu, max_order=4)),
    "SacreBLEU": (NEEDS_TEXTS, _texts(metrics.sacre_bleu)),
    "ROUGE1": (NEEDS_TEXTS, _texts(metrics.rouge, kind="rouge1")),
    "ROUGE2": (NEEDS_TEXTS, _texts(metrics.rouge, kind="rouge2")),
    "ROUGEL": (NEEDS_TEXTS, _texts(metrics.rouge, kind="rougeL")),
    "Distinct1": (NEEDS_TEXTS, _distinct(1)),
    "Distinct2": (NEEDS_TEXTS, _distinct(2)),
    "CLIPScore": (NEEDS_SENTENCES, _clip_score),
    "CLIPAlign": (NEEDS_ALIGNMENT, _clip_align),
}
_AT_K = "Image"


class ExplanationMetric(AbstractMetric):
    """Base of the adapters; an evaluation without explanations gets no entry in its result."""

    metric_type = EvaluatorType.RANKING
    name: str
    value: staticmethod

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        k = f"@{config['showcase_photos']}" if self.name.startswith(_AT_K) else ""
        self.key = self.name.lower() + k

    def calculate_metric(self, dataobject: Any) -> dict[str, float]:
        """The value under the lower-case name, with @k for metrics of photo sets."""
        if OUTPUTS not in dataobject:
            return {}
        return {self.key: round(self.value(dataobject.get(OUTPUTS)), self.decimal_place)}


def register_metrics() -> None:
    """Add the metrics to the tables of RecBole's evaluator, which are shared by reference.

    Raises:
        RegistrationError: If RecBole has a metric of one of the names.
    """
    register = import_module("recbole.evaluator.register")
    for name, (need, value) in METRICS.items():
        key = name.lower()
        known = register.metrics_dict.get(key)
        if known is not None and not issubclass(known, ExplanationMetric):
            raise RegistrationError(f"RecBole has a metric '{name}' already; it is not replaced")
        adapter = type(
            name,
            (ExplanationMetric,),
            {"name": name, "metric_need": [need], "value": staticmethod(value)},
        )
        register.metrics_dict[key] = adapter
        register.metric_information[key] = [need]
        register.metric_types[key] = EvaluatorType.RANKING


def is_explanation_metric(name: str) -> bool:
    """Whether a metric, given as in ``valid_metric``, is one of ours."""
    return name.partition("@")[0].lower() in {known.lower() for known in METRICS}


def adopt_eval_type(names: str | Iterable[str]) -> None:
    """Let our metrics stand beside ranking as well as value metrics.

    RecBole refuses to mix the two kinds. Ours are of neither, so they take the kind of the others
    in the list, just before RecBole looks.

    Args:
        names: The ``metrics`` of a configuration.
    """
    types = import_module("recbole.evaluator.register").metric_types
    listed = [names] if isinstance(names, str) else list(names)
    others = {types.get(name.lower()) for name in listed if not is_explanation_metric(name)}
    kind = EvaluatorType.VALUE if others == {EvaluatorType.VALUE} else EvaluatorType.RANKING
    for name in METRICS:
        types[name.lower()] = kind
