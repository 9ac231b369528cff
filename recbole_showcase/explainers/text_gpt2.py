"""GPT-2 that continues from the user's past reviews.

Radford et al.: "Language Models are Unsupervised Multitask Learners", 2019; as the text-only
baseline "Text GPT-2" in Yan et al.: "Personalized Showcases: Generating Multi-Modal Explanations
for Recommendations", SIGIR 2023. The words of the user's past reviews are the prompt, each review
behind a start token, the oldest first; the text to write is the next review. Only its tokens are
trained on. Differences: that paper published no code, so the layout of the prompt is ours; without
``explainer_decoder`` a small GPT-2 is made here, pretrained on nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.explainers.base import ExplainerInputs
from recbole_showcase.explainers.language_models import (
    PromptedExplainer,
    PromptedSettings,
    language_model,
    past_words,
)
from recbole_showcase.text.tokenizer import TextTokenizer


@dataclass(frozen=True)
class TextGPT2Settings(PromptedSettings):
    """Settings; ``properties/explainer/text_gpt2.yaml`` explains them."""

    explainer_decoder: str | None = None
    explainer_prompt_size: int = 128


class TextGPT2Explainer(PromptedExplainer):
    """GPT-2 behind the words of the user's past reviews."""

    Settings = TextGPT2Settings

    def __init__(
        self, settings: TextGPT2Settings, inputs: ExplainerInputs, tokenizer: TextTokenizer
    ) -> None:
        super().__init__(settings, inputs, tokenizer)
        prompt_size = settings.explainer_prompt_size
        self.language_model = language_model(
            settings, "explainer_decoder", prompt_size, inputs, tokenizer
        )

    @property
    def reads(self) -> frozenset[str]:
        """The words of the user's past reviews."""
        return frozenset({"user_reviews"})

    def prompt(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Embedded words of the past reviews; see :meth:`PromptedExplainer.prompt`."""
        start, most = self.tokenizer.bos_id, self.settings.explainer_prompt_size
        past = batch.user_review_tokens, batch.user_review_mask
        words, mask = past_words(*past, start, most)  # (B, P)
        return self.embed(words), mask
