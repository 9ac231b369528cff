"""What an explainer and a selector read at once: padded tensors with masks."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Literal, Self

import torch
from torch import Tensor

from recbole_showcase.data.pairs import Pairs
from recbole_showcase.data.sentences import ItemSentences


@dataclass(frozen=True)
class Batch:
    """Tensors that move together."""

    def to(self, device: torch.device | str) -> Self:
        """The batch on a device; what is no tensor stays where it is."""
        parts = {part.name: getattr(self, part.name) for part in fields(self)}
        moved = {name: part.to(device) for name, part in parts.items() if isinstance(part, Tensor)}
        return replace(self, **moved)

    def __len__(self) -> int:
        """The number of pairs, B."""
        return len(getattr(self, fields(self)[0].name))


@dataclass(frozen=True)
class ExplanationBatch(Batch):
    """(user, item) pairs with the photos and the past reviews to write from.

    Token ids are the padding's where a mask is False. Replaced and past words and sentences are
    only filled where the explainer asks for them (``Explainer.reads``); else a size of theirs is 0.

    Attributes:
        users, items: Internal ids (B,).
        ratings: Stars of the target review, float32 (B,), NaN where unknown; NaN at inference.
        photo_features: CLIP features of the photos (B, P, D).
        photo_mask: Which of them are there (B, P).
        review_features: CLIP features of the user's past reviews (B, R, D), latest first.
        review_mask: Which of them are there (B, R).
        tokens: Ids of the target text with its start and end (B, T); T is 0 where there is none.
        token_mask: Which of them are there (B, T).
        replaced_tokens: The target text with its entities replaced by others (B, T'); training
            only.
        replaced_mask: Which of them are there (B, T'); none in a row whose text names no entity.
        user_review_tokens: Ids of the user's past reviews, without start and end (B, R, L).
        user_review_mask: Which of them are there (B, R, L).
        item_review_tokens: Ids of the item's past reviews by others (B, Q, L), latest first.
        item_review_mask: Which of them are there (B, Q, L).
        sentence_features: CLIP features of sentences that others wrote of the item before (B, S,
            D), of the latest review first; all sentences are of length 0 where nobody asked.
        sentence_mask: Which of them are there (B, S).
        sentences: Which they are, on the host, with their words.
        pairs: What the rest was looked up for, on the host; none where nobody looks further.
        mean_weights: Of a process's share of a larger batch, what a mean over tokens, over words
            and over known ratings counts beside a mean over rows (B, 3), in every row the same; of
            length 0 where the batch is whole. See :meth:`weighed`.
    """

    users: Tensor
    items: Tensor
    ratings: Tensor
    photo_features: Tensor
    photo_mask: Tensor
    review_features: Tensor
    review_mask: Tensor
    tokens: Tensor
    token_mask: Tensor
    replaced_tokens: Tensor
    replaced_mask: Tensor
    user_review_tokens: Tensor
    user_review_mask: Tensor
    item_review_tokens: Tensor
    item_review_mask: Tensor
    sentence_features: Tensor = field(default_factory=lambda: torch.empty(0, 0, 0))
    sentence_mask: Tensor = field(default_factory=lambda: torch.empty(0, 0, dtype=torch.bool))
    sentences: ItemSentences = field(default_factory=ItemSentences.none)
    pairs: Pairs = field(default_factory=Pairs.none)
    mean_weights: Tensor = field(default_factory=lambda: torch.empty(0, 3))

    def weighed(self, mean: Tensor, over: Literal["tokens", "words", "ratings"]) -> Tensor:
        """A loss that is a mean over the tokens, words or known ratings of the batch.

        Weighed so that in the mean over the processes that share a batch each of them counts alike.
        """
        if not len(self.mean_weights):
            return mean
        return mean * self.mean_weights[0, ("tokens", "words", "ratings").index(over)]


@dataclass(frozen=True)
class SelectionBatch(Batch):
    """(user, item) pairs with the photos to choose from and the user's profile.

    Attributes:
        users, items: Internal ids (B,).
        candidates: Positions in the photo table (B, C), -1 if absent.
        candidate_features: Their CLIP features (B, C, D).
        candidate_mask: Which of them are there (B, C).
        history_photo_features: CLIP features of photos the user posted (B, H, D).
        history_photo_mask: Which of them are there (B, H).
        review_features: CLIP features of the user's past reviews (B, R, D), latest first.
        review_mask: Which of them are there (B, R).
        posted: Which candidates the user posted with the row (B, C), what training aims at; none
            where photos are to be chosen.
        by_user: Which candidates the user posted with any training row (B, C), ``posted`` among
            them; none where photos are to be chosen.
        taste: Unit vectors of what the photos of the users' training rows have in common (B, D);
            of length 0 where the relevance model does not ask (``RelevanceModel.taste_quantile``).
        taste_cosine: The cosine with it which the asked share of these photos do not exceed (B,).
        pairs: What the rest was looked up for, on the host; none where nobody looks further.
    """

    users: Tensor
    items: Tensor
    candidates: Tensor
    candidate_features: Tensor
    candidate_mask: Tensor
    history_photo_features: Tensor
    history_photo_mask: Tensor
    review_features: Tensor
    review_mask: Tensor
    posted: Tensor
    by_user: Tensor
    taste: Tensor = field(default_factory=lambda: torch.empty(0, 0))
    taste_cosine: Tensor = field(default_factory=lambda: torch.empty(0))
    pairs: Pairs = field(default_factory=Pairs.none)

    @cached_property
    def posted_places(self) -> tuple[Tensor, Tensor]:
        """Rows and columns (N,) of the photos in ``posted``."""
        row, place = self.posted.nonzero(as_tuple=True)
        return row, place

    def to(self, device: torch.device | str) -> Self:
        """The batch on a device, with what a step would have to wait for, did it ask there."""
        moved = super().to(device)
        row, place = self.posted_places
        moved.__dict__["posted_places"] = row.to(device), place.to(device)
        return moved


@dataclass(frozen=True)
class TrainingBatch:
    """What one step of the explanation side learns from, or a process's share of it.

    Attributes:
        explanation: Samples to learn to write from; None in a step of photo selection alone.
        selection: Samples to learn to choose photos from; None where nothing learns from them.
        explanation_weight: What the losses of ``explanation`` count in the mean over the processes
            that share the step: 1 where all have as many samples.
        selection_weight: The same of ``selection``.
    """

    explanation: ExplanationBatch | None
    selection: SelectionBatch | None
    explanation_weight: float = 1.0
    selection_weight: float = 1.0

    def to(self, device: torch.device | str) -> Self:
        """The batch on a device."""
        explanation = None if self.explanation is None else self.explanation.to(device)
        selection = None if self.selection is None else self.selection.to(device)
        return replace(self, explanation=explanation, selection=selection)
