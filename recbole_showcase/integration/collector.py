"""RecBole's collector of evaluation inputs, with explanations of the held-out rows."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from recbole.evaluator import Collector

from recbole_showcase.data.corpus import Features
from recbole_showcase.data.explanation import ExplanationData
from recbole_showcase.data.pairs import Pairs
from recbole_showcase.distillation.classifier import AlignmentClassifier, classifier_for
from recbole_showcase.encoders.clip import ClipEncoder
from recbole_showcase.encoders.store import FeatureStore
from recbole_showcase.evaluation.evaluation import EvaluationOutputs, Swap
from recbole_showcase.evaluation.support import lexicon_of, supported_features
from recbole_showcase.evaluation.swaps import from_own_photos, swap_photos, swap_users
from recbole_showcase.integration.evaluator import ROW_USERS
from recbole_showcase.integration.metrics import (
    NEEDS_ALIGNMENT,
    NEEDS_FEATURES,
    NEEDS_OWN_PHOTOS,
    NEEDS_PHOTOS,
    NEEDS_SCORES,
    NEEDS_SENTENCES,
    NEEDS_SUPPORT,
    NEEDS_SWAPPED_PHOTOS,
    NEEDS_SWAPPED_USERS,
    NEEDS_TEXTS,
    OUTPUTS,
)
from recbole_showcase.integration.processes import of_all_processes
from recbole_showcase.text.sentences import split_sentences

_WITH_TEXTS = (
    NEEDS_TEXTS,
    NEEDS_SENTENCES,
    NEEDS_FEATURES,
    NEEDS_SUPPORT,
    NEEDS_SWAPPED_PHOTOS,
    NEEDS_SWAPPED_USERS,
)


class ShowcaseCollector(Collector):
    """Explains rows of the evaluated split in ``model_collect``, as far as metrics need it.

    Attributes:
        rows: The rows to explain at the next evaluation; None for no explanations.
    """

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.rows: np.ndarray | None = None
        self._encoder: ClipEncoder | None = None
        self._lexicon: list[str] | None = None
        self._ranked: list[np.ndarray] = []
        self._alignment: AlignmentClassifier | None = None
        if self.register.need(NEEDS_ALIGNMENT):  # found or missed now, not after the training
            store = FeatureStore.open(config["data_path"], config["showcase_encoder"], "image")
            self._alignment = classifier_for(store.meta, config["showcase_alignment"])

    def eval_batch_collect(
        self,
        scores_tensor: torch.Tensor,
        interaction: Any,
        positive_u: torch.Tensor,
        positive_i: torch.Tensor,
    ) -> None:
        """RecBole's, the users, and rank and score of held-out items where a metric needs them."""
        super().eval_batch_collect(scores_tensor, interaction, positive_u, positive_i)
        users = interaction[self.config["USER_ID_FIELD"]]
        if len(users) != len(scores_tensor):  # one a scored candidate, user by user
            users = torch.unique_consecutive(users)
        self.data_struct.update_tensor(ROW_USERS, users)
        if self.rows is not None and self.register.need(NEEDS_SCORES):
            self._ranked.append(_ranked(scores_tensor, users, positive_u, positive_i, self.topk))

    def model_collect(self, model: Any) -> None:
        """Explain the rows and keep the outputs for the metrics."""
        super().model_collect(model)
        asked = any(map(self.register.need, (NEEDS_PHOTOS, *_WITH_TEXTS)))
        if self.rows is not None and asked:
            self.data_struct.set(OUTPUTS, self._explain(model, self.rows))
        self._ranked = []

    def get_data_struct(self) -> Any:
        """RecBole's, which does not forget what it does not know."""
        struct = super().get_data_struct()
        if OUTPUTS in self.data_struct:
            del self.data_struct[OUTPUTS]
        return struct

    def _explain(self, model: Any, rows: np.ndarray) -> EvaluationOutputs:
        data: ExplanationData = model.showcase.data
        need = self.register.need
        pairs = Pairs.of_rows(data.corpus, rows)
        text = any(map(need, _WITH_TEXTS))
        outputs = model.explain(pairs, text=text, progress=bool(self.config["show_progress"]))
        encode = partial(self._text_features, data.photos.features)
        texts, owners = split_sentences(outputs.texts if need(NEEDS_SENTENCES) else [])
        sentences, shown = encode(texts), data.photos.features[outputs.photos]
        lexicon = self._features(model) if need(NEEDS_FEATURES) else []
        supported = np.empty((0, 0), dtype=bool)
        if need(NEEDS_SUPPORT):
            threshold = model.showcase.settings.support_cosine
            supported = supported_features(data, pairs.items, lexicon, encode, threshold)
        most = int(data.photos.of_row.lengths(rows).max(initial=0))
        ranks, scores = self._ranks_and_scores(pairs)
        seed, untouched = self.config["seed"], Swap([], np.empty(0, dtype=bool))
        photos, users = need(NEEDS_SWAPPED_PHOTOS), need(NEEDS_SWAPPED_USERS)
        return EvaluationOutputs(
            outputs=outputs,
            users=pairs.users,
            items=pairs.items,
            relevant=data.photos.of_row.first(rows, most),
            photo_features=shown,
            references=list(data.corpus.targets[rows]),
            sentence_features=sentences,
            sentence_owners=owners,
            sentence_confidences=self._confidences(sentences, shown[owners]),
            ranks=ranks,
            scores=scores,
            lexicon=lexicon,
            supported=supported,
            photo_swap=swap_photos(model, pairs, outputs, seed) if photos else untouched,
            user_swap=swap_users(model, pairs, outputs, seed) if users else untouched,
            from_own_photos=from_own_photos(model, pairs) if need(NEEDS_OWN_PHOTOS) else [],
        )

    def _confidences(self, sentences: np.ndarray, photos: np.ndarray) -> np.ndarray:
        """Confidence (S, k) that sentences (S, D) describe the photos (S, k, D) beside them."""
        shape = photos.shape[:2]
        if self._alignment is None:
            return np.empty(shape, dtype=np.float32)
        both = np.repeat(sentences, shape[1], axis=0), photos.reshape(-1, photos.shape[2])
        return self._alignment.confidence(*both).reshape(shape)

    def _features(self, model: Any) -> list[str]:
        """The lexicon, which stays the same over evaluations."""
        if self._lexicon is None:
            self._lexicon = lexicon_of(model.showcase.data, model.showcase.settings)
        return self._lexicon

    def _ranks_and_scores(self, pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
        """Rank, 0 for not recommended, and score, NaN for not scored, of pairs (N,) each."""
        table = np.concatenate([np.empty((4, 0)), *self._ranked], axis=1)
        if not self.config["single_spec"]:  # each process ranked some of the rows
            table = np.concatenate(of_all_processes(table), axis=1)
        users, items, ranks = table[:3].astype(np.int64)
        width = max(items.max(initial=0), pairs.items.max(initial=0)) + 1
        keys, first = np.unique(users * width + items, return_index=True)
        rank_of, score_of = np.zeros(len(pairs), np.int64), np.full(len(pairs), np.nan)
        wanted = pairs.users * width + pairs.items
        known = np.flatnonzero(np.isin(wanted, keys))
        place = first[np.searchsorted(keys, wanted[known])]
        rank_of[known], score_of[known] = ranks[place], table[3, place]
        return rank_of, score_of

    def _text_features(self, photos: Features, texts: list[str]) -> np.ndarray:
        """CLIP features (S, D) of texts, by the encoder that made the photos' features."""
        parts = [np.empty((0, photos.dim), np.float32)]
        if texts and self._encoder is None:
            self._encoder = ClipEncoder.of_store(photos.store, str(self.config["device"]))
        size = self.config["showcase_eval_batch_size"]
        for start in range(0, len(texts), size):
            features = self._encoder.encode_texts(texts[start : start + size])  # type: ignore[union-attr]
            parts.append(features.float().cpu().numpy())
        return np.concatenate(parts)


def _ranked(
    scores: torch.Tensor,
    users: torch.Tensor,
    positive_u: torch.Tensor,
    positive_i: torch.Tensor,
    topk: list[int],
) -> np.ndarray:
    """User, held-out item, its rank among the first max(topk), else 0, and its score.

    Args:
        scores: The recommender's scores of all items (B, I).
        users: Their users (B,).
        positive_u: The row of each held-out item (P,).
        positive_i: The held-out items (P,).
        topk: How many recommendations metrics look at.

    Returns:
        Shape (4, P) float64.
    """
    row, item = (torch.as_tensor(index).to(scores.device) for index in (positive_u, positive_i))
    best = torch.topk(scores, min(max(topk), scores.shape[1]), dim=-1).indices  # as RecBole's hits
    match = best[row] == item[:, None]  # (P, K)
    rank = torch.where(match.any(dim=1), match.int().argmax(dim=1) + 1, 0)
    columns = (users.to(scores.device)[row], item, rank, scores[row, item])
    return torch.stack([column.double() for column in columns]).cpu().numpy()
