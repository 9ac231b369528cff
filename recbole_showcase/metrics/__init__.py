"""Metrics of explanations: pure functions on lists of texts and NumPy arrays.

They need neither RecBole nor, but for those that a pretrained model reads for, torch. A metric with
nothing to average over is NaN. A function ``x_values`` gives what the metric ``x`` is the mean of,
one value a pair.
"""

from __future__ import annotations

from recbole_showcase.metrics.agreement import krippendorff_alpha, mean_correlation
from recbole_showcase.metrics.alignment import clip_align, clip_align_statistics
from recbole_showcase.metrics.authorship import (
    authorship_auc,
    authorship_auc_values,
    authorship_ndcg,
    authorship_ndcg_values,
    authorship_recall,
    authorship_recall_values,
    case_places,
    case_statistics,
)
from recbole_showcase.metrics.bart_score import (
    LikelihoodModel,
    bart_score,
    bart_score_values,
)
from recbole_showcase.metrics.bert_score import (
    bert_score,
    bert_score_baseline,
    bert_score_values,
)
from recbole_showcase.metrics.bleu import (
    bleu_statistics,
    corpus_bleu,
    sacre_bleu,
    sacre_bleu_statistics,
)
from recbole_showcase.metrics.cider import (
    cider,
    cider_values,
)
from recbole_showcase.metrics.diversity import (
    distinct_n,
    empty_text_values,
    empty_texts,
    entropy_n,
    mean_over_groups,
    self_bleu,
    unique_sentence_ratio,
)
from recbole_showcase.metrics.entailment import (
    EntailmentModel,
    entailed_share,
    entailed_share_values,
)
from recbole_showcase.metrics.features import (
    feature_coverage_ratio,
    feature_diversity,
    feature_matching_ratio,
    feature_matching_values,
    feature_mentions,
    known_feature_coverage,
    known_feature_coverage_values,
    known_feature_ratio,
    known_feature_values,
)
from recbole_showcase.metrics.grounding import (
    hallucination_rate,
    hallucination_values,
    photo_support,
    text_change,
    text_change_values,
    text_gap,
    text_gap_values,
)
from recbole_showcase.metrics.images import (
    image_diversity,
    image_diversity_values,
    image_f1,
    image_f1_values,
    image_ndcg,
    image_ndcg_values,
    image_precision,
    image_precision_values,
    image_recall,
    image_recall_values,
)
from recbole_showcase.metrics.joint import (
    explained_hit_share,
    explained_hit_values,
    joint_hit,
    joint_hit_values,
    rightly_explained,
    score_sentiment_agreement,
)
from recbole_showcase.metrics.lexicon import (
    mine_lexicon,
    read_lexicon,
)
from recbole_showcase.metrics.mauve import (
    mauve,
    mauve_of_vectors,
)
from recbole_showcase.metrics.meteor import (
    load_wordnet,
    meteor,
    meteor_values,
)
from recbole_showcase.metrics.metric import (
    Metric,
)
from recbole_showcase.metrics.photo_text import (
    clip_score,
    clip_score_statistics,
)
from recbole_showcase.metrics.pretrained import (
    TextModel,
)
from recbole_showcase.metrics.ratings import (
    rated_pairs,
    rating_coherence,
    rating_coherence_values,
    rating_error_values,
    rating_mae,
    rating_rmse,
    rating_rmse_statistics,
)
from recbole_showcase.metrics.rouge import (
    rouge,
    rouge_values,
)
from recbole_showcase.metrics.sentiment import (
    sentiment,
)
from recbole_showcase.metrics.significance import (
    Comparison,
    holm,
    paired_bootstrap,
    paired_effect,
)
from recbole_showcase.metrics.statistics import (
    Statistics,
)

__all__ = [
    "Comparison",
    "EntailmentModel",
    "LikelihoodModel",
    "Metric",
    "Statistics",
    "TextModel",
    "authorship_auc",
    "authorship_auc_values",
    "authorship_ndcg",
    "authorship_ndcg_values",
    "authorship_recall",
    "authorship_recall_values",
    "bart_score",
    "bart_score_values",
    "bert_score",
    "bert_score_baseline",
    "bert_score_values",
    "bleu_statistics",
    "case_places",
    "case_statistics",
    "cider",
    "cider_values",
    "clip_align",
    "clip_align_statistics",
    "clip_score",
    "clip_score_statistics",
    "corpus_bleu",
    "distinct_n",
    "empty_text_values",
    "empty_texts",
    "entailed_share",
    "entailed_share_values",
    "entropy_n",
    "explained_hit_share",
    "explained_hit_values",
    "feature_coverage_ratio",
    "feature_diversity",
    "feature_matching_ratio",
    "feature_matching_values",
    "feature_mentions",
    "hallucination_rate",
    "hallucination_values",
    "holm",
    "image_diversity",
    "image_diversity_values",
    "image_f1",
    "image_f1_values",
    "image_ndcg",
    "image_ndcg_values",
    "image_precision",
    "image_precision_values",
    "image_recall",
    "image_recall_values",
    "joint_hit",
    "joint_hit_values",
    "known_feature_coverage",
    "known_feature_coverage_values",
    "known_feature_ratio",
    "known_feature_values",
    "krippendorff_alpha",
    "load_wordnet",
    "mauve",
    "mauve_of_vectors",
    "mean_correlation",
    "mean_over_groups",
    "meteor",
    "meteor_values",
    "mine_lexicon",
    "paired_bootstrap",
    "paired_effect",
    "photo_support",
    "rated_pairs",
    "rating_coherence",
    "rating_coherence_values",
    "rating_error_values",
    "rating_mae",
    "rating_rmse",
    "rating_rmse_statistics",
    "read_lexicon",
    "rightly_explained",
    "rouge",
    "rouge_values",
    "sacre_bleu",
    "sacre_bleu_statistics",
    "score_sentiment_agreement",
    "self_bleu",
    "sentiment",
    "text_change",
    "text_change_values",
    "text_gap",
    "text_gap_values",
    "unique_sentence_ratio",
]
