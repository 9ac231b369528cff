"""The held-out pairs of a trained model, explained as in its test, for a judge to read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import recbole_showcase.evaluation.table  # noqa: F401 - fills METRICS
from recbole_showcase.composed.evaluating import drawn_rows
from recbole_showcase.data.corpus import TEST
from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.evaluation.evaluation import Evaluation
from recbole_showcase.evaluation.evidence import evidence_texts
from recbole_showcase.evaluation.resources import EvaluationResources
from recbole_showcase.judging.dataset import MOST_TEXTS
from recbole_showcase.judging.pairs import Pair
from recbole_showcase.metrics import Metric, Statistics
from recbole_showcase.parts import METRICS
from recbole_showcase.recommender import ShowcaseRecommender


def held_out_pairs(
    recommender: ShowcaseRecommender,
    *,
    most: int = 0,
    metrics: Sequence[str] = (),
    progress: bool = True,
) -> list[Pair]:
    """The pairs that the figures of a test rest on, or some of them.

    Their texts are those of the test: written from what the training split knows of the user and
    the item before the time of the row. Evidence is what others wrote of the item before, history
    what the user wrote before, both of the training split; the reference is the true text.

    Args:
        recommender: The trained model.
        most: The most pairs, drawn by the model's seed; 0 for those of the test.
        metrics: Names of metrics, in any case, whose values of each pair go along.
        progress: Whether to show a progress bar.

    Raises:
        SettingsError: There is no such metric, or it has no value of a single pair.
        DataError: No pair of the test split has a text and enough photos.
    """
    asked = [_metric(name) for name in metrics]
    model = recommender.trained
    data, settings = model.showcase.data, model.showcase.settings
    corpus = data.corpus
    rows = np.sort(data.samples(np.flatnonzero(corpus.interactions.splits == TEST)))
    rows = drawn_rows(rows, settings.test_pairs, model.seed)
    rows = drawn_rows(rows, most, model.seed)
    if not len(rows):
        raise DataError("no row of the test split has a text and enough photos to be explained")
    resources = EvaluationResources(settings, recommender.data_folder, str(model.device))
    resources.data = data
    for metric in asked:
        if metric.needs is not None:
            metric.needs(resources)
    of = Evaluation(model, rows, lambda: np.empty((4, 0)), resources, progress=progress)
    evidence = evidence_texts(corpus, of.pairs, MOST_TEXTS)
    past = data.past_reviews(of.pairs)[:, :MOST_TEXTS]
    values = {metric.name: _values(metric, of) for metric in asked}
    return [
        Pair(
            user=str(corpus.user_tokens[of.users[n]]),
            item=str(corpus.item_tokens[of.items[n]]),
            text=of.texts[n],
            item_name=recommender.item_names[of.items[n]],
            reference=of.references[n],
            evidence=tuple(evidence[n]),
            history=tuple(str(text) for text in corpus.texts[past[n][past[n] >= 0]]),
            metrics={name: _plain(own[n]) for name, own in values.items()},
        )
        for n in range(len(rows))
    ]


def _metric(name: str) -> Metric:
    """A metric by its name in any case."""
    known = {entry.lower(): entry for entry in METRICS}
    if name.lower() not in known:
        raise SettingsError(f"there is no metric '{name}'; allowed: {', '.join(sorted(METRICS))}")
    metric: Metric = METRICS.find(known[name.lower()])
    if metric.ranking:
        raise SettingsError(f"metric '{metric.name}' is of recommendations, not of single pairs")
    return metric


def _values(metric: Metric, of: Evaluation) -> Any:
    """The value of each pair by itself (N,)."""
    found = metric.measure(of)
    if not isinstance(found, Statistics):
        raise SettingsError(f"metric '{metric.name}' is of all texts together, not of single pairs")
    return np.array([found.finish(row) for row in found.rows])


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
