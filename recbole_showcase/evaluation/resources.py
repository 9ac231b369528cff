"""What evaluations need from outside, found or missed before a training rather than after it."""

from __future__ import annotations

from functools import cached_property
from logging import getLogger
from pathlib import Path
from typing import Any

import numpy as np

from recbole_showcase.data.corpus import Features, ReviewCorpus
from recbole_showcase.data.explanation import ExplanationData
from recbole_showcase.data.lexicon import mined_lexicon
from recbole_showcase.distillation.classifier import AlignmentClassifier, classifier_for
from recbole_showcase.encoders.store import FeatureStore
from recbole_showcase.errors import SettingsError
from recbole_showcase.metrics import (
    EntailmentModel,
    LikelihoodModel,
    TextModel,
    bert_score_baseline,
    load_wordnet,
    read_lexicon,
)
from recbole_showcase.settings import ShowcaseSettings

_NAMES = {  # what settings without a default may name
    "text_model": "a pretrained model that reads texts, by name or path",
    "text_baseline": "a file of baselines, or a language that the package bert-score has some of",
    "nli_model": "a pretrained classifier of natural-language inference, by name or path",
    "seq2seq_model": "a pretrained sequence-to-sequence model, by name or path",
}


class EvaluationResources:
    """Models and word lists that the evaluations of a run share, each loaded when asked for."""

    def __init__(self, settings: ShowcaseSettings, data_path: Path, device: str) -> None:
        """Remember where things are.

        Args:
            settings: Of the run.
            data_path: The data set's folder.
            device: Where models go.
        """
        self.settings, self.data_path, self.device = settings, data_path, device
        self.data: ExplanationData | None = None  # once it is there, before the training
        self.encoder: Any = None  # of texts, in the space of the photos' features
        self._mined: tuple[ReviewCorpus, list[str]] | None = None
        self._told: set[str] = set()

    def tell(self, line: str) -> None:
        """Log a warning, once a run however often it is evaluated."""
        if line not in self._told:
            self._told.add(line)
            getLogger().warning(line)

    @cached_property
    def given_lexicon(self) -> list[str] | None:
        """The features of the file that the settings name; None where they name none.

        Raises:
            DataError: If the file is no lexicon.
        """
        return read_lexicon(self.settings.lexicon) if self.settings.lexicon else None

    @cached_property
    def alignment(self) -> AlignmentClassifier:
        """The classifier of sentences and photos, for the encoder of the feature store.

        Raises:
            ShowcaseError: If there is none for the encoder, or it is damaged.
        """
        store = FeatureStore.open(self.data_path, self.settings.encoder, "image")
        return classifier_for(store.meta, self.settings.alignment)

    @cached_property
    def text_model(self) -> TextModel:
        """The model that reads texts, loaded.

        Raises:
            SettingsError: If the settings name none, or it cannot be loaded.
        """
        return TextModel(_named("text_model", self.settings.text_model), self.device)

    @cached_property
    def text_baseline(self) -> float:
        """The baseline that rescales BERTScore at its layer.

        Raises:
            SettingsError: If the settings name none, or it is not to be found.
        """
        given = _named("text_baseline", self.settings.text_baseline)
        return bert_score_baseline(given, self.text_model, layer=self.settings.text_layer)

    @cached_property
    def nli_model(self) -> EntailmentModel:
        """The model that tells what follows from a text, loaded.

        Raises:
            SettingsError: If the settings name none, or it cannot be loaded.
        """
        return EntailmentModel(_named("nli_model", self.settings.nli_model), self.device)

    @cached_property
    def seq2seq_model(self) -> LikelihoodModel:
        """The model that tells how likely a text is, loaded.

        Raises:
            SettingsError: If the settings name none, or it cannot be loaded.
        """
        return LikelihoodModel(_named("seq2seq_model", self.settings.seq2seq_model), self.device)

    def wordnet(self) -> Any:
        """WordNet, for METEOR's synonyms.

        Raises:
            SettingsError: If it is not installed.
        """
        return load_wordnet()

    def text_features(self, photos: Features, texts: list[str]) -> np.ndarray:
        """CLIP features (S, D) of texts, by the encoder that made the photos' features."""
        parts = [np.empty((0, photos.dim), np.float32)]
        if texts:
            self.require_encoder()
        size = self.settings.eval_batch_size
        for start in range(0, len(texts), size):
            features = self.encoder.encode_texts(texts[start : start + size])
            parts.append(features.float().cpu().numpy())
        return np.concatenate(parts)

    def require_encoder(self) -> None:
        """Load the encoder that made the features.

        Raises:
            FeatureStoreError: If it cannot be loaded, or is not the same one any more.
        """
        if self.encoder is None:
            store = FeatureStore.open(self.data_path, self.settings.encoder, "image")
            # open_clip takes seconds to import; only metrics that encode texts need it.
            from recbole_showcase.encoders.clip import ClipEncoder

            self.encoder = ClipEncoder.of_store(store, self.device)

    def require_lexicon(self) -> None:
        """Read the lexicon, or mine it once there are data.

        Raises:
            DataError: If the file is no lexicon, or if there is none to mine.
        """
        if self.given_lexicon is None and self.data is not None:
            self.lexicon(self.data)

    def lexicon(self, data: ExplanationData) -> list[str]:
        """The features of the file that the settings name, or those mined from the training split.

        Raises:
            DataError: If the file is no lexicon, or if there is none to mine.
        """
        if self.given_lexicon is not None:
            return self.given_lexicon
        # One configuration may serve several splits, and what one mines may be held out in another.
        if self._mined is None or self._mined[0] is not data.corpus:
            self._mined = data.corpus, mined_lexicon(data.corpus, self.settings.lexicon_size)
        return self._mined[1]


def _named(setting: str, value: str | None) -> str:
    """The value of a setting that names what a metric cannot do without.

    Raises:
        SettingsError: If it has none.
    """
    if not value:
        raise SettingsError(
            f"it needs what the setting 'showcase_{setting}' names, which has no value; allowed: "
            + _NAMES[setting]
        )
    return value
