"""What explainers that know users and items by their ids alone share.

An id that training has never met has a vector that nothing has trained. Such ids share one row,
which is trained by putting it in the place of a small share of the ids in training. A cold user
then gets the text of nobody in particular, which is the most that an id-based explainer can say.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.errors import SettingsError

_UNKNOWN = 0  # RecBole pads with id 0, so that row of a table is free


class IdEmbedding(nn.Module):
    """Trained vectors of users or items, and one for all that are not known."""

    known: Tensor

    def __init__(self, known: Tensor, size: int, unknown_rate: float, init_range: float) -> None:
        """Make the table.

        Args:
            known: Which ids training knows (n,), bool; the others share row 0.
            size: Width of the vectors.
            unknown_rate: Share of the ids that row 0 stands in for in training.
            init_range: Vectors start uniformly distributed in plus or minus this.

        Raises:
            SettingsError: If the share is not one.
        """
        super().__init__()
        if not 0.0 <= unknown_rate < 1.0:
            raise SettingsError(
                f"setting 'explainer_unknown_rate' is {unknown_rate}; allowed: from 0 to below 1"
            )
        self.unknown_rate = unknown_rate
        self.table = nn.Embedding(len(known), size)
        nn.init.uniform_(self.table.weight, -init_range, init_range)
        self.register_buffer("known", known.clone())

    def forward(self, ids: Tensor) -> Tensor:
        """Vectors (B, size) of ids (B,)."""
        known = self.known[ids]
        if self.training and self.unknown_rate:
            known = known & (torch.rand(ids.shape, device=ids.device) >= self.unknown_rate)
        return self.table(ids.where(known, _UNKNOWN))


def scaled_range(published: float, at_width: int, width: int) -> float:
    """The range of uniform weights that does at one width what a published one does at another.

    At a small width, weights of the published range would all but silence what they sum over, and
    the text would take long to follow anything.
    """
    return published * math.sqrt(at_width / width)


def init_uniform(module: nn.Module, init_range: float) -> None:
    """Start the linear layers and embeddings of a module uniformly, without biases."""
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.Embedding):
            nn.init.uniform_(part.weight, -init_range, init_range)
        if isinstance(part, nn.Linear) and part.bias is not None:
            nn.init.zeros_(part.bias)


def rating_regression(inputs: int, width: int, layers: int, init_range: float) -> nn.Sequential:
    """A perceptron from (..., inputs) to ratings (..., 1) with sigmoid hidden layers.

    Args:
        inputs: Width of what it reads.
        width: Width of the hidden layers.
        layers: Number of hidden layers.
        init_range: Weights start uniformly distributed in plus or minus this.
    """
    modules: list[nn.Module] = []
    for size in (inputs, *[width] * (layers - 1)):
        modules += [nn.Linear(size, width), nn.Sigmoid()]
    regression = nn.Sequential(*modules, nn.Linear(width, 1))
    init_uniform(regression, init_range)
    return regression


def rating_loss(predicted: Tensor, ratings: Tensor) -> Tensor:
    """Mean squared error over the ratings that are known, 0 where none is.

    Args:
        predicted: Predicted ratings (B,).
        ratings: True ratings (B,), NaN where unknown.
    """
    known = ~ratings.isnan()
    error = predicted - ratings.where(known, predicted.detach())
    return error.square().sum() / known.sum().clamp(min=1)


def context_loss(logits: Tensor, batch: ExplanationBatch, ends: tuple[int, int]) -> Tensor:
    """Mean negative log-probability of the words of the texts, whatever their order.

    Args:
        logits: One distribution over the vocabulary a text (B, V).
        batch: Samples with target tokens (B, T).
        ends: Ids of the start and the end of a text, which are no words.
    """
    words = batch.token_mask & (batch.tokens != ends[0]) & (batch.tokens != ends[1])  # (B, T)
    found = logits.log_softmax(dim=-1).gather(1, batch.tokens)  # (B, T)
    mean = -found.masked_fill(~words, 0.0).sum() / words.sum().clamp(min=1)
    return batch.weighed(mean, "words")
