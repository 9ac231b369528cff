"""Composed models: any RecBole recommender with an explanation head beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from recbole_showcase.data.batch import ExplanationBatch, SelectionBatch
from recbole_showcase.data.explanation import ExplanationData, Pairs
from recbole_showcase.errors import CheckpointError, DataError
from recbole_showcase.explainers import EXPLAINERS, ExplainerInputs, build_explainer
from recbole_showcase.integration.config import part_values, showcase_settings
from recbole_showcase.integration.representation import RecommenderVectors
from recbole_showcase.outputs import ShowcaseOutputs
from recbole_showcase.selectors import SELECTORS, build_selector
from recbole_showcase.settings import read_settings

if TYPE_CHECKING:
    from recbole.model.abstract_recommender import AbstractRecommender
else:
    AbstractRecommender = object

_TOKENIZER = "showcase_tokenizer"


class ShowcaseMixin(AbstractRecommender):
    """Put before a RecBole model class; adds the explanation head and its losses.

    Attributes:
        base_model: The RecBole model class.
        showcase: The explanation head.
        next_explanation_batch: Where training batches come from; the trainer sets it for an epoch.
    """

    base_model: type
    next_explanation_batch: Callable[[], ExplanationBatch | None] | None = None

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)
        data = getattr(dataset, "showcase", None)
        if data is None:
            raise DataError(
                f"{type(self).__name__} needs the training split of its own data set class: "
                "build it with create_dataset and data_preparation"
            )
        n_users, n_items = len(data.corpus.user_tokens), len(data.corpus.item_tokens)
        use = config["showcase_use_recommender"]
        self.vectors = RecommenderVectors(self, n_users, n_items, use=use)
        self.showcase = ExplanationHead(config, data, self.vectors)

    def calculate_loss(self, interaction: Any) -> tuple[Tensor, ...]:
        """The recommender's losses, then the explainer's where a batch of it is due."""
        losses = super().calculate_loss(interaction)
        batch = self.next_explanation_batch() if self.next_explanation_batch else None
        return (*(losses if isinstance(losses, tuple) else (losses,)), *self.explain_loss(batch))

    def explain_loss(self, batch: ExplanationBatch | None) -> tuple[Tensor, ...]:
        """Weighted losses of an explanation batch; zeros for None."""
        head = self.showcase
        if batch is None:
            return tuple(torch.zeros((), device=self.device) for _ in head.loss_names)
        batch = batch.to(self.device)
        users, items = self._vectors_of(batch)
        if not head.settings.share_gradient:
            users, items = (None if v is None else v.detach() for v in (users, items))
        losses = head.explainer(batch, users, items)
        return tuple(head.settings.loss_weight * loss for loss in losses)

    @torch.no_grad()
    def select_photos(self, pairs: Pairs) -> tuple[Tensor, Tensor]:
        """Choose photos for pairs.

        Returns:
            Positions in the photo table (B, k), best first, -1 for none, and their relevance.
        """
        batch = self.showcase.data.selection_batch(pairs).to(self.device)
        return self.showcase.select(batch)

    @torch.no_grad()
    def explain(
        self,
        pairs: Pairs,
        *,
        text: bool = True,
        progress: bool = False,
        photos: np.ndarray | None = None,
    ) -> ShowcaseOutputs:
        """Choose photos and, if asked, write texts for pairs, in batches.

        Args:
            pairs: The pairs, N of them.
            text: Whether to write texts.
            progress: Whether to show a progress bar.
            photos: Positions in the photo table (N, k), -1 for none, to write from instead of
                choosing; their relevance is NaN.
        """
        head = self.showcase
        size = head.settings.eval_batch_size
        parts = []
        starts = range(0, len(pairs), size)
        for start in tqdm(starts, desc="Explain   ", ncols=100, disable=not progress):
            part = pairs[start : start + size]
            if photos is None:
                chosen, relevance = (found.cpu().numpy() for found in self.select_photos(part))
            else:
                chosen = photos[start : start + size]
                relevance = np.full(chosen.shape, np.nan, dtype=np.float32)
            texts = [""] * len(part)
            if text:
                batch = head.data.explanation_batch(part, chosen).to(self.device)
                texts = head.explainer.generate(batch, *self._vectors_of(batch))
            parts.append(ShowcaseOutputs(chosen, relevance, texts))
        k = head.settings.photos if photos is None else photos.shape[1]
        return ShowcaseOutputs.concatenate(parts, k)

    def other_parameter(self) -> dict[str, Any]:
        """What the checkpoint holds beside tensors: the base's, and the tokenizer's identity."""
        return {**super().other_parameter(), _TOKENIZER: self.showcase.data.tokenizer.fingerprint()}

    def load_other_parameter(self, para: dict[str, Any] | None) -> None:
        """Restore the base's parameters; refuse a checkpoint whose token ids mean other words."""
        para = dict(para or {})
        known = para.pop(_TOKENIZER, None)
        if known is not None and known != self.showcase.data.tokenizer.fingerprint():
            raise CheckpointError(
                "the checkpoint was trained with another tokenizer: the data set or the settings "
                "of its split have changed since"
            )
        super().load_other_parameter(para)

    def _vectors_of(self, batch: ExplanationBatch) -> tuple[Tensor | None, Tensor | None]:
        return self.vectors.users(batch.users), self.vectors.items(batch.items)


class ExplanationHead(nn.Module):
    """The selector and the explainer of a composed model, and the data they read."""

    def __init__(self, config: Any, data: ExplanationData, vectors: RecommenderVectors) -> None:
        super().__init__()
        self.settings = showcase_settings(config)
        self.data = data
        name = self.settings.selector
        values = read_settings(SELECTORS[name].Settings, "", part_values(config, "selector"))
        self.selector = build_selector(name, asdict(values))
        inputs = ExplainerInputs(
            photo_statistics=torch.from_numpy(data.photo_statistics()),
            review_statistics=torch.from_numpy(data.review_statistics()),
            user=vectors.user_size,
            item=vectors.item_size,
            max_tokens=self.settings.max_tokens,
        )
        self.explainer = build_explainer(
            self.settings.explainer, part_values(config, "explainer"), inputs, data.tokenizer
        )

    @property
    def loss_names(self) -> tuple[str, ...]:
        """Names of the explanation losses, in the order they are returned."""
        return EXPLAINERS[self.settings.explainer].loss_names

    def select(self, batch: SelectionBatch) -> tuple[Tensor, Tensor]:
        """Positions in the photo table (B, k), -1 for none, and their relevance, NaN for none."""
        relevance = self.selector.relevance(
            batch.candidate_features,
            batch.candidate_mask,
            batch.history_photo_features,
            batch.history_photo_mask,
            batch.review_features,
            batch.review_mask,
        )  # (B, C)
        k = self.settings.photos
        if not batch.candidates.shape[1]:
            none = batch.candidates.new_full((len(batch), k), -1)
            return none, torch.full_like(none, torch.nan, dtype=torch.float32)
        chosen = self.selector(relevance, batch.candidate_features, batch.candidate_mask, k)
        index = chosen.clamp(min=0)
        photos = batch.candidates.gather(1, index).masked_fill(chosen < 0, -1)
        return photos, relevance.float().gather(1, index).masked_fill(chosen < 0, torch.nan)
