"""The multi-modal explainer of "Personalized Showcases".

Yan, He, Li, Zhang, McAuley: "Personalized Showcases: Generating Multi-Modal Explanations for
Recommendations", SIGIR 2023, arXiv 2207.00422. Photos and past reviews, as CLIP features, are
projected to one width and pass through stacked self-attention over both; GPT-2 writes the text
with cross-attention to the result. It learns by cross-entropy and two contrastive losses:
photos against texts, with a hard negative whose entities are replaced, and past reviews against
texts, with negatives that weigh less the more alike two users are.

Differences: the recommender's user and item vectors may stand beside photos and reviews, and a
learned vector tells the four kinds apart. The authors published no code; sizes are ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.errors import SettingsError
from recbole_showcase.explainers.base import Explainer, ExplainerInputs
from recbole_showcase.explainers.contrastive import (
    Projection,
    cross_modal_loss,
    masked_mean,
    personal_loss,
)
from recbole_showcase.explainers.encoder import EncoderSettings, Memory, MultiModalEncoder
from recbole_showcase.explainers.generation import DecodingSettings, Special, decode
from recbole_showcase.explainers.gpt2 import DecoderSettings, build_decoder
from recbole_showcase.text.tokenizer import TextTokenizer


@dataclass(frozen=True)
class ContrastSettings:
    """Settings of the contrastive losses; the YAML file explains and defaults them."""

    explainer_cross_modal_weight: float
    explainer_personal_weight: float
    explainer_contrast_temperature: float
    explainer_contrast_alpha: float
    explainer_contrast_size: int

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name, least in (("cross_modal_weight", 0.0), ("personal_weight", 0.0),
                            ("contrast_alpha", 1.0), ("contrast_size", 1)):  # fmt: skip
            value = getattr(self, f"explainer_{name}")
            if value < least:
                raise SettingsError(f"explainer_{name} is {value}; allowed: {least} or more")
        if self.explainer_contrast_temperature <= 0:
            raise SettingsError(
                f"explainer_contrast_temperature is {self.explainer_contrast_temperature}; "
                "allowed: above 0"
            )


@dataclass(frozen=True)
class ShowcaseExplainerSettings(
    EncoderSettings, DecoderSettings, ContrastSettings, DecodingSettings
):
    """Settings; ``properties/explainer/showcase.yaml`` explains and defaults them."""

    def __post_init__(self) -> None:
        """Check the ranges of every part."""
        ContrastSettings.__post_init__(self)
        DecodingSettings.__post_init__(self)


class ShowcaseExplainer(Explainer):
    """Self-attention over photos and reviews, and a GPT-2 that attends to it."""

    Settings = ShowcaseExplainerSettings
    loss_names = ("cross_entropy", "cross_modal_contrast", "personal_contrast")

    def __init__(
        self, settings: ShowcaseExplainerSettings, inputs: ExplainerInputs, tokenizer: TextTokenizer
    ) -> None:
        super().__init__(settings, inputs, tokenizer)
        self.decoder = build_decoder(settings, tokenizer, inputs.max_tokens)
        width = self.decoder.config.n_embd
        self.encoder = MultiModalEncoder(settings, inputs, width)
        if "encoder" in settings.explainer_freeze:
            self.encoder.requires_grad_(False)
        size = settings.explainer_contrast_size
        self.projections = torch.nn.ModuleDict()
        if self._contrasts_photos:
            self.projections["photo"] = Projection(width, size)
        if self._contrasts_reviews:
            self.projections["review"] = Projection(width, size)
        if self.projections:
            self.projections["text"] = Projection(width, size)

    @property
    def _contrasts_photos(self) -> bool:
        return self.settings.explainer_cross_modal_weight > 0 and self.settings.explainer_use_photos

    @property
    def _contrasts_reviews(self) -> bool:
        return self.settings.explainer_personal_weight > 0 and self.settings.explainer_use_reviews

    @property
    def reads(self) -> frozenset[str]:
        """The hard negatives of the cross-modal loss, where it is on."""
        return frozenset({"replaced"}) if self._contrasts_photos else frozenset()

    def forward(
        self, batch: ExplanationBatch, users: Tensor | None, items: Tensor | None
    ) -> tuple[Tensor, ...]:
        """Mean cross-entropy of a target token and the weighted contrastive losses.

        A loss whose weight is zero, or whose input is switched off, is zero.
        See :meth:`Explainer.forward`.
        """
        memory = self.encoder(batch, users, items)
        tokens, mask = batch.tokens[:, :-1], batch.token_mask[:, 1:]
        replaced, replaced_mask = batch.replaced_tokens[:, :-1], batch.replaced_mask[:, 1:]
        if not self._contrasts_photos:
            replaced, replaced_mask = replaced[:, :0], replaced_mask[:, :0]
        text, other = self._read(memory, tokens, mask, replaced, replaced_mask)
        targets = batch.tokens[:, 1:].masked_fill(~batch.token_mask[:, 1:], -100)
        logits = self.decoder.lm_head(text)  # (B, T - 1, V)
        cross_entropy = F.cross_entropy(logits.transpose(1, 2), targets)
        return (cross_entropy, *self._contrast(batch, memory, text, mask, other, replaced_mask))

    def _read(
        self,
        memory: Memory,
        tokens: Tensor,
        mask: Tensor,
        replaced: Tensor,
        replaced_mask: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Hidden states (B, T, E) of the texts and (B, T', E) of those with other entities.

        Both pass through the decoder at once, as one batch of twice the size.
        """
        size, width = len(tokens), max(tokens.shape[1], replaced.shape[1])
        both = torch.cat([_widened(tokens, width), _widened(replaced, width)])
        used = torch.cat([_widened(mask, width), _widened(replaced_mask, width)])
        if not replaced.shape[1]:
            both, used = both[:size], used[:size]
        times = len(both) // size
        hidden = self.decoder.transformer(
            # A row without a text would attend to nothing; its first position stands in.
            attention_mask=used | ~used.any(dim=1, keepdim=True) & (_places(used) == 0),
            input_ids=both,
            encoder_hidden_states=memory.states.repeat(times, 1, 1),
            encoder_attention_mask=memory.mask.repeat(times, 1),
        ).last_hidden_state
        return hidden[:size, : tokens.shape[1]], hidden[-size:, : replaced.shape[1]]

    def _contrast(
        self,
        batch: ExplanationBatch,
        memory: Memory,
        text: Tensor,
        mask: Tensor,
        other: Tensor,
        other_mask: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """The weighted cross-modal and personal losses, zeros where they are off."""
        settings, none = self.settings, text.new_zeros(())
        if not self.projections:
            return none, none
        texts = self.projections["text"](text, mask)  # (B, E)
        cross_modal = personal = none
        if self._contrasts_photos:
            photos, photo_mask = memory.of("photo")
            cross_modal = settings.explainer_cross_modal_weight * cross_modal_loss(
                self.projections["photo"](photos, photo_mask),
                texts,
                self.projections["text"](other, other_mask),
                photo_mask.any(dim=1),
                other_mask.any(dim=1),
                settings.explainer_contrast_temperature,
            )
        if self._contrasts_reviews:
            reviews, review_mask = memory.of("review")
            personal = settings.explainer_personal_weight * personal_loss(
                self.projections["review"](reviews, review_mask),
                texts,
                masked_mean(batch.review_features, review_mask),
                review_mask.any(dim=1),
                settings.explainer_contrast_temperature,
                settings.explainer_contrast_alpha,
            )
        return cross_modal, personal

    @torch.no_grad()
    def generate(
        self, batch: ExplanationBatch, users: Tensor | None, items: Tensor | None
    ) -> list[str]:
        """Texts of the pairs; see :meth:`Explainer.generate`."""
        memory = self.encoder(batch, users, items)
        ids = decode(
            self.decoder,
            memory.states,
            memory.mask,
            self.settings,
            Special(self.tokenizer.bos_id, self.tokenizer.eos_id, self.tokenizer.pad_id),
            self.inputs.max_tokens,
            np.stack([batch.users.cpu().numpy(), batch.items.cpu().numpy()]),
        )
        return self.tokenizer.decode(ids.tolist())


def _widened(values: Tensor, width: int) -> Tensor:
    """Values (B, T) with zeros, which stand for padding, behind them: (B, width)."""
    return F.pad(values, (0, width - values.shape[1]))


def _places(values: Tensor) -> Tensor:
    """Number of each column of (B, T), (1, T)."""
    return torch.arange(values.shape[1], device=values.device).unsqueeze(0)
