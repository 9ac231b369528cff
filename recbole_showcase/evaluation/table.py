"""The explanation metrics, one row each: a name and what it is of an evaluation.

To add one: a pure function in ``recbole_showcase.metrics``, a row here, a section in
``docs/metrics.md``. A metric of your own needs no change here: ``recbole_showcase.register``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from recbole_showcase import metrics
from recbole_showcase.evaluation.evaluation import Evaluation
from recbole_showcase.evaluation.resources import EvaluationResources
from recbole_showcase.metrics import Metric
from recbole_showcase.metrics.bart_score import Direction
from recbole_showcase.metrics.entailment import Texts
from recbole_showcase.metrics.joint import Truth
from recbole_showcase.metrics.statistics import Statistics
from recbole_showcase.parts import METRICS

Value = Callable[..., Any]  # a float, values of pairs, or statistics: see Metric


def _compared(function: Value, **options: Any) -> Value:
    """Of written and true texts."""
    return lambda of: function(of.texts, of.references, **options)


def _written(function: Value, *arguments: Any) -> Value:
    """Of the written texts alone."""
    return lambda of: function(of.texts, *arguments)


def _by(side: Literal["users", "items"], function: Value, *arguments: Any) -> Value:
    """Of the written texts of each user or item, averaged over them."""
    of_texts = lambda texts: function(texts, *arguments)  # noqa: E731
    return lambda of: metrics.mean_over_groups(of_texts, of.texts, getattr(of, side))


def _photos(function: Value) -> Value:
    """Of chosen and posted photos at the number of photos shown."""
    return lambda of: function(of.photos, of.posted_photos, of.photos.shape[1])


def _ranked(function: Value) -> Value:
    """Of the cases of authorship that are hard to guess, at each k."""

    def value(of: Evaluation, k: int) -> Statistics:
        cases = of.demanding_authorship
        return metrics.case_statistics(function(cases.places, k), cases.pairs, cases.n_pairs)

    return value


def _authorship_auc(of: Evaluation) -> Statistics:
    cases = of.authorship
    values = metrics.authorship_auc_values(cases.places)
    return metrics.case_statistics(values, cases.pairs, cases.n_pairs)


def _joint(function: Value, truth: Truth) -> Value:
    """Of hits among the first k recommendations and of what explains them rightly."""

    def value(of: Evaluation, k: int) -> ArrayLike:
        right = metrics.rightly_explained(
            of.mentions,
            of.reference_mentions,
            of.photos,
            of.posted_photos,
            of.photos.shape[1],
            truth=truth,
        )
        known = ~np.isnan(of.scores)
        return function(of.ranks, np.where(known, right, np.nan), k)

    return value


def _agreement(of: Evaluation, users: np.ndarray | None = None) -> float:
    return metrics.score_sentiment_agreement(of.scores, metrics.sentiment(of.texts), users)


def _change(swap: Literal["photo_swap", "user_swap"]) -> Value:
    """How much the texts change by a swap."""

    def value(of: Evaluation) -> ArrayLike:
        other = getattr(of, swap)
        return metrics.text_change_values(of.texts, other.texts, other.swapped)

    return value


def _bert_score(of: Evaluation, baseline: float = 0.0) -> ArrayLike:
    model, layer = of.resources.text_model, of.resources.settings.text_layer
    return metrics.bert_score_values(of.texts, of.references, model, layer=layer, baseline=baseline)


def _bart_score(direction: Direction) -> Value:
    """Of written and true texts by the sequence-to-sequence model."""
    return lambda of: metrics.bart_score_values(
        of.texts, of.references, of.resources.seq2seq_model, direction=direction
    )


def _entailed(statements: Texts, premises: list[list[list[str]]], of: Evaluation) -> ArrayLike:
    return metrics.entailed_share_values(statements, premises, of.resources.nli_model)


def _rated(function: Value) -> Value:
    """Of predicted and true ratings on the scale of the training split."""
    return lambda of: function(of.predicted_ratings, of.true_ratings, *of.rating_scale)


def _coherence(of: Evaluation) -> ArrayLike:
    low, high = of.rating_scale
    if not low < high:  # no scale: no rating says anything
        return np.full(len(of.users), np.nan)
    return metrics.rating_coherence_values(
        metrics.sentiment(of.texts), of.predicted_ratings, low, high
    )


def _given_diversity(of: Evaluation) -> float:
    if not of.given.lexicon:  # sharing none of no features would be the best value
        return float("nan")
    return metrics.feature_diversity(of.given_mentions)


def _layer(resources: EvaluationResources) -> None:
    """The text model, whose chosen layer is tried out."""
    resources.text_model.try_out(resources.settings.text_layer)


def _layer_and_baseline(resources: EvaluationResources) -> None:
    """The same, and its baseline."""
    _layer(resources)
    _ = resources.text_baseline


def _nli(resources: EvaluationResources) -> None:
    resources.nli_model.try_out()


def _seq2seq(resources: EvaluationResources) -> None:
    resources.seq2seq_model.try_out()


def _last_layer(resources: EvaluationResources) -> None:
    resources.text_model.try_out(-1)


def _encoder(resources: EvaluationResources) -> None:
    resources.require_encoder()


def _lexicon(resources: EvaluationResources) -> None:
    resources.require_lexicon()


def _lexicon_and_encoder(resources: EvaluationResources) -> None:
    resources.require_lexicon()
    resources.require_encoder()


def _alignment(resources: EvaluationResources) -> None:
    """The classifier, and the encoder of the sentences that it reads."""
    _ = resources.alignment
    resources.require_encoder()


_at_photos = partial(Metric, at="photos")
_jointly = partial(Metric, at="topk", ranking=True, needs=_lexicon)
_of_lexicon = partial(Metric, needs=_lexicon)

ROWS = (
    # Chosen photos
    _at_photos("ImagePrecision", _photos(metrics.image_precision_values)),
    _at_photos("ImageRecall", _photos(metrics.image_recall_values)),
    _at_photos("ImageF1", _photos(metrics.image_f1_values)),
    _at_photos("ImageNDCG", _photos(metrics.image_ndcg_values)),
    _at_photos(
        "ImageDiv", lambda of: metrics.image_diversity_values(of.photo_features, of.photos >= 0)
    ),
    # Photos by who posted them
    Metric("MRecall", _ranked(metrics.authorship_recall_values), at="topk"),
    Metric("MNDCG", _ranked(metrics.authorship_ndcg_values), at="topk"),
    Metric("MRecallCases", lambda of: float(len(of.demanding_authorship.pairs))),
    Metric("MAUC", _authorship_auc),
    Metric("MAUCCases", lambda of: float(len(of.authorship.pairs))),
    # Texts beside the true ones
    Metric("BLEU1", _compared(metrics.bleu_statistics, max_order=1)),
    Metric("BLEU2", _compared(metrics.bleu_statistics, max_order=2)),
    Metric("BLEU3", _compared(metrics.bleu_statistics, max_order=3)),
    Metric("BLEU4", _compared(metrics.bleu_statistics, max_order=4)),
    Metric("SacreBLEU", _compared(metrics.sacre_bleu_statistics)),
    Metric("ROUGE1", _compared(metrics.rouge_values, kind="rouge1")),
    Metric("ROUGE2", _compared(metrics.rouge_values, kind="rouge2")),
    Metric("ROUGEL", _compared(metrics.rouge_values, kind="rougeL")),
    Metric(
        "METEOR",
        _compared(metrics.meteor_values, synonyms=True),
        needs=lambda resources: resources.wordnet(),
    ),
    Metric("METEORStem", _compared(metrics.meteor_values, synonyms=False)),
    Metric("CIDEr", _compared(metrics.cider_values)),
    Metric("BERTScore", _bert_score, needs=_layer),
    Metric(
        "BERTScoreRescaled",
        lambda of: _bert_score(of, of.resources.text_baseline),
        needs=_layer_and_baseline,
    ),
    Metric("BARTScore", _bart_score("f"), needs=_seq2seq),
    Metric("BARTScorePrecision", _bart_score("precision"), needs=_seq2seq),
    Metric("BARTScoreRecall", _bart_score("recall"), needs=_seq2seq),
    Metric(
        "MAUVE",
        lambda of: metrics.mauve(of.texts, of.references, of.resources.text_model),
        needs=_last_layer,
    ),
    # Whether texts are true
    Metric(
        "StatementPrecision",
        lambda of: _entailed(of.statements, [[review] for review in of.reviews], of),
        needs=_nli,
    ),
    Metric(
        "StatementRecall",
        lambda of: _entailed(of.reviews, [[text] for text in of.statements], of),
        needs=_nli,
    ),
    Metric(
        "EvidencePrecision", lambda of: _entailed(of.statements, of.item_evidence, of), needs=_nli
    ),
    Metric(
        "EvidenceRecall",
        lambda of: _entailed(
            [[said for review in known for said in review] for known in of.item_evidence],
            [[text] for text in of.statements],
            of,
        ),
        needs=_nli,
    ),
    # Texts among themselves
    Metric("Distinct1", _written(metrics.distinct_n, 1)),
    Metric("Distinct2", _written(metrics.distinct_n, 2)),
    Metric("UserDistinct1", _by("users", metrics.distinct_n, 1)),
    Metric("UserDistinct2", _by("users", metrics.distinct_n, 2)),
    Metric("ItemDistinct1", _by("items", metrics.distinct_n, 1)),
    Metric("ItemDistinct2", _by("items", metrics.distinct_n, 2)),
    Metric("USR", _written(metrics.unique_sentence_ratio)),
    Metric("EmptyTexts", _written(metrics.empty_text_values), smaller=True),
    Metric("UserUSR", _by("users", metrics.unique_sentence_ratio)),
    Metric("ItemUSR", _by("items", metrics.unique_sentence_ratio)),
    Metric("Entropy1", _written(metrics.entropy_n, 1)),
    Metric("Entropy2", _written(metrics.entropy_n, 2)),
    Metric("Entropy4", _written(metrics.entropy_n, 4)),
    Metric("SelfBLEU", _written(metrics.self_bleu), smaller=True),
    # Features that texts name
    _of_lexicon(
        "FMR", lambda of: metrics.feature_matching_values(of.mentions, of.reference_mentions)
    ),
    _of_lexicon("FCR", lambda of: metrics.feature_coverage_ratio(of.mentions)),
    _of_lexicon("DIV", lambda of: metrics.feature_diversity(of.mentions), smaller=True),
    Metric(
        "GivenFMR",
        lambda of: metrics.feature_matching_values(of.given_mentions, of.given.true),
    ),
    Metric("GivenFCR", lambda of: metrics.feature_coverage_ratio(of.given_mentions)),
    Metric("GivenDIV", _given_diversity, smaller=True),
    _of_lexicon("ItemFMR", lambda of: metrics.known_feature_values(of.mentions, of.item_features)),
    _of_lexicon("UserFMR", lambda of: metrics.known_feature_values(of.mentions, of.user_features)),
    _of_lexicon(
        "ItemFCR",
        lambda of: metrics.known_feature_coverage(of.mentions, of.item_features, of.items),
    ),
    _of_lexicon(
        "UserFCR",
        lambda of: metrics.known_feature_coverage_values(of.mentions, of.user_features, of.users),
    ),
    Metric(
        "HallucinationRate",
        lambda of: metrics.hallucination_values(of.mentions, of.supported),
        smaller=True,
        needs=_lexicon_and_encoder,
    ),
    # Ratings that go with the texts
    Metric("RatingRMSE", _rated(metrics.rating_rmse_statistics), smaller=True),
    Metric("RatingMAE", _rated(metrics.rating_error_values), smaller=True),
    Metric(
        "RatedPairs", lambda of: float(metrics.rated_pairs(of.predicted_ratings, of.true_ratings))
    ),
    Metric("RatingCoherence", _coherence),
    # Recommendation and explanation together
    _jointly("JointHit", _joint(metrics.joint_hit_values, "both")),
    _jointly("ExplainedHit", _joint(metrics.explained_hit_values, "both")),
    _jointly("ExplainedHitAny", _joint(metrics.explained_hit_values, "either")),
    _jointly("ExplainedHitText", _joint(metrics.explained_hit_values, "text")),
    _jointly("ExplainedHitPhotos", _joint(metrics.explained_hit_values, "photos")),
    Metric("ScoreSentiment", _agreement, ranking=True),
    Metric("UserScoreSentiment", lambda of: _agreement(of, of.users), ranking=True),
    # What texts hang on
    Metric("PhotoInfluence", _change("photo_swap")),
    Metric("UserInfluence", _change("user_swap")),
    Metric(
        "PhotoGap",
        lambda of: metrics.text_gap_values(of.texts, of.texts_from_posted_photos, of.references),
        smaller=True,
    ),
    # Texts beside the photos
    Metric(
        "CLIPScore",
        lambda of: metrics.clip_score_statistics(
            of.sentences.features, of.sentences.owners, of.photo_features, of.photos >= 0
        ),
        needs=_encoder,
    ),
    Metric(
        "CLIPAlign",
        lambda of: metrics.clip_align_statistics(
            of.sentence_confidences, of.sentences.owners, of.photos >= 0
        ),
        needs=_alignment,
    ),
)

for _row in ROWS:
    METRICS.add(_row.name, _row)
