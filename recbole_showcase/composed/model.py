"""Composed models: any RecBole recommender with an explanation head beside it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from recbole_showcase.composed.head import ExplanationHead
from recbole_showcase.composed.processes import Processes
from recbole_showcase.composed.randomness import own_stream
from recbole_showcase.composed.vectors import RecommenderVectors
from recbole_showcase.console import progress_bar
from recbole_showcase.data.batch import ExplanationBatch, SelectionBatch, TrainingBatch
from recbole_showcase.data.explanation import ExplanationData
from recbole_showcase.data.pairs import Explanations, Pairs
from recbole_showcase.data.profiles import Newcomer, Profile
from recbole_showcase.errors import CheckpointError, DataError, SettingsError
from recbole_showcase.integration.config import run_settings
from recbole_showcase.integration.remembered import check_same_ids, digests_of, to_remember
from recbole_showcase.integration.stages import stage

if TYPE_CHECKING:
    from recbole.model.abstract_recommender import AbstractRecommender
else:
    AbstractRecommender = object

_TOKENIZER = "showcase_tokenizer"
_IDS = "showcase_ids"
_HEAD = "showcase."  # what names of the head's parameters start with


class ShowcaseMixin(AbstractRecommender):
    """Put before a RecBole model class; adds the explanation head and its losses.

    Attributes:
        base_model: The RecBole model class.
        showcase: The explanation head.
        next_training_batch: Where training batches come from; the trainer sets it for an epoch.
        has_trainer: Whether a trainer of composed models has it, which explains.
        explanation_epoch: The epoch under way, which the explainer's random numbers depend on.
        processes: Those that train it together; the trainer sets it.
        explains_together: Whether they share the pairs to explain; so in the trainer's evaluation.
        remembered_tokens: By field, its tokens in the order of their ids.
        explanation_losses: Values (L,) of the explanation losses since the trainer last took them.
    """

    base_model: type
    next_training_batch: Callable[[], TrainingBatch | None] | None = None
    explanation_epoch = 0
    has_trainer = False
    processes = Processes()
    explains_together = False
    vectors: RecommenderVectors
    _built = False  # whether there is a head beside the base
    _pretrained_head: dict[str, Tensor] | None = None

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)
        data = getattr(dataset, "showcase", None)
        if data is None:
            raise DataError(
                f"{type(self).__name__} needs the training split of its own data set class: "
                "build it with create_dataset and data_preparation"
            )
        settings = run_settings(config)
        self.shares_gradient = settings.showcase.share_gradient
        self.seed: int = config["seed"]
        self._ids, self.remembered_tokens = digests_of(dataset), to_remember(dataset)
        fields = config["USER_ID_FIELD"], config["ITEM_ID_FIELD"]
        with own_stream(self.seed):
            use = settings.showcase.use_recommender
            self.vectors = RecommenderVectors(self, data.corpus, fields, use=use)
            with stage(config, "explanation head"):
                self.showcase = ExplanationHead(settings, data, self.vectors)
        self.explanation_losses: list[Tensor] = []
        if self._pretrained_head is not None:
            with _fitting(self):
                self.showcase.load_state_dict(self._pretrained_head)
            self._pretrained_head = None
        self._built = True

    def calculate_loss(self, interaction: Any, *args: Any, **kwargs: Any) -> Any:
        """The recommender's losses, with the gradients of an explanation batch where one is due.

        Their values, their number and their form are the base's, so that its trainer can sum,
        log or drop them as it always does. The explanation losses wait in ``explanation_losses``.

        Raises:
            SettingsError: If the model's trainer is none of a composed model.
        """
        if not self.has_trainer:
            raise SettingsError(
                f"{type(self).__name__} is trained by a trainer that explains nothing; allowed is "
                f"that of get_trainer(config['MODEL_TYPE'], '{type(self).__name__}')"
            )
        losses = super().calculate_loss(interaction, *args, **kwargs)
        try:
            return self._with_explanation(losses)
        finally:
            self.vectors.forget()

    def _with_explanation(self, losses: Any) -> Any:
        batch = self.next_training_batch() if self.next_training_batch else None
        if batch is None:
            return losses
        # What of it reaches the recommender is averaged with the recommender's own gradients.
        explanation = self.explanation_step(batch, self.showcase)
        carried = explanation - explanation.detach()  # zero, with the gradient
        if isinstance(losses, tuple):
            return (losses[0] + carried, *losses[1:])
        return losses + carried

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The base's; what it computes serves the explainer too."""
        output = super().forward(*args, **kwargs)
        if self._built:
            self.vectors.see(output)
        return output

    def train(self, mode: bool = True) -> Any:
        """PyTorch's; vectors computed in the other mode are not kept."""
        if self._built:
            self.vectors.forget()
        return super().train(mode)

    def explanation_step(self, batch: TrainingBatch, learning: nn.Module | None = None) -> Tensor:
        """Sum of the losses of a training batch, whose values are kept for the trainer.

        Args:
            batch: This process's share of it.
            learning: Whose gradients are averaged over the processes; None for the whole model's.
        """
        number = len(self.explanation_losses)
        with own_stream(self.seed, self.explanation_epoch, number, *self.processes.stream):
            losses = self.explain_loss(batch)
        self.explanation_losses.append(torch.stack([loss.detach() for loss in losses]))
        parameters = (self if learning is None else learning).parameters()
        return self.processes.averaged(torch.stack(losses).sum(), parameters)

    def explain_loss(self, batch: TrainingBatch) -> tuple[Tensor, ...]:
        """Weighted losses of the explanation side, the explainer's first."""
        head = self.showcase
        losses = [torch.zeros((), device=self.device) for _ in head.loss_names]
        batch = batch.to(self.device)
        n_written = len(head.explainer.loss_names)
        if batch.explanation is not None:
            vectors = self._vectors_of(batch.explanation)
            losses[:n_written] = head.explainer(batch.explanation, *vectors)
        if batch.selection is not None:
            vectors = self._vectors_of(batch.selection)
            losses[n_written:] = head.selection_losses(batch.selection, *vectors)
        if len(losses) != len(head.loss_names):
            raise SettingsError(
                f"the parts of {type(self).__name__} return {len(losses)} losses for the names "
                f"{', '.join(head.loss_names) or 'of none'}; allowed: one for each of 'loss_names'"
            )
        weight = head.settings.loss_weight
        weights = [weight * batch.explanation_weight] * n_written
        weights += [weight * batch.selection_weight] * (len(losses) - n_written)
        return tuple(w * loss for w, loss in zip(weights, losses, strict=True))

    @torch.no_grad()
    def explain(
        self,
        pairs: Pairs,
        *,
        text: bool = True,
        photos: np.ndarray | None = None,
        newcomer: Newcomer | None = None,
        progress: bool = False,
    ) -> Explanations:
        """Choose photos and, if asked, write texts for pairs, in batches of like length.

        Args:
            pairs: The pairs, N of them.
            text: Whether to write texts.
            photos: Positions in the photo table (N, P), -1 if absent, to write from in place of a
                choice, their relevance NaN; None for the selector's.
            newcomer: Whose taste all pairs are explained by, where their user is 0, nobody.
            progress: Whether to show a progress bar.
        """
        head = self.showcase
        size = head.settings.eval_batch_size
        lengths = None if newcomer else head.data.profile_lengths(pairs)
        order = np.arange(len(pairs)) if lengths is None else np.argsort(lengths, kind="stable")
        parts = []
        processes = self.processes if self.explains_together else Processes()
        # Whole batches are shared, so that each is the very one that a single process would have.
        starts = processes.share(range(0, len(pairs), size))
        for start in progress_bar(starts, desc="Explain   ", ncols=100, shown=progress):
            index = order[start : start + size]
            given = None if photos is None else photos[index]
            with own_stream(self.seed, start):
                profile = head.data.profile(pairs[index], newcomer)  # to choose and to write by
                parts.append(self._explain_batch(pairs[index], profile, given, text))
        parts = processes.joined(parts)
        outputs = Explanations.concatenate(parts, head.settings.photos)
        return outputs[np.argsort(order)]

    def _explain_batch(
        self, pairs: Pairs, profile: Profile, photos: np.ndarray | None, text: bool
    ) -> Explanations:
        head = self.showcase
        if photos is None:
            chosen, scores = self._choose(pairs, profile)
        else:
            chosen, scores = photos, np.full(photos.shape, np.nan, dtype=np.float32)
        texts, ratings = [""] * len(pairs), np.full(len(pairs), np.nan, dtype=np.float32)
        evidence = None
        if text:
            to_write = head.data.explanation_batch(pairs, chosen, profile).to(self.device)
            vectors = self._vectors_of(to_write)
            texts, evidence = head.explainer.write(to_write, *vectors)
            rated = head.explainer.rate(to_write, *vectors)
            if rated is not None:
                ratings = rated.float().cpu().numpy()
        if evidence is None:
            in_data = text and profile.newcomer is None  # a newcomer's reviews have no rows
            evidence = profile.reviews[:, : (head.explainer.past_reviews or 0) * in_data]
        return Explanations(chosen, scores, texts, ratings, evidence)

    def _choose(self, pairs: Pairs, profile: Profile) -> tuple[np.ndarray, np.ndarray]:
        """Photos (B, k) among all of each item, best first, -1 if absent, and their relevance."""
        head = self.showcase
        chosen = np.full((len(pairs), head.settings.photos), -1, dtype=np.int64)
        scores = np.full(chosen.shape, np.nan, dtype=np.float32)
        for group in head.data.selection_groups(pairs):
            batch = head.data.selection_batch(pairs[group], profile[group]).to(self.device)
            found = head.select(batch, *self._vectors_of(batch))
            chosen[group], scores[group] = (part.cpu().numpy() for part in found)
        return chosen, scores

    @torch.no_grad()
    def photo_relevance(self, pairs: Pairs) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """How well all photos of the items of pairs fit the users, a group of pairs at a time.

        Yields:
            Places of the pairs (G,), photos (G, C), -1 if absent, and their relevance (G, C).
        """
        head = self.showcase
        size = head.settings.eval_batch_size
        for start in range(0, len(pairs), size):
            some = np.arange(start, min(start + size, len(pairs)))
            profile = head.data.profile(pairs[some])
            for group in head.data.selection_groups(pairs[some]):
                batch = head.data.selection_batch(pairs[some[group]], profile[group])
                if not batch.candidates.shape[1]:
                    continue
                batch = batch.to(self.device)
                found = head.relevance(batch, *self._vectors_of(batch)).float()
                yield some[group], batch.candidates.cpu().numpy(), found.cpu().numpy()

    def load_state_dict(self, state_dict: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        """PyTorch's, also for bases that start from a pretrained file before there is a head.

        Raises:
            CheckpointError: If the weights are of another model, other settings or another version.
        """
        if self._built:
            self.vectors.forget()
            with _fitting(self):
                return super().load_state_dict(state_dict, *args, **kwargs)
        head = {k.removeprefix(_HEAD): v for k, v in state_dict.items() if k.startswith(_HEAD)}
        self._pretrained_head = head or None
        base = {k: v for k, v in state_dict.items() if not k.startswith(_HEAD)}
        return super().load_state_dict(base, *args, **kwargs)

    @property
    def id_digests(self) -> dict[str, str]:
        """By field, a digest of its tokens in the order of their ids."""
        return dict(self._ids)

    def other_parameter(self) -> dict[str, Any]:
        """What the checkpoint holds beside tensors: the base's, and whose and which ids it has."""
        own = {_TOKENIZER: self.showcase.data.tokenizer.fingerprint(), _IDS: self.id_digests}
        return {**super().other_parameter(), **own}

    def load_other_parameter(self, para: dict[str, Any] | None) -> None:
        """Restore the base's parameters; refuse a checkpoint whose ids mean others than ours.

        Raises:
            CheckpointError: If its ids are of other users, items or words.
        """
        para = dict(para or {})
        check_same_ids(para.pop(_IDS, None) or self._ids, self._ids)
        known = para.pop(_TOKENIZER, None)
        if known is not None and known != self.showcase.data.tokenizer.fingerprint():
            raise CheckpointError(
                "the checkpoint was trained with another tokenizer: the data set or the settings "
                "of its split have changed since"
            )
        super().load_other_parameter(para)

    def _vectors_of(
        self, batch: ExplanationBatch | SelectionBatch
    ) -> tuple[Tensor | None, Tensor | None]:
        """The recommender's vectors, zeros for users and items it knows nothing of.

        The explanation losses train them only where settings say so.
        """
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.shares_gradient):
            user_vectors, item_vectors = self.vectors.users(batch), self.vectors.items(batch)
        head = self.showcase
        if not self.vectors.of_visits:  # those are zero where there is no visit
            user_vectors = _of_known(user_vectors, batch.users, head.known_users)
        return user_vectors, _of_known(item_vectors, batch.items, head.known_items)

    def quoting(self) -> Self:
        """A model that shares all weights with this one, and quotes in place of writing.

        Raises:
            FeatureStoreError: If there are no features of sentences.
        """
        other = copy.copy(self)
        other._modules = dict(self._modules)
        other.showcase = self.showcase.quoting()
        return other

    def reading(self, data: ExplanationData) -> Self:
        """A model that shares all weights with this one, and explains from other data.

        Args:
            data: What is known now; see :meth:`ExplanationData.grown`.
        """
        other = copy.copy(self)
        other._modules = dict(self._modules)
        other.showcase = self.showcase.reading(data)
        other.vectors = self.vectors.reading(other, data.corpus)
        return other


@contextmanager
def _fitting(model: nn.Module) -> Iterator[None]:
    """Say in one line that weights do not fit, where PyTorch takes one a tensor."""
    try:
        yield
    except RuntimeError as error:
        _, *faults = (line.strip().rstrip(". ") for line in str(error).splitlines())
        raise CheckpointError(
            f"the checkpoint's weights do not fit {type(model).__name__} as it is built now, by "
            "other settings or another version of recbole_showcase; train it again: "
            f"{'; '.join(faults or [str(error)])[:300]}"
        ) from error


def _of_known(vectors: Tensor | None, ids: Tensor, known: Tensor) -> Tensor | None:
    """Vectors (B, U) with zeros for ids (B,) that have no training interaction."""
    if vectors is None:
        return None
    return vectors.masked_fill(~known[ids].unsqueeze(1), 0.0)
