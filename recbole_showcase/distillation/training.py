"""Fit the classifier of sentence–photo pairs, and measure it on pairs it has not seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from recbole_showcase.distillation.classifier import FORMS, AlignmentClassifier, Form, pair_features
from recbole_showcase.distillation.pairs import LabelledPairs
from recbole_showcase.distillation.scorers import Scorer
from recbole_showcase.errors import DataError, SettingsError

_MOST_STEPS = 1000


@dataclass(frozen=True)
class ScorerFigures:
    """How well a scorer tells pairs apart.

    Attributes:
        auc: Area under the ROC curve, 0.5 for a blind scorer.
        f1: F1 of "describes" at the scorer's threshold.
    """

    auc: float
    f1: float


@dataclass(frozen=True)
class CrossValidation:
    """Figures on each fold, by a classifier fitted to the others.

    Attributes:
        folds: One a fold.
    """

    folds: tuple[ScorerFigures, ...]

    def summary(self) -> dict[str, float]:
        """Mean and standard deviation over the folds, of AUC and F1."""
        values = np.array([[fold.auc, fold.f1] for fold in self.folds])
        mean, spread = values.mean(axis=0), values.std(axis=0, ddof=1)
        found = {"auc": mean[0], "auc_std": spread[0], "f1": mean[1], "f1_std": spread[1]}
        return {name: round(float(value), 4) for name, value in found.items()}


def train_classifier(
    pairs: LabelledPairs, form: Form = "interaction", regularization: float = 10.0
) -> AlignmentClassifier:
    """Fit one fully connected layer by logistic regression.

    Features are standardised for the fit; the scale is then folded into the layer.

    Args:
        pairs: What to learn from.
        form: What the layer sees; see :func:`~.classifier.pair_features`.
        regularization: Weight of the L2 penalty on the layer; larger for fewer pairs.

    Raises:
        DataError: All labels are the same.
        SettingsError: The form is unknown, or the penalty is not above 0.
    """
    if form not in FORMS:
        raise SettingsError(f"form is '{form}'; allowed: {', '.join(FORMS)}")
    if not regularization > 0:
        raise SettingsError(f"regularization is {regularization}; allowed are values above 0")
    _check_both_labels(pairs.labels)
    scaler = StandardScaler()
    layer = LogisticRegression(C=1.0 / regularization, max_iter=_MOST_STEPS)
    make_pipeline(scaler, layer).fit(
        pair_features(pairs.sentences, pairs.photos, form), pairs.labels
    )
    weight = layer.coef_[0] / scaler.scale_
    return AlignmentClassifier(
        form=form,
        weight=weight.astype(np.float32),
        bias=float(layer.intercept_[0] - weight @ scaler.mean_),
        encoder=pairs.encoder,
        weights_digest=pairs.weights_digest,
        record={
            "pairs": len(pairs),
            "described": int(pairs.labels.sum()),
            "groups": len(np.unique(pairs.groups)),
            "regularization": regularization,
        },
    )


def cross_validate(
    pairs: LabelledPairs,
    fit: Callable[[LabelledPairs], Scorer] = train_classifier,
    folds: int = 5,
    seed: int = 0,
) -> CrossValidation:
    """Fit on all folds but one and score on that one, for each fold.

    Folds have about equal shares of positives, and no review is in two of them, neither by its
    sentences nor by its photos.

    Args:
        pairs: What to divide.
        fit: Makes a scorer of pairs.
        folds: How many.
        seed: Seed of the division.

    Raises:
        DataError: There are fewer groups than folds, or a fold has pairs of one label only.
        SettingsError: There are fewer than two folds.
    """
    if folds < 2:
        raise SettingsError(f"folds is {folds}; allowed are 2 or more")
    groups = len(np.unique(pairs.groups))
    if groups < folds:
        raise DataError(
            f"{folds} folds need {folds} groups of reviews or more; the labels have {groups} "
            "(reviews are one group if a pair joins a sentence of one and a photo of the other)"
        )
    _check_both_labels(pairs.labels)
    split = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    found = []
    for rest, own in split.split(pairs.sentences, pairs.labels, pairs.groups):
        found.append(evaluate_scorer(fit(subset(pairs, rest)), subset(pairs, own)))
    return CrossValidation(tuple(found))


def evaluate_scorer(scorer: Scorer, pairs: LabelledPairs) -> ScorerFigures:
    """AUC of a scorer's confidence, and F1 at its threshold.

    Raises:
        DataError: All labels are the same.
    """
    _check_both_labels(pairs.labels)
    confidence = scorer.confidence(pairs.sentences, pairs.photos)
    return ScorerFigures(
        auc=float(roc_auc_score(pairs.labels, confidence)),
        f1=float(f1_score(pairs.labels, confidence >= scorer.threshold, zero_division=0.0)),
    )


def subset(pairs: LabelledPairs, rows: np.ndarray) -> LabelledPairs:
    """Some of the pairs."""
    return LabelledPairs(
        sentences=pairs.sentences[rows],
        photos=pairs.photos[rows],
        labels=pairs.labels[rows],
        groups=pairs.groups[rows],
        encoder=pairs.encoder,
        weights_digest=pairs.weights_digest,
    )


def _check_both_labels(labels: np.ndarray) -> None:
    if not len(labels) or labels.all() or not labels.any():
        raise DataError(
            f"{len(labels)} labelled pairs, {int(labels.sum())} of them 1; "
            "pairs of both labels are needed, 1 and 0"
        )
