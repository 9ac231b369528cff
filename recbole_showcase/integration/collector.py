"""RecBole's collector of evaluation inputs, with explanations of the held-out rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from recbole.evaluator import Collector

from recbole_showcase.data.corpus import Features
from recbole_showcase.data.explanation import ExplanationData, Pairs
from recbole_showcase.distillation.classifier import AlignmentClassifier, classifier_for
from recbole_showcase.encoders.clip import ClipEncoder
from recbole_showcase.encoders.store import FeatureStore
from recbole_showcase.integration.metrics import (
    NEEDS_ALIGNMENT,
    NEEDS_PHOTOS,
    NEEDS_SENTENCES,
    NEEDS_TEXTS,
    OUTPUTS,
)
from recbole_showcase.outputs import EvaluationOutputs
from recbole_showcase.sentences import split_sentences


class ShowcaseCollector(Collector):
    """Explains rows of the evaluated split in ``model_collect``, as far as metrics need it.

    Attributes:
        rows: The rows to explain at the next evaluation; None for no explanations.
    """

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.rows: np.ndarray | None = None
        self._encoder: ClipEncoder | None = None
        self._alignment: AlignmentClassifier | None = None
        if self.register.need(NEEDS_ALIGNMENT):  # found or missed now, not after the training
            store = FeatureStore.open(config["data_path"], config["showcase_encoder"], "image")
            self._alignment = classifier_for(store.meta, config["showcase_alignment"])

    def model_collect(self, model: Any) -> None:
        """Explain the rows and keep the outputs for the metrics."""
        super().model_collect(model)
        needs = (NEEDS_PHOTOS, NEEDS_TEXTS, NEEDS_SENTENCES, NEEDS_ALIGNMENT)
        asked = any(map(self.register.need, needs))
        if self.rows is not None and asked:
            self.data_struct.set(OUTPUTS, self._explain(model, self.rows))

    def get_data_struct(self) -> Any:
        """RecBole's, which does not forget what it does not know."""
        struct = super().get_data_struct()
        if OUTPUTS in self.data_struct:
            del self.data_struct[OUTPUTS]
        return struct

    def _explain(self, model: Any, rows: np.ndarray) -> EvaluationOutputs:
        data: ExplanationData = model.showcase.data
        sentences = self.register.need(NEEDS_SENTENCES) or self._alignment is not None
        pairs = Pairs.of_rows(data.corpus, rows)
        text = sentences or self.register.need(NEEDS_TEXTS)
        outputs = model.explain(pairs, text=text, progress=bool(self.config["show_progress"]))
        features, owners = np.empty((0, data.feature_dim)), np.empty(0, dtype=np.int64)
        if sentences:
            texts, owners = split_sentences(outputs.texts)
            features = self._sentence_features(data.photos.features, texts)
        photos = data.photos.features[outputs.photos]
        most = int(data.photos.of_row.lengths(rows).max(initial=0))
        return EvaluationOutputs(
            outputs=outputs,
            relevant=data.photos.of_row.first(rows, most),
            photo_features=photos,
            references=list(data.corpus.targets[rows]),
            sentence_features=features,
            sentence_owners=owners,
            sentence_confidences=self._confidences(features, photos[owners]),
        )

    def _confidences(self, sentences: np.ndarray, photos: np.ndarray) -> np.ndarray:
        """Confidence (S, k) that sentences (S, D) describe the photos (S, k, D) beside them."""
        shape = photos.shape[:2]
        if self._alignment is None:
            return np.empty(shape, dtype=np.float32)
        both = np.repeat(sentences, shape[1], axis=0), photos.reshape(-1, photos.shape[2])
        return self._alignment.confidence(*both).reshape(shape)

    def _sentence_features(self, photos: Features, sentences: list[str]) -> np.ndarray:
        """CLIP features (S, D) of sentences, by the encoder that made the photos' features."""
        if self._encoder is None:
            self._encoder = ClipEncoder.of_store(photos.store, str(self.config["device"]))
        size = self.config["showcase_eval_batch_size"]
        parts = [
            self._encoder.encode_texts(sentences[start : start + size]).float().cpu().numpy()
            for start in range(0, len(sentences), size)
        ]
        return np.concatenate([np.empty((0, photos.dim), np.float32), *parts])
