"""Explanation metrics under RecBole's names: thin adapters around ``recbole_showcase.metrics``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from recbole.evaluator.base_metric import AbstractMetric
from recbole.utils import EvaluatorType

from recbole_showcase import metrics
from recbole_showcase.errors import RegistrationError, SettingsError
from recbole_showcase.evaluation.evaluation import EvaluationOutputs
from recbole_showcase.metrics import Statistics
from recbole_showcase.metrics.joint import Truth

# Keys of RecBole's collector: what metrics need of it, and where it puts the outputs.
OUTPUTS = "showcase.outputs"
NEEDS_PHOTOS = "showcase.photos"
NEEDS_TEXTS = "showcase.texts"
NEEDS_SENTENCES = "showcase.sentences"
NEEDS_FEATURES = "showcase.features"
NEEDS_ALIGNMENT = "showcase.alignment"
NEEDS_SUPPORT = "showcase.support"
NEEDS_SCORES = "showcase.scores"
NEEDS_SWAPPED_PHOTOS = "showcase.swapped_photos"
NEEDS_SWAPPED_USERS = "showcase.swapped_users"
NEEDS_OWN_PHOTOS = "showcase.own_photos"
_JOINT = (NEEDS_FEATURES, NEEDS_SCORES)
# Statistics where the metric follows from sums over pairs, which are kept for comparisons.
Value = Callable[..., float | Statistics]


def _texts(function: Callable[..., float | Statistics], **options: Any) -> Value:
    """A metric of written and true texts."""
    return lambda found: function(found.outputs.texts, found.references, **options)


def _mean(values: Callable[..., ArrayLike]) -> Value:
    """A metric that is the mean of a value of each pair."""
    return lambda *given: Statistics.of_values(values(*given))


def _mean_of_texts(function: Callable[..., ArrayLike], **options: Any) -> Value:
    """A mean of values of written and true texts."""
    return _mean(lambda found: function(found.outputs.texts, found.references, **options))


def _photos(function: Callable[..., ArrayLike]) -> Value:
    """A mean of values of chosen and relevant photos at the number of photos shown."""

    def values(found: EvaluationOutputs) -> ArrayLike:
        chosen = found.outputs.photos
        return function(chosen, found.relevant, chosen.shape[1])

    return _mean(values)


def _diversity(found: EvaluationOutputs) -> ArrayLike:
    return metrics.image_diversity_values(found.photo_features, found.outputs.photos >= 0)


def _written(function: Callable[..., float], *arguments: Any, **options: Any) -> Value:
    """A metric of the written texts alone."""
    return lambda found: function(found.outputs.texts, *arguments, **options)


def _by(side: Literal["users", "items"], function: Callable[..., float], *arguments: Any) -> Value:
    """A metric of the written texts of each user or item, averaged over them."""

    def value(found: EvaluationOutputs) -> float:
        return metrics.mean_over_groups(
            lambda texts: function(texts, *arguments), found.outputs.texts, getattr(found, side)
        )

    return value


def _joint(function: Callable[..., ArrayLike], truth: Truth) -> Value:
    """A mean of values of hits among the first k recommendations and of what explains them."""

    def values(found: EvaluationOutputs, k: int) -> ArrayLike:
        photos = found.outputs.photos
        right = metrics.rightly_explained(
            found.said, found.true, photos, found.relevant, photos.shape[1], truth=truth
        )
        known = ~np.isnan(found.scores)
        return function(found.ranks, np.where(known, right, np.nan), k)

    return _mean(values)


def _agreement(found: EvaluationOutputs, users: np.ndarray | None = None) -> float:
    feelings = metrics.sentiment(found.outputs.texts)
    return metrics.score_sentiment_agreement(found.scores, feelings, users)


def _change(swap: Literal["photo_swap", "user_swap"]) -> Value:
    """How much the texts change by a swap."""

    def values(found: EvaluationOutputs) -> ArrayLike:
        other = getattr(found, swap)
        return metrics.text_change_values(found.outputs.texts, other.texts, other.swapped)

    return _mean(values)


def _clip_score(found: EvaluationOutputs) -> Statistics:
    return metrics.clip_score_statistics(
        found.sentence_features,
        found.sentence_owners,
        found.photo_features,
        found.outputs.photos >= 0,
    )


@lru_cache(maxsize=1)
def _text_model(name: str, device: str) -> metrics.TextModel:
    """A model that is loaded once for all evaluations and metrics of a run."""
    return metrics.TextModel(name, device)


def _bert_score(found: EvaluationOutputs, name: str, layer: int, device: str) -> ArrayLike:
    model = _text_model(name, device)
    return metrics.bert_score_values(found.outputs.texts, found.references, model, layer=layer)


def _mauve(found: EvaluationOutputs, name: str, layer: int, device: str) -> float:
    return metrics.mauve(found.outputs.texts, found.references, _text_model(name, device))


def _clip_align(found: EvaluationOutputs) -> Statistics:
    return metrics.clip_align_statistics(
        found.sentence_confidences, found.sentence_owners, found.outputs.photos >= 0
    )


# Name: what the collector must provide, and the value.
METRICS: Mapping[str, tuple[str | tuple[str, ...], Value]] = {
    "ImagePrecision": (NEEDS_PHOTOS, _photos(metrics.image_precision_values)),
    "ImageRecall": (NEEDS_PHOTOS, _photos(metrics.image_recall_values)),
    "ImageF1": (NEEDS_PHOTOS, _photos(metrics.image_f1_values)),
    "ImageNDCG": (NEEDS_PHOTOS, _photos(metrics.image_ndcg_values)),
    "ImageDiv": (NEEDS_PHOTOS, _mean(_diversity)),
    "BLEU1": (NEEDS_TEXTS, _texts(metrics.bleu_statistics, max_order=1)),
    "BLEU2": (NEEDS_TEXTS, _texts(metrics.bleu_statistics, max_order=2)),
    "BLEU3": (NEEDS_TEXTS, _texts(metrics.bleu_statistics, max_order=3)),
    "BLEU4": (NEEDS_TEXTS, _texts(metrics.bleu_statistics, max_order=4)),
    "SacreBLEU": (NEEDS_TEXTS, _texts(metrics.sacre_bleu_statistics)),
    "ROUGE1": (NEEDS_TEXTS, _mean_of_texts(metrics.rouge_values, kind="rouge1")),
    "ROUGE2": (NEEDS_TEXTS, _mean_of_texts(metrics.rouge_values, kind="rouge2")),
    "ROUGEL": (NEEDS_TEXTS, _mean_of_texts(metrics.rouge_values, kind="rougeL")),
    "METEOR": (NEEDS_TEXTS, _mean_of_texts(metrics.meteor_values, synonyms=True)),
    "METEORStem": (NEEDS_TEXTS, _mean_of_texts(metrics.meteor_values, synonyms=False)),
    "CIDEr": (NEEDS_TEXTS, _mean_of_texts(metrics.cider_values)),
    "BERTScore": (NEEDS_TEXTS, _mean(_bert_score)),
    "MAUVE": (NEEDS_TEXTS, _mauve),
    "Distinct1": (NEEDS_TEXTS, _written(metrics.distinct_n, 1)),
    "Distinct2": (NEEDS_TEXTS, _written(metrics.distinct_n, 2)),
    "UserDistinct1": (NEEDS_TEXTS, _by("users", metrics.distinct_n, 1)),
    "UserDistinct2": (NEEDS_TEXTS, _by("users", metrics.distinct_n, 2)),
    "ItemDistinct1": (NEEDS_TEXTS, _by("items", metrics.distinct_n, 1)),
    "ItemDistinct2": (NEEDS_TEXTS, _by("items", metrics.distinct_n, 2)),
    "USR": (NEEDS_TEXTS, _written(metrics.unique_sentence_ratio)),
    "UserUSR": (NEEDS_TEXTS, _by("users", metrics.unique_sentence_ratio)),
    "ItemUSR": (NEEDS_TEXTS, _by("items", metrics.unique_sentence_ratio)),
    "Entropy1": (NEEDS_TEXTS, _written(metrics.entropy_n, 1)),
    "Entropy2": (NEEDS_TEXTS, _written(metrics.entropy_n, 2)),
    "Entropy4": (NEEDS_TEXTS, _written(metrics.entropy_n, 4)),
    "SelfBLEU": (NEEDS_TEXTS, _written(metrics.self_bleu)),
    "FMR": (
        NEEDS_FEATURES,
        _mean(lambda found: metrics.feature_matching_values(found.said, found.true)),
    ),
    "FCR": (NEEDS_FEATURES, lambda found: metrics.feature_coverage_ratio(found.said)),
    "DIV": (NEEDS_FEATURES, lambda found: metrics.feature_diversity(found.said)),
    "HallucinationRate": (
        (NEEDS_FEATURES, NEEDS_SUPPORT),
        _mean(lambda found: metrics.hallucination_values(found.said, found.supported)),
    ),
    "JointHit": (_JOINT, _joint(metrics.joint_hit_values, "both")),
    "ExplainedHit": (_JOINT, _joint(metrics.explained_hit_values, "both")),
    "ExplainedHitAny": (_JOINT, _joint(metrics.explained_hit_values, "either")),
    "ExplainedHitText": (_JOINT, _joint(metrics.explained_hit_values, "text")),
    "ExplainedHitPhotos": (_JOINT, _joint(metrics.explained_hit_values, "photos")),
    "ScoreSentiment": ((NEEDS_TEXTS, NEEDS_SCORES), _agreement),
    "UserScoreSentiment": (
        (NEEDS_TEXTS, NEEDS_SCORES),
        lambda found: _agreement(found, found.users),
    ),
    "PhotoInfluence": (NEEDS_SWAPPED_PHOTOS, _change("photo_swap")),
    "UserInfluence": (NEEDS_SWAPPED_USERS, _change("user_swap")),
    "PhotoGap": (
        (NEEDS_TEXTS, NEEDS_OWN_PHOTOS),
        _mean(
            lambda found: metrics.text_gap_values(
                found.outputs.texts, found.from_own_photos, found.references
            )
        ),
    ),
    "CLIPScore": (NEEDS_SENTENCES, _clip_score),
    "CLIPAlign": ((NEEDS_SENTENCES, NEEDS_ALIGNMENT), _clip_align),
}
_LOWER_IS_BETTER = ("SelfBLEU", "DIV", "HallucinationRate", "PhotoGap")
_AT_PHOTOS = "Image"
_AT_TOPK = ("JointHit", "ExplainedHit")
_WITH_TEXT_MODEL = ("BERTScore", "MAUVE")


class ExplanationMetric(AbstractMetric):
    """Base of the adapters; an evaluation without explanations gets no entry in its result.

    Attributes:
        statistics: By key, what the pairs added to the last value, where it follows from sums.
    """

    metric_type = EvaluatorType.RANKING
    metric_need: Sequence[str]
    name: str
    statistics: dict[str, Statistics]
    value: staticmethod

    def __init__(self, config: Any) -> None:
        """Look early at what the metric needs from outside.

        Raises:
            SettingsError: If the metric needs a ranking and value metrics are computed, or needs
                data that is not installed.
        """
        super().__init__(config)
        self.statistics = {}
        key = self.name.lower()
        self.options: dict[str, tuple[Any, ...]] = {key: ()}  # what follows the outputs, by key
        if self.name.startswith(_AT_PHOTOS):
            self.options = {f"{key}@{config['showcase_photos']}": ()}
        elif self.name.startswith(_AT_TOPK):
            self.options = {f"{key}@{k}": (k,) for k in config["topk"]}
        elif self.name in _WITH_TEXT_MODEL:
            if not config["showcase_text_model"]:
                raise SettingsError(
                    f"metric '{self.name}' reads texts with a pretrained model; allowed is its "
                    "name or path in the setting 'showcase_text_model'"
                )
            keys = ("showcase_text_model", "showcase_text_layer")
            self.options = {key: (*map(config.__getitem__, keys), str(config["device"]))}
        if NEEDS_SCORES in self.metric_need and config["eval_type"] == EvaluatorType.VALUE:
            raise SettingsError(
                f"metric '{self.name}' reads a ranking of items, which there is none of beside "
                "value metrics such as AUC; allowed are ranking metrics beside it"
            )
        if self.name == "METEOR":
            metrics.load_wordnet()

    def calculate_metric(self, dataobject: Any) -> dict[str, float]:
        """The value under the lower-case name, with @k for photo sets and recommendations."""
        self.statistics = {}
        if OUTPUTS not in dataobject:
            return {}
        found, figures = dataobject.get(OUTPUTS), {}
        for key, options in self.options.items():
            value = self.value(found, *options)
            if isinstance(value, Statistics):
                self.statistics[key] = value
                value = value.value()
            figures[key] = round(value, self.decimal_place)
        return figures


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
        needs = [need] if isinstance(need, str) else list(need)
        smaller = name in _LOWER_IS_BETTER
        adapter = type(
            name,
            (ExplanationMetric,),
            {"name": name, "metric_need": needs, "smaller": smaller, "value": staticmethod(value)},
        )
        register.metrics_dict[key] = adapter
        register.metric_information[key] = needs
        register.metric_types[key] = EvaluatorType.RANKING
        if smaller and key not in register.smaller_metrics:
            register.smaller_metrics.append(key)


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
