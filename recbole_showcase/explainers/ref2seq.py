"""A sequence-to-sequence model that refers to past reviews of the user and of the item.

Ni, Li, McAuley: "Justifying Recommendations using Distantly-Labeled Reviews and Fine-Grained
Aspects", EMNLP 2019 (Ref2Seq). A bidirectional GRU encodes each past review; a linear layer mixes
the states of the reviews position by position; a GRU decoder starts from the sum of both sides'
last states and attends to the states of each side. Sizes are those of the authors' code
(github.com/nijianmo/recsys_justification), scaled down. Differences: the references are past
reviews, cut at ``showcase_max_tokens``, not sentences picked from them; a decoder layer starts from
the sum of both directions' last states of the same layer; the score of attention has the tanh which
the paper puts around it as we read it (without, as in the code, it would not depend on the
decoder); the aspects of AP-Ref2Seq are left out; writing is greedy, the authors' has a beam.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.explainers.base import (
    Explainer,
    ExplainerInputs,
    greedy_texts,
    next_token_loss,
)
from recbole_showcase.text.tokenizer import TextTokenizer


@dataclass(frozen=True)
class Ref2SeqSettings:
    """Settings; ``properties/explainer/ref2seq.yaml`` explains them."""

    explainer_hidden_size: int = 128
    explainer_layers: int = 2
    explainer_max_reviews: int = 5
    explainer_encoder_dropout: float = 0.5
    explainer_dropout: float = 0.2


@dataclass(frozen=True)
class References:
    """What the decoder attends to and starts from.

    Attributes:
        states: Mixed states of the user's and of the item's reviews, two of (B, L, H).
        masks: Which of them are there, two of (B, L).
        last: Both sides' last states, added (layers, B, H).
    """

    states: tuple[Tensor, Tensor]
    masks: tuple[Tensor, Tensor]
    last: Tensor


class Ref2SeqExplainer(Explainer):
    """Two encoders of past reviews, and a GRU that attends to both."""

    Settings = Ref2SeqSettings
    loss_names = ("cross_entropy",)

    def __init__(
        self, settings: Ref2SeqSettings, inputs: ExplainerInputs, tokenizer: TextTokenizer
    ) -> None:
        super().__init__(settings, inputs, tokenizer)
        width, layers = settings.explainer_hidden_size, settings.explainer_layers
        dropout = settings.explainer_dropout
        self.embedding = nn.Embedding(len(tokenizer), width)
        self.user_encoder = ReferenceEncoder(settings)
        self.item_encoder = ReferenceEncoder(settings)
        between = dropout if layers > 1 else 0.0
        self.decoder = nn.GRU(width, width, layers, dropout=between, batch_first=True)
        self.attention = ReferenceAttention(width)
        self.fusion = nn.Linear(3 * width, width)
        self.output = nn.Linear(width, len(tokenizer))
        self.dropout = nn.Dropout(dropout)
        self._initialise()

    def _initialise(self) -> None:
        """Glorot's weights, orthogonal from state to state: torch's own are slow to start."""
        for gru in (self.user_encoder.gru, self.item_encoder.gru, self.decoder):
            for name, parameter in gru.named_parameters():
                if "weight" in name:
                    recurrent = "weight_hh" in name
                    start = nn.init.orthogonal_ if recurrent else nn.init.xavier_uniform_
                    for gate in parameter.data.chunk(3):
                        start(gate)
        nn.init.xavier_uniform_(self.fusion.weight, gain=nn.init.calculate_gain("tanh"))
        nn.init.xavier_uniform_(self.output.weight)

    @property
    def reads(self) -> frozenset[str]:
        """The words of past reviews of the user and of the item."""
        return frozenset({"user_reviews", "item_reviews"})

    @property
    def past_reviews(self) -> int:
        """As many as are encoded."""
        return self.settings.explainer_max_reviews

    def forward(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> tuple[Tensor, ...]:
        """Mean cross-entropy of a target token; see :meth:`Explainer.forward`."""
        references = self._encode(batch)
        logits, _ = self._read(batch.tokens[:, :-1], references, references.last)
        return (next_token_loss(logits, batch),)

    @torch.no_grad()
    def generate(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> list[str]:
        """Texts of the pairs; see :meth:`Explainer.generate`."""
        references = self._encode(batch)

        def step(token: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
            logits, hidden = self._read(token.unsqueeze(1), references, hidden)
            return logits.squeeze(1), hidden

        last = references.last
        return greedy_texts(step, last, batch, self.tokenizer, self.inputs.max_tokens)

    def _encode(self, batch: ExplanationBatch) -> References:
        """Both sides' past reviews."""
        user_mask, item_mask = batch.user_review_mask, batch.item_review_mask
        user, user_last = self.user_encoder(self.embedding(batch.user_review_tokens), user_mask)
        item, item_last = self.item_encoder(self.embedding(batch.item_review_tokens), item_mask)
        most = self.settings.explainer_max_reviews
        masks = user_mask[:, :most].any(dim=1), item_mask[:, :most].any(dim=1)  # two of (B, L)
        return References((user, item), masks, user_last + item_last)

    def _read(
        self, tokens: Tensor, references: References, hidden: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Logits (B, T, V) after each of the tokens (B, T), and the state after them."""
        embedded = self.dropout(self.embedding(tokens))
        decoded, hidden = self.decoder(embedded, hidden)  # (B, T, H)
        decoded = self.dropout(decoded)
        contexts = [
            self.attention(decoded, states, mask)
            for states, mask in zip(references.states, references.masks, strict=True)
        ]
        fused = torch.tanh(self.fusion(torch.cat([decoded, *contexts], dim=-1)))  # (B, T, H)
        return self.output(fused), hidden


class ReferenceEncoder(nn.Module):
    """Past reviews as one sequence of states: the reviews' states mixed at each position."""

    def __init__(self, settings: Ref2SeqSettings) -> None:
        super().__init__()
        width, layers = settings.explainer_hidden_size, settings.explainer_layers
        dropout = settings.explainer_encoder_dropout
        between = dropout if layers > 1 else 0.0
        self.gru = nn.GRU(
            width, width, layers, dropout=between, bidirectional=True, batch_first=True
        )
        self.mix = nn.Linear(settings.explainer_max_reviews, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, embedded: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Encode reviews, the first ``explainer_max_reviews`` of each row.

        Args:
            embedded: Embedded words (B, R, L, H).
            mask: Which of them are there (B, R, L), in each review the first ones.

        Returns:
            Mixed states (B, L, H) and last states (layers, B, H).
        """
        weight = self.mix.weight[0, : mask.shape[1]]  # (R,)
        embedded, mask = embedded[:, : len(weight)], mask[:, : len(weight)]
        n, reviews, words, width = embedded.shape
        states = embedded.new_zeros(n * reviews, words, width)
        last = embedded.new_zeros(self.gru.num_layers, n * reviews, width)
        lengths = mask.sum(dim=-1).flatten()  # (B * R,)
        there = lengths.nonzero().squeeze(1)  # (M,)
        if len(there):
            packed = pack_padded_sequence(
                embedded.flatten(0, 1)[there],
                lengths[there].cpu(),
                batch_first=True,
                enforce_sorted=False,
            )
            out, hidden = self.gru(packed)
            out, _ = pad_packed_sequence(out, batch_first=True, total_length=words)  # (M, L, 2 H)
            both = self.dropout(out).unflatten(-1, (2, width)).sum(dim=-2)  # (M, L, H)
            # Mixed precision may make the GRU's outputs narrower than what they are put into.
            states = states.index_copy(0, there, both.to(states.dtype))
            hidden = self.dropout(hidden).unflatten(0, (-1, 2)).sum(dim=1)  # (layers, M, H)
            last = last.index_copy(1, there, hidden.to(last.dtype))
        states = states.unflatten(0, (n, reviews))  # (B, R, L, H)
        last = last.unflatten(1, (n, reviews))  # (layers, B, R, H)
        mixed = torch.einsum("brlh,r->blh", states, weight) + self.mix.bias
        return mixed, torch.einsum("kbrh,r->kbh", last, weight) + self.mix.bias


class ReferenceAttention(nn.Module):
    """Attention with the score tanh(v (W [e; h] + b)) of a reference e for a decoder state h."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(2 * width, width)
        self.v = nn.Parameter(torch.empty(width).uniform_(-(width**-0.5), width**-0.5))

    def forward(self, decoded: Tensor, states: Tensor, mask: Tensor) -> Tensor:
        """Contexts (B, T, H) of decoder states (B, T, H); zero where a row has no reference.

        Args:
            decoded: Decoder states (B, T, H).
            states: References (B, L, H).
            mask: Which of them are there (B, L).
        """
        # Nothing stands between v and W, so v W is one vector and no (T, L, H) tensor is needed.
        of_state, of_decoded = (self.v @ self.project.weight).chunk(2)  # two of (H,)
        score = torch.tanh(
            (decoded @ of_decoded).unsqueeze(2)
            + (states @ of_state).unsqueeze(1)
            + self.v @ self.project.bias
        )  # (B, T, L)
        score = score.masked_fill(~mask.unsqueeze(1), torch.finfo(score.dtype).min)
        weights = score.softmax(dim=-1) * mask.unsqueeze(1)
        return weights @ states
