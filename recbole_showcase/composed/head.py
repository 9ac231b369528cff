"""The explanation head: what of a composed model chooses photos and writes texts."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from recbole_showcase.composed.vectors import RecommenderVectors
from recbole_showcase.data.batch import SelectionBatch
from recbole_showcase.data.cosines import profile_cosines
from recbole_showcase.data.explanation import ExplanationData
from recbole_showcase.explainers import EXPLAINERS, ExplainerInputs
from recbole_showcase.explainers.quote import QuoteExplainer, QuoteSettings
from recbole_showcase.integration.config import RunSettings
from recbole_showcase.relevance import RELEVANCE, RelevanceInputs
from recbole_showcase.selectors import SELECTORS
from recbole_showcase.selectors.hashed_random import pair_keys


class ExplanationHead(nn.Module):
    """The relevance model, selector and explainer of a composed model, and the data they read.

    Attributes:
        known_users: Users that the recommender knows (n_users,), bool.
        known_items: Items that it knows (n_items,), bool.
    """

    known_users: Tensor
    known_items: Tensor

    def __init__(
        self, settings: RunSettings, data: ExplanationData, vectors: RecommenderVectors
    ) -> None:
        super().__init__()
        self.settings = settings.showcase
        # What parts are built for has the limits that batches will have.
        self.data = data = data.with_settings(self.settings)
        self.selector = SELECTORS.find(self.settings.selector)(settings.selector)
        self.relevance = RELEVANCE.find(self.settings.relevance)(
            settings.relevance,
            RelevanceInputs(
                photo_statistics=torch.from_numpy(data.photo_statistics()),
                review_statistics=torch.from_numpy(data.review_statistics()),
                user=vectors.user_size,
                item=vectors.item_size,
                known_users=torch.from_numpy(data.users_with_selection()),
                profile_cosines=torch.from_numpy(profile_cosines(data)),
                selection_rows=len(data.selection_rows),
            ),
        )
        inputs = ExplainerInputs(
            photo_statistics=torch.from_numpy(data.photo_statistics()),
            review_statistics=torch.from_numpy(data.review_statistics()),
            user=vectors.user_size,
            item=vectors.item_size,
            known_users=torch.from_numpy(data.explained_users),
            known_items=torch.from_numpy(data.explained_items),
            max_tokens=self.settings.max_tokens,
        )
        self.explainer = EXPLAINERS.find(self.settings.explainer)(
            settings.explainer, inputs, data.tokenizer
        )
        self.data.reads = self.explainer.reads
        self.data.taste_quantile = self.relevance.taste_quantile
        self.data.require_sentences()
        # Of the data, not learned: no part of a checkpoint, but where the vectors are.
        for name in ("known_users", "known_items"):
            known = torch.from_numpy(getattr(data, name))
            self.register_buffer(name, known, persistent=False)

    def reading(self, data: ExplanationData) -> ExplanationHead:
        """The same parts, reading other data.

        Raises:
            FeatureStoreError: If there are no features of sentences, and the explainer reads them.
        """
        other = copy.copy(self)
        other.data = data
        data.require_sentences()
        return other

    def quoting(self) -> ExplanationHead:
        """The same choice of photos, with sentences of others in place of what is written.

        Raises:
            FeatureStoreError: If there are no features of sentences.
        """
        other = copy.copy(self)
        other._modules = dict(self._modules)
        other.explainer = QuoteExplainer(
            QuoteSettings(), self.explainer.inputs, self.data.tokenizer
        )
        other.data = self.data.read_for(other.explainer.reads)
        other.data.require_sentences()
        return other

    @property
    def loss_names(self) -> tuple[str, ...]:
        """Names of the explanation losses, in the order they are returned."""
        return self.explainer.loss_names + self.selection_loss_names

    @property
    def selection_loss_names(self) -> tuple[str, ...]:
        """Names of those that photo selection learns from."""
        return self.relevance.loss_names + self.selector.loss_names

    def selection_losses(
        self, batch: SelectionBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> tuple[Tensor, ...]:
        """Losses of the relevance model, then of the selector."""
        relevance = self.relevance(batch, user_vectors, item_vectors)  # (B, C)
        return (
            *self.relevance.losses(relevance, batch, user_vectors, item_vectors),
            *self.selector.losses(
                relevance, batch.candidate_features, batch.candidate_mask, batch.posted
            ),
        )

    def select(
        self, batch: SelectionBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Positions in the photo table (B, k), -1 if absent, and their relevance, NaN if absent."""
        k = self.settings.photos
        if not batch.candidates.shape[1]:
            none = batch.candidates.new_full((len(batch), k), -1)
            return none, torch.full_like(none, torch.nan, dtype=torch.float32)
        relevance = self.relevance(batch, user_vectors, item_vectors)  # (B, C)
        keys = pair_keys(batch.users, batch.items)
        chosen = self.selector(relevance, batch.candidate_features, batch.candidate_mask, k, keys)
        index = chosen.clamp(min=0)
        photos = batch.candidates.gather(1, index).masked_fill(chosen < 0, -1)
        return photos, relevance.float().gather(1, index).masked_fill(chosen < 0, torch.nan)
