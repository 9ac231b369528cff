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

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import GPT2LMHeadModel

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.explainers.base import (
    Embedded,
    Explainer,
    ExplainerInputs,
    PairSequence,
    masked_mean,
    next_token_loss,
)
from recbole_showcase.explainers.contrastive import (
    ContrastSettings,
    Projection,
    cross_modal_loss,
    personal_loss,
)
from recbole_showcase.explainers.decoding import DecodingSettings, Special, decode
from recbole_showcase.explainers.generation import pairs_of
from recbole_showcase.explainers.language_models import GPT2Settings, gpt2_decoder, lora_config
from recbole_showcase.explainers.masks import causal_mask, memory_mask
from recbole_showcase.text.tokenizer import TextTokenizer

# GPT-2's own attention and feed-forward layers, not the cross-attention that is new to it.
_LORA_TARGETS = r"transformer\.h\.\d+\.(attn\.(c_attn|c_proj)|mlp\.(c_fc|c_proj))"
_CROSS_ATTENTION = ("crossattention", "ln_cross_attn")


@dataclass(frozen=True)
class ShowcaseExplainerSettings(GPT2Settings, ContrastSettings, DecodingSettings):
    """Settings; ``properties/explainer/showcase.yaml`` explains them."""

    explainer_decoder: str | None = None
    explainer_attention_layers: int = 2
    explainer_use_photos: bool = True
    explainer_use_reviews: bool = True
    explainer_freeze: tuple[Literal["encoder", "cross_attention", "language_model"], ...] = ()
    explainer_lora_rank: int = 0
    explainer_lora_alpha: float = 16.0

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
        self.decoder = _decoder(settings, inputs.max_tokens + 2, tokenizer)
        width = self.decoder.config.n_embd
        self.encoder = MultiModalEncoder(settings, inputs, width)
        if "encoder" in settings.explainer_freeze:
            self.encoder.requires_grad_(False)
        size = settings.explainer_contrast_size
        self.projections = nn.ModuleDict()
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

    @property
    def past_reviews(self) -> int:
        """All of the profile, or none where settings leave them out."""
        return sys.maxsize if self.settings.explainer_use_reviews else 0

    def forward(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> tuple[Tensor, ...]:
        """Mean cross-entropy of a target token and the weighted contrastive losses.

        A loss whose weight is zero, or whose input is switched off, is zero.
        See :meth:`Explainer.forward`.
        """
        memory = self.memory(batch, user_vectors, item_vectors)
        tokens, mask = batch.tokens[:, :-1], batch.token_mask[:, 1:]
        replaced, replaced_mask = batch.replaced_tokens[:, :-1], batch.replaced_mask[:, 1:]
        if not self._contrasts_photos:
            replaced, replaced_mask = replaced[:, :0], replaced_mask[:, :0]
        text, other = self._read(memory, tokens, mask, replaced, replaced_mask)
        cross_entropy = next_token_loss(self.decoder.lm_head(text), batch)
        return (cross_entropy, *self._contrast(batch, memory, text, mask, other, replaced_mask))

    def memory(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> Memory:
        """What the decoder attends to."""
        return self.encoder(batch, user_vectors, item_vectors)

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
            attention_mask=causal_mask(
                used | ~used.any(dim=1, keepdim=True) & (_places(used) == 0)
            ),
            input_ids=both,
            encoder_hidden_states=memory.states.repeat(times, 1, 1),
            encoder_attention_mask=memory_mask(memory.mask.repeat(times, 1)),
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
        settings, off = self.settings, text.new_zeros(())
        if not self.projections:
            return off, off
        texts = self.projections["text"](text, mask)  # (B, E)
        cross_modal = personal = off
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
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> list[str]:
        """Texts of the pairs; see :meth:`Explainer.generate`."""
        return self.decoded(self.memory(batch, user_vectors, item_vectors), batch)

    def decoded(self, memory: Memory, batch: ExplanationBatch) -> list[str]:
        """Texts of the pairs of a batch from what the decoder attends to."""
        ids = decode(
            self.decoder,
            memory.states,
            memory.mask,
            self.settings,
            Special(self.tokenizer.bos_id, self.tokenizer.eos_id, self.tokenizer.pad_id),
            self.inputs.max_tokens,
            pairs_of(batch),
        )
        return self.tokenizer.decode(ids.tolist())


def _decoder(
    settings: ShowcaseExplainerSettings, positions: int, tokenizer: TextTokenizer
) -> GPT2LMHeadModel:
    """GPT-2 with cross-attention, with those parameters trainable that are to be trained."""
    decoder = gpt2_decoder(settings, positions, tokenizer, cross_attention=True)
    if settings.explainer_lora_rank:
        config = lora_config(decoder, settings, "explainer_lora_rank", target_modules=_LORA_TARGETS)
        from peft import inject_adapter_in_model

        inject_adapter_in_model(config, decoder)  # type: ignore[arg-type]
    for name, parameter in decoder.named_parameters():
        cross = any(part in name for part in _CROSS_ATTENTION)
        if ("cross_attention" if cross else "language_model") in settings.explainer_freeze:
            parameter.requires_grad_("lora_" in name)  # adapters are there to be trained
        elif cross:
            parameter.requires_grad_(True)  # peft has frozen all but the adapters
    return decoder


def _widened(values: Tensor, width: int) -> Tensor:
    """Values (B, T) with zeros, which stand for padding, behind them: (B, width)."""
    return F.pad(values, (0, width - values.shape[1]))


def _places(values: Tensor) -> Tensor:
    """Number of each column of (B, T), (1, T)."""
    return torch.arange(values.shape[1], device=values.device).unsqueeze(0)


@dataclass(frozen=True)
class Memory:
    """What the encoder makes of a batch, and where in it each kind of input is.

    Attributes:
        states: Hidden states (B, S, H).
        mask: Which of them are there (B, S).
        places: Columns of each kind of input: nothing, user, item, photo, review, and more.
    """

    states: Tensor
    mask: Tensor
    places: dict[str, slice]

    def of(self, kind: str) -> tuple[Tensor, Tensor]:
        """Hidden states (B, P, H) and mask (B, P) of one kind of input."""
        place = self.places.get(kind, slice(0, 0))
        return self.states[:, place], self.mask[:, place]


class MultiModalEncoder(PairSequence):
    """MMA: photos, past reviews and the recommender's vectors under stacked self-attention."""

    def __init__(
        self, settings: ShowcaseExplainerSettings, inputs: ExplainerInputs, output_size: int
    ) -> None:
        width = settings.explainer_hidden_size
        super().__init__(
            inputs,
            width,
            photos=settings.explainer_use_photos,
            reviews=settings.explainer_use_reviews,
            of_features=lambda standardise, layer: nn.Sequential(
                standardise, layer, nn.LayerNorm(width)
            ),
            of_vectors=lambda size, layer: nn.Sequential(layer, nn.LayerNorm(width)),
        )
        # Attention needs a place to look at where a pair has no photo, no review and no vectors.
        self.nothing = nn.Parameter(torch.randn(width) * 0.02)
        layer = nn.TransformerEncoderLayer(
            width,
            settings.explainer_heads,
            dim_feedforward=4 * width,
            dropout=settings.explainer_dropout,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.layers = nn.TransformerEncoder(
            layer,
            settings.explainer_attention_layers,
            norm=nn.LayerNorm(width),
            enable_nested_tensor=False,
        )
        same = output_size == width
        self.output = nn.Identity() if same else nn.Linear(width, output_size)

    def forward(
        self,
        batch: ExplanationBatch,
        user_vectors: Tensor | None,
        item_vectors: Tensor | None,
        more: Iterable[Embedded] = (),
    ) -> Memory:
        """Attend over all inputs: S = 1 + U + I + P + R positions, and those of ``more``."""
        states = [self.nothing.expand(len(batch), 1, -1)]
        masks = [torch.ones_like(batch.users, dtype=torch.bool).unsqueeze(1)]  # (B, 1)
        places = {"nothing": slice(0, 1)}
        end = 1
        for kind, embedded, mask in (*self.embed(batch, user_vectors, item_vectors), *more):
            states.append(embedded)
            masks.append(mask)
            places[kind] = slice(end, end := end + mask.shape[1])
        mask = torch.cat(masks, dim=1)  # (B, S)
        hidden = self.layers(torch.cat(states, dim=1), src_key_padding_mask=~mask)  # (B, S, H)
        return Memory(self.output(hidden), mask, places)
