"""GPT-2 that writes behind the photos.

Radford et al.: "Language Models are Unsupervised Multitask Learners", 2019; as the photo-only
baseline of Yan et al.: "Personalized Showcases: Generating Multi-Modal Explanations for
Recommendations", SIGIR 2023. Each photo's CLIP feature is projected to one embedding of the prompt,
as in ClipCap (Mokady, Hertz, Bermano, 2021, arXiv 2111.09734) with a prefix of one. Differences:
the paper published no code, so the layout of the prompt is ours; features are standardised; without
``explainer_decoder`` a small GPT-2 is made here, pretrained on nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.data.inputs import Standardise
from recbole_showcase.explainers.base import ExplainerInputs
from recbole_showcase.explainers.language_models import (
    PromptedExplainer,
    PromptedSettings,
    language_model,
    to_the_right,
)
from recbole_showcase.text.tokenizer import TextTokenizer


@dataclass(frozen=True)
class ImgGPT2Settings(PromptedSettings):
    """Settings; ``properties/explainer/img_gpt2.yaml`` explains them."""

    explainer_decoder: str | None = None
    explainer_max_photos: int = 8


class ImgGPT2Explainer(PromptedExplainer):
    """GPT-2 behind one embedding a photo."""

    Settings = ImgGPT2Settings

    def __init__(
        self, settings: ImgGPT2Settings, inputs: ExplainerInputs, tokenizer: TextTokenizer
    ) -> None:
        super().__init__(settings, inputs, tokenizer)
        prompt_size = settings.explainer_max_photos
        self.language_model = language_model(
            settings, "explainer_decoder", prompt_size, inputs, tokenizer
        )
        statistics = inputs.photo_statistics
        project = nn.Linear(statistics.shape[1], self.embedding_size)
        self.project = nn.Sequential(Standardise(statistics), project)

    def prompt(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Projected photos; see :meth:`PromptedExplainer.prompt`."""
        most = self.settings.explainer_max_photos
        features, mask = batch.photo_features[:, :most], batch.photo_mask[:, :most]
        photos, mask = to_the_right(features, mask, most)
        return self.project(photos), mask
