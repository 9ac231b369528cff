"""Quotes what others wrote of the item that fits the user and the chosen photos.

A sentence is compared, as CLIP features, with the mean of the user's past reviews and with the mean
of the chosen photos. Texts and photos lie in different regions of CLIP's space, so each cosine is
standardised over the sentences of the item before they are added. Of a user without a past nothing
is known but what is typical of the item: similarity to the mean of its sentences takes the
profile's place. A determinantal point process chooses a set that is relevant and varied, as it does
of photos.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.errors import SettingsError
from recbole_showcase.explainers.base import ExplainerInputs
from recbole_showcase.explainers.quoting import Quoting, QuotingSettings
from recbole_showcase.relevance.clip import similarity, typicality
from recbole_showcase.selectors.dpp import DPPSelector, DPPSettings
from recbole_showcase.text.tokenizer import TextTokenizer


@dataclass(frozen=True)
class QuoteSettings(QuotingSettings):
    """Settings; ``properties/explainer/quote.yaml`` explains them."""

    explainer_photo_weight: float = 2.0
    explainer_trade_off: float = 1.0

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name in ("explainer_photo_weight", "explainer_trade_off"):
            value = getattr(self, name)
            if not 0.0 <= value < float("inf"):
                raise SettingsError(f"{name} is {value}; allowed is a finite number >= 0")


class QuoteExplainer(Quoting):
    """Quotes a varied set of sentences that fit the user and the photos."""

    Settings = QuoteSettings

    def __init__(
        self, settings: QuoteSettings, inputs: ExplainerInputs, tokenizer: TextTokenizer
    ) -> None:
        super().__init__(settings, inputs, tokenizer)
        self.selector = DPPSelector(DPPSettings(settings.explainer_trade_off))

    def relevance(self, batch: ExplanationBatch) -> Tensor:
        """How well sentences fit the user and the photos (B, S)."""
        return fit(batch, self.settings.explainer_photo_weight)


def fit(batch: ExplanationBatch, photo_weight: float) -> Tensor:
    """Similarity of sentences to the user's past, and to the photos, in standard deviations (B, S).

    Args:
        batch: Pairs with sentences.
        photo_weight: What likeness to the photos counts beside likeness to the past.
    """
    sentences, mask = batch.sentence_features, batch.sentence_mask
    has_past = batch.review_mask.any(dim=1, keepdim=True)  # (B, 1)
    profile = torch.where(
        has_past,
        similarity(sentences, mask, batch.review_features, batch.review_mask),
        typicality(sentences, mask),
    )
    photos = similarity(sentences, mask, batch.photo_features, batch.photo_mask)
    return profile + photo_weight * photos
