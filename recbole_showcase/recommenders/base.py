"""What recommenders that see have in common: features of items, scores as inner products."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Annotated, Any, cast

import numpy as np
import torch
from pydantic import Field
from recbole.model.abstract_recommender import GeneralRecommender
from recbole.model.init import xavier_normal_initialization
from recbole.utils import InputType
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from recbole_showcase.data.item_features import ItemFeatures, Seen, item_features
from recbole_showcase.encoders.commands import check_command
from recbole_showcase.errors import CheckpointError, DataError
from recbole_showcase.settings import read_settings

Modalities = Annotated[tuple[Seen, ...], Field(min_length=1)]
_FEATURES = "item_features"


class SeenItems(nn.Module):
    """Features of the items in one modality, which are not learned.

    Attributes:
        vectors: By item (n_items, D), float32; zeros where nothing is known.
        known: Whether something is known (n_items, 1), float32.
    """

    vectors: Tensor
    known: Tensor

    def __init__(self, features: ItemFeatures) -> None:
        super().__init__()
        known = torch.from_numpy(features.known).float().unsqueeze(1)
        self.register_buffer("vectors", torch.from_numpy(features.vectors), persistent=False)
        self.register_buffer("known", known, persistent=False)

    @property
    def dim(self) -> int:
        """Width of the features, D."""
        return self.vectors.shape[1]


class SeeingRecommender(GeneralRecommender):
    """A general recommender of RecBole's that reads the features of items.

    A subclass names its ``Settings``, makes its layers in ``build``, and gives the vectors of all
    users and items in ``forward``, whose inner products are the scores. What is no parameter is a
    buffer: it follows the model to its device, and is made anew from the data when a checkpoint is
    loaded.

    Attributes:
        Settings: A frozen dataclass, whose fields are keys of the configuration.
        input_type: What RecBole's training batches hold.
        settings: The settings.
        seen: Features of the items by modality.
        trained: Whether an item has a training interaction (n_items, 1), float32. Others have no
            vector of their own: they are ranked by their features alone.
    """

    Settings: type
    settings: Any
    input_type = InputType.PAIRWISE
    trained: Tensor

    def __init__(self, config: Any, dataset: Any) -> None:
        """Read the settings and the features, and make the layers.

        Raises:
            DataError: If the data set is not of its own class, or if nothing is known of any item.
            SettingsError: If a setting has the wrong type or is out of range.
        """
        super().__init__(config, dataset)
        given = {field.name: config[field.name] for field in fields(self.Settings)}
        given = {name: value for name, value in given.items() if value is not None}
        self.settings = read_settings(self.Settings, "", given)
        reviews = getattr(dataset, "reviews", None)
        if reviews is None:
            raise DataError(
                f"{type(self).__name__} needs the training split of its own data set class, which "
                "joins photos and reviews: build it with create_dataset and data_preparation"
            )
        self.seen = nn.ModuleDict()
        for modality in self.settings.modalities:
            found = item_features(modality, reviews, dataset.photos)
            _require_some(found, modality, reviews)
            self.seen[modality] = SeenItems(found)
        interactions = dataset.inter_matrix(form="csr").astype(np.float32)
        trained = np.asarray(interactions.sum(axis=0)).reshape(-1, 1) > 0
        self.register_buffer("trained", torch.from_numpy(trained).float(), persistent=False)
        self._features = {name: _sketch(part.vectors) for name, part in self.parts()}
        self._gone = reviews.gone > 0 or dataset.photos.gone > 0
        self._ranked: tuple[Any, Tensor, Tensor] | None = None
        self.build(config, interactions)
        self.apply(xavier_normal_initialization)
        # The buffers are the same in all processes of a run: nothing is to be sent.
        names = [name for name, _ in self.named_buffers()]
        DistributedDataParallel._set_params_and_buffers_to_ignore_for_model(self, names)

    def modality(self, name: str) -> SeenItems:
        """Features of the items in a modality."""
        return cast("SeenItems", self.seen[name])

    def parts(self) -> Iterator[tuple[str, SeenItems]]:
        """Each modality that is seen, and the features of the items in it."""
        return ((name, self.modality(name)) for name in self.seen)

    def build(self, config: Any, interactions: Any) -> None:
        """Make the layers.

        Args:
            config: RecBole's configuration.
            interactions: Those of the training split, a SciPy matrix (n_users, n_items), CSR.
        """
        raise NotImplementedError

    def forward(self) -> tuple[Tensor, Tensor]:
        """Vectors of all users (n_users, K) and of all items (n_items, K)."""
        raise NotImplementedError

    def for_ranking(self, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors whose inner products are the scores, from those of :meth:`forward`."""
        return users, items

    def predict(self, interaction: Any) -> Tensor:
        """Scores (B,) of pairs."""
        users, items = self._for_ranking()
        return (users[interaction[self.USER_ID]] * items[interaction[self.ITEM_ID]]).sum(dim=1)

    def full_sort_predict(self, interaction: Any) -> Tensor:
        """Scores (B * n_items,) of users and all items, user by user."""
        users, items = self._for_ranking()
        return (users[interaction[self.USER_ID]] @ items.T).view(-1)

    def _for_ranking(self) -> tuple[Tensor, Tensor]:
        """Computed where a parameter or the mode has changed since, or a gradient is wanted."""
        if torch.is_grad_enabled():
            return self.for_ranking(*self.forward())
        versions = [(parameter.data_ptr(), parameter._version) for parameter in self.parameters()]
        state = (self.training, versions)
        if self._ranked is None or self._ranked[0] != state:
            self._ranked = (state, *self.for_ranking(*self.forward()))
        return self._ranked[1:]

    def other_parameter(self) -> dict[str, Any]:
        """What a checkpoint holds beside the weights: which features they were learned from."""
        return {_FEATURES: self._features}

    def load_other_parameter(self, para: dict[str, Any] | None) -> None:
        """Refuse weights that were learned from other features.

        What came since a checkpoint was trained is no part of them. Where some of what was there is
        gone, items are ranked by what is left.

        Raises:
            CheckpointError: If the same photos or reviews have other features by now.
        """
        stored = (para or {}).get(_FEATURES) or {}
        changed = [n for n, own in self._features.items() if not _alike(stored.get(n, own), own)]
        if changed and not self._gone:
            raise CheckpointError(
                f"the checkpoint of {type(self).__name__} was trained on other features than the "
                f"data set has now: {', '.join(sorted(changed))} changed; train it again"
            )


def _require_some(found: ItemFeatures, modality: Seen, reviews: Any) -> None:
    """Refuse a modality in which nothing is known of any item.

    Raises:
        DataError: Says what to set, and what tells more.
    """
    if not found.known.any():
        what = "photo" if modality == "image" else "training review"
        raise DataError(
            f"no item has a {what} with features, so the modality '{modality}' shows nothing; "
            f"leave it out of 'modalities', or see what does not join: "
            f"{check_command(reviews.path.parent)}"
        )


def _sketch(vectors: Tensor) -> list[float]:
    """Sums over the items, each with a sign of its own (D,): of other features they are others.

    A digest would tell apart what was encoded on another machine, or summed in another order.
    """
    signs = np.random.default_rng(0).choice((-1.0, 1.0), size=len(vectors))
    sums: list[float] = (signs @ vectors.cpu().numpy().astype(np.float64)).tolist()
    return sums


def _alike(stored: Any, own: list[float]) -> bool:
    """Whether sketches are of the same features, each of whose sums has a spread of some items."""
    try:
        found = np.asarray(stored, dtype=np.float64)
    except (TypeError, ValueError):
        return False
    return found.shape == (len(own),) and bool(np.allclose(found, own, rtol=1e-3, atol=1e-2))
