"""What every explainer shares: its interface, the usual loss, and writing one token at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.data.inputs import NoSettings, PartInputs, Standardise
from recbole_showcase.text.tokenizer import TextTokenizer

State = TypeVar("State")
# A kind of input, its embeddings (B, N, H) and which of them are there (B, N).
Embedded: TypeAlias = tuple[str, Tensor, Tensor]


@dataclass(frozen=True)
class ExplainerInputs(PartInputs):
    """What an explainer is built for.

    Attributes:
        known_items: Items that have a training sample (n_items,), bool; others are cold.
        max_tokens: The most tokens of a text, its start and end not counted.
    """

    known_items: Tensor
    max_tokens: int


class Explainer(nn.Module):
    """Learns to write the text of a showcase.

    A subclass names its settings in ``Settings``, a frozen dataclass whose fields are the keys of
    its YAML file, and its losses in ``loss_names``.
    """

    part_kind: ClassVar[str] = "explainer"
    Settings: ClassVar[type] = NoSettings
    loss_names: ClassVar[tuple[str, ...]] = ()

    def __init__(self, settings: Any, inputs: ExplainerInputs, tokenizer: TextTokenizer) -> None:
        super().__init__()
        self.settings = settings
        self.inputs = inputs
        self.tokenizer = tokenizer

    @property
    def reads(self) -> frozenset[str]:
        """What batches must hold beside the rest.

        Any of ``replaced`` (the target with other entities), ``user_reviews`` and
        ``item_reviews`` (the words of past reviews), ``sentences`` (those that others wrote of the
        item) and ``lexicon`` (features to look for in these).
        """
        return frozenset()

    @property
    def past_reviews(self) -> int | None:
        """From how many of the user's past reviews, the latest, a text is written at most.

        None where an explainer does not say, as one does that cuts them at a number of words.
        """
        return None

    def begin_epoch(self, epoch: int) -> None:
        """Called before an epoch of training, counted from 0; for training in stages."""

    def forward(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> tuple[Tensor, ...]:
        """Losses of a batch, one scalar for each of ``loss_names``.

        Means over the samples are right also where processes share a batch; a mean over anything
        else goes through :meth:`ExplanationBatch.weighed`, as that of :func:`next_token_loss`.

        Args:
            batch: Samples with target tokens.
            user_vectors: The recommender's user vectors (B, U); None if it has none.
            item_vectors: The recommender's item vectors (B, I); None if it has none.
        """
        raise NotImplementedError

    def generate(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> list[str]:
        """Texts for the pairs of a batch, without looking at its tokens."""
        raise NotImplementedError

    def write(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> tuple[list[str], np.ndarray | None]:
        """Texts for the pairs of a batch, and which reviews they rest on.

        Returns:
            The texts of :meth:`generate`, and rows of the interactions (B, E), -1 if absent; None
            where these are the user's past reviews, as many as :attr:`past_reviews` says.
        """
        return self.generate(batch, user_vectors, item_vectors), None

    def rate(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> Tensor | None:
        """Ratings (B,) that it predicts for the pairs of a batch, which their texts go with.

        None where an explainer predicts no rating.
        """
        return None


def next_token_loss(logits: Tensor, batch: ExplanationBatch) -> Tensor:
    """Mean cross-entropy of a target token, its end among them, given those before it.

    Args:
        logits: Of the token after each position but the last (B, T - 1, V).
        batch: Samples with target tokens (B, T).
    """
    targets = batch.tokens[:, 1:].masked_fill(~batch.token_mask[:, 1:], -100)
    return batch.weighed(F.cross_entropy(logits.transpose(1, 2), targets), "tokens")


def greedy_texts(
    step: Callable[[Tensor, State], tuple[Tensor, State]],
    state: State,
    batch: ExplanationBatch,
    tokenizer: TextTokenizer,
    max_tokens: int,
) -> list[str]:
    """Texts of the most likely token at each step, until all have ended.

    Args:
        step: From the last tokens (B,) and a state to logits of the next ones (B, V) and the state
            after them, so that a step costs the same however long the text is.
        state: Before the start of the text.
        batch: The pairs to write for.
        tokenizer: Of the texts.
        max_tokens: The most tokens of a text.
    """
    tokens = torch.full_like(batch.users, tokenizer.bos_id)  # (B,)
    ended = torch.zeros_like(tokens, dtype=torch.bool)
    ids: list[Tensor] = []
    while len(ids) < max_tokens and not ended.all():
        logits, state = step(tokens, state)
        tokens = logits.argmax(dim=-1).masked_fill(ended, tokenizer.pad_id)
        ids.append(tokens)
        ended = ended | (tokens == tokenizer.eos_id)
    return tokenizer.decode(torch.stack(ids, dim=1).tolist())


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean (B, E) of the values (B, S, E) that are there; zeros where a row has none."""
    weight = mask.unsqueeze(-1).to(values.dtype)  # (B, S, 1)
    # What is masked may be anything, not-a-number included.
    total = values.masked_fill(weight == 0, 0.0).sum(dim=1)
    return total / weight.sum(dim=1).clamp(min=1.0)


def sinusoids(angles: Tensor, width: int) -> Tensor:
    """Sines and cosines in turn, as the original transformer tells positions.

    Args:
        angles: The angle of each position at each frequency (S, F).
        width: At most 2 F.

    Returns:
        Shape (S, width).
    """
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)[:, :width]


class PairSequence(nn.Module):
    """What is known of a pair as one sequence of embeddings, a learned vector telling kinds apart.

    The kinds are the recommender's vectors of the user and the item, the photos to write from and
    the user's past reviews.
    """

    def __init__(
        self,
        inputs: PartInputs,
        width: int,
        *,
        photos: bool,
        reviews: bool,
        of_features: Callable[[nn.Module, nn.Linear], nn.Module],
        of_vectors: Callable[[int, nn.Linear], nn.Module],
    ) -> None:
        """Make the projections.

        Args:
            inputs: Widths and statistics of what is read.
            width: Of the embeddings, H.
            photos: Whether photos are read.
            reviews: Whether past reviews are read.
            of_features: A projection of CLIP features from what standardises them and a layer.
            of_vectors: A projection of vectors from their width and a layer.
        """
        super().__init__()
        self.projections = nn.ModuleDict()
        for kind, used, statistics in (
            ("photo", photos, inputs.photo_statistics),
            ("review", reviews, inputs.review_statistics),
        ):
            if used:
                layer = nn.Linear(statistics.shape[1], width)
                self.projections[kind] = of_features(Standardise(statistics), layer)
        for kind, size in (("user", inputs.user), ("item", inputs.item)):
            if size:
                self.projections[kind] = of_vectors(size, nn.Linear(size, width))
        self.kinds = nn.ParameterDict(
            {kind: nn.Parameter(torch.randn(width) * 0.02) for kind in self.projections}
        )

    def embed(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> Iterator[Embedded]:
        """Kind, embeddings (B, N, H) and mask (B, N) of all that is there to be read."""
        always = torch.ones_like(batch.users, dtype=torch.bool).unsqueeze(1)  # (B, 1)
        known: dict[str, tuple[Tensor | None, Tensor]] = {
            "user": (None if user_vectors is None else user_vectors.unsqueeze(1), always),
            "item": (None if item_vectors is None else item_vectors.unsqueeze(1), always),
            "photo": (batch.photo_features, batch.photo_mask),
            "review": (batch.review_features, batch.review_mask),
        }
        for kind, (features, mask) in known.items():
            if kind in self.projections and features is not None:
                yield kind, self.projections[kind](features) + self.kinds[kind], mask
