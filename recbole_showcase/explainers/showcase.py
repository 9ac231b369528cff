"""The multi-modal explainer of "Personalized Showcases".

Yan, He, Li, Zhang, McAuley: "Personalized Showcases: Generating Multi-Modal Explanations for
Recommendations", SIGIR 2023, arXiv 2207.00422. Photos and past reviews, as CLIP features, are
projected to one width and pass through stacked self-attention over both; GPT-2 writes the text
with cross-attention to the result. Differences: the recommender's user and item vectors may stand
beside photos and reviews, and a learned vector tells the four kinds apart. The authors published
no code; sizes are ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import GPT2Config, GPT2LMHeadModel

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.data.tokenizer import TextTokenizer
from recbole_showcase.explainers.base import Explainer, ExplainerInputs, Standardise


@dataclass(frozen=True)
class ShowcaseExplainerSettings:
    """Settings; ``properties/explainer/showcase.yaml`` explains and defaults them."""

    explainer_decoder: str | None
    explainer_hidden_size: int
    explainer_attention_layers: int
    explainer_decoder_layers: int
    explainer_heads: int
    explainer_dropout: float
    explainer_use_photos: bool
    explainer_use_reviews: bool
    explainer_num_beams: int


class ShowcaseExplainer(Explainer):
    """Self-attention over photos and reviews, and a GPT-2 that attends to it."""

    Settings = ShowcaseExplainerSettings
    loss_names = ("cross_entropy",)

    def __init__(
        self, settings: ShowcaseExplainerSettings, inputs: ExplainerInputs, tokenizer: TextTokenizer
    ) -> None:
        super().__init__(settings, inputs, tokenizer)
        self.decoder = self._decoder()
        self.encoder = MultiModalEncoder(settings, inputs, self.decoder.config.n_embd)

    def _decoder(self) -> GPT2LMHeadModel:
        """GPT-2 with cross-attention: pretrained, or of the configured sizes."""
        settings = self.settings
        if settings.explainer_decoder:
            decoder = GPT2LMHeadModel.from_pretrained(
                settings.explainer_decoder, add_cross_attention=True
            )
            decoder.resize_token_embeddings(len(self.tokenizer))
        else:
            dropout = settings.explainer_dropout
            decoder = GPT2LMHeadModel(
                GPT2Config(
                    vocab_size=len(self.tokenizer),
                    bos_token_id=self.tokenizer.bos_id,
                    eos_token_id=self.tokenizer.eos_id,
                    n_positions=self.inputs.max_tokens + 2,
                    n_embd=settings.explainer_hidden_size,
                    n_layer=settings.explainer_decoder_layers,
                    n_head=settings.explainer_heads,
                    resid_pdrop=dropout,
                    embd_pdrop=dropout,
                    attn_pdrop=dropout,
                    # GPT-2's 0.02 belongs to its width of 768; at a small width it would all but
                    # silence the cross-attention, and the text would take long to follow photos.
                    initializer_range=0.02 * math.sqrt(768 / settings.explainer_hidden_size),
                    add_cross_attention=True,
                )
            )
        generation = decoder.generation_config
        generation.bos_token_id = self.tokenizer.bos_id
        generation.eos_token_id = self.tokenizer.eos_id
        generation.pad_token_id = self.tokenizer.pad_id
        return decoder

    def forward(
        self, batch: ExplanationBatch, users: Tensor | None, items: Tensor | None
    ) -> tuple[Tensor, ...]:
        """Mean cross-entropy of a target token; see :meth:`Explainer.forward`."""
        memory, memory_mask = self.encoder(batch, users, items)
        logits = self.decoder(
            input_ids=batch.tokens[:, :-1],
            attention_mask=batch.token_mask[:, :-1],
            encoder_hidden_states=memory,
            encoder_attention_mask=memory_mask,
        ).logits  # (B, T - 1, V)
        targets = batch.tokens[:, 1:].masked_fill(~batch.token_mask[:, 1:], -100)
        return (F.cross_entropy(logits.transpose(1, 2), targets),)

    @torch.no_grad()
    def generate(
        self, batch: ExplanationBatch, users: Tensor | None, items: Tensor | None
    ) -> list[str]:
        """Texts of the pairs; see :meth:`Explainer.generate`."""
        memory, memory_mask = self.encoder(batch, users, items)
        start = torch.full((len(batch), 1), self.tokenizer.bos_id, device=memory.device)
        ids = self.decoder.generate(  # type: ignore[misc]
            start,
            attention_mask=torch.ones_like(start),
            encoder_hidden_states=memory,
            encoder_attention_mask=memory_mask,
            max_new_tokens=self.inputs.max_tokens,
            num_beams=self.settings.explainer_num_beams,
            do_sample=False,
        )  # (B, 1 + T)
        return self.tokenizer.decode(ids[:, 1:].tolist())


class MultiModalEncoder(nn.Module):
    """Photos, reviews and the recommender's vectors as one sequence under self-attention."""

    def __init__(
        self, settings: ShowcaseExplainerSettings, inputs: ExplainerInputs, output_size: int
    ) -> None:
        super().__init__()
        width = settings.explainer_hidden_size
        self.projections = nn.ModuleDict()
        for kind, used, statistics in (
            ("photo", settings.explainer_use_photos, inputs.photo_statistics),
            ("review", settings.explainer_use_reviews, inputs.review_statistics),
        ):
            if used:
                project = nn.Linear(statistics.shape[1], width)
                self.projections[kind] = nn.Sequential(
                    Standardise(statistics), project, nn.LayerNorm(width)
                )
        for kind, size in (("user", inputs.user), ("item", inputs.item)):
            if size:
                self.projections[kind] = nn.Sequential(nn.Linear(size, width), nn.LayerNorm(width))
        self.kinds = nn.ParameterDict(
            {kind: nn.Parameter(torch.randn(width) * 0.02) for kind in self.projections}
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
        self, batch: ExplanationBatch, users: Tensor | None, items: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Hidden states (B, S, H) and their mask (B, S), S = 1 + U + I + P + R."""
        always = torch.ones_like(batch.users, dtype=torch.bool).unsqueeze(1)  # (B, 1)
        inputs: dict[str, tuple[Tensor | None, Tensor]] = {
            "user": (None if users is None else users.unsqueeze(1), always),
            "item": (None if items is None else items.unsqueeze(1), always),
            "photo": (batch.photo_features, batch.photo_mask),
            "review": (batch.review_features, batch.review_mask),
        }
        states = [self.nothing.expand(len(batch), 1, -1)]
        masks = [always]
        for kind, (features, mask) in inputs.items():
            if kind in self.projections and features is not None:
                states.append(self.projections[kind](features) + self.kinds[kind])
                masks.append(mask)
        mask = torch.cat(masks, dim=1)  # (B, S)
        hidden = self.layers(torch.cat(states, dim=1), src_key_padding_mask=~mask)  # (B, S, H)
        return self.output(hidden), mask
