"""The one adapter between a recommender's vectors and the explainer.

A RecBole model has no common interface to its user and item representations. They are looked for
here, the first that is found being taken:

1. what the base says: ``showcase_user_table`` and ``showcase_item_table``, names of attributes;
2. ``forward()`` without arguments that gives a matrix for all users and one for all items, as
   LightGCN and other models do that propagate embeddings over a graph;
3. an embedding table or a matrix of a common name, or the user's or item's part of the table that
   context-aware models keep for all fields;
4. for users of sequential models, ``forward`` of the items that the user visited before.

A model without any of these is explained without it.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from recbole_showcase.data.batch import ExplanationBatch, SelectionBatch
from recbole_showcase.data.corpus import ReviewCorpus

USER_TABLES = (
    "user_embedding",
    "user_embeddings",
    "user_emb",
    "user_mf_embedding",
    "user_embeddings_lookup",
    "h_user",
    "UI_emb",
)
ITEM_TABLES = (
    "item_embedding",
    "item_embeddings",
    "item_emb",
    "item_mf_embedding",
    "item_embeddings_lookup",
    "item_src_embedding",
    "item_matrix",
    "IU_emb",
    "entity_embedding",  # items are the first entities
)
_OTHER_FIELD_TABLES = ("FFM", "LR")  # they have the table of all fields, but do not score by it
_SEQUENCE_ARGUMENTS = {"item_seq": "items", "seq_item": "items"} | {
    name: "lengths" for name in ("item_seq_len", "seq_item_len")
}
PairBatch = ExplanationBatch | SelectionBatch
Lookup = Callable[["RecommenderVectors", PairBatch], Tensor]


class RecommenderVectors:
    """User and item vectors of a recommender, where it has them.

    Attributes:
        user_size: Width of the user vectors, 0 where there are none.
        item_size: Width of the item vectors, 0 where there are none.
        sources: In words, where the user's and the item's vectors come from, or None.
        of_visits: Whether a user's vector is made of what the user visited, whoever it is.
    """

    def __init__(
        self, model: Any, corpus: ReviewCorpus, fields: tuple[str, str], *, use: bool
    ) -> None:
        """Find the vectors.

        Args:
            model: The recommender.
            corpus: What is known of users and items, and of who visited what.
            fields: The data set's fields of users and items.
            use: Whether to look for vectors at all.
        """
        self._model = model
        self._corpus = corpus
        self._computed: tuple[Tensor, Tensor] | None = None
        self.user_size = self.item_size = 0
        self.sources: tuple[str | None, str | None] = (None, None)
        self.of_visits = False
        self._propagates = False
        self._user: Lookup | None = None
        self._item: Lookup | None = None
        if use:
            # Graphs and the like are on the device from the start; here the parameters follow.
            model.to(model.device)
            self._find(fields, len(corpus.user_tokens), len(corpus.item_tokens))

    def users(self, batch: PairBatch) -> Tensor | None:
        """Vectors (B, U) of the users of a batch, or None where the model has none."""
        return None if self._user is None else self._user(self, batch)

    def items(self, batch: PairBatch) -> Tensor | None:
        """Vectors (B, I) of the items of a batch, or None where the model has none."""
        return None if self._item is None else self._item(self, batch)

    def see(self, output: Any) -> None:
        """Keep what the recommender's own ``forward()`` has just given, to save computing it."""
        if self._propagates:
            self._computed = output[:2]

    def reading(self, model: Any, corpus: ReviewCorpus) -> RecommenderVectors:
        """The same of a copy of the model that shares its weights, and reads other visits."""
        other = copy.copy(self)
        other._model, other._corpus = model, corpus
        return other

    def forget(self) -> None:
        """Drop what was kept; the recommender has changed since, or is about to."""
        self._computed = None

    def __deepcopy__(self, memo: dict[int, Any]) -> RecommenderVectors:
        """Of a copied model; what is known of the data is shared."""
        other = memo[id(self)] = copy.copy(self)
        other._model = copy.deepcopy(self._model, memo)
        other.forget()
        return other

    def _find(self, fields: tuple[str, str], n_users: int, n_items: int) -> None:
        model = self._model
        user = _named(model, "showcase_user_table", n_users)
        item = _named(model, "showcase_item_table", n_items)
        if user is None and item is None and _propagates(model, n_users, n_items):
            self._propagates = True
            self.user_size, self.item_size = (matrix.shape[1] for matrix in self._matrices())
            self._user = lambda self, batch: self._matrices()[0][batch.users]
            self._item = lambda self, batch: self._matrices()[1][batch.items]
            self.sources = ("forward()", "forward()")
            self.forget()
            return
        user = user or _table(model, USER_TABLES, n_users) or _field(model, fields[0])
        item = item or _table(model, ITEM_TABLES, n_items) or _field(model, fields[1])
        if user is not None:
            self.user_size, rows = user.size, user.rows
            self._user = lambda self, batch: rows(self._model, batch.users)
        elif size := _sequence_size(model, n_items):
            self.user_size = size
            self._user, self.of_visits = RecommenderVectors._of_sequences, True
        if item is not None:
            self.item_size, item_rows = item.size, item.rows
            self._item = lambda self, batch: item_rows(self._model, batch.items)
        by_sequence = "forward of the sequence" if self._user else None
        self.sources = (user.source if user else by_sequence, item.source if item else None)

    def _matrices(self) -> tuple[Tensor, Tensor]:
        """All users' and all items' propagated vectors; computed where they are not known."""
        if self._computed is not None:
            return self._computed
        grad = torch.is_grad_enabled() and self._model.shares_gradient
        with torch.set_grad_enabled(grad):
            computed = self._model.forward()[:2]
        self._computed = None if grad else computed
        return computed

    def _of_sequences(self, batch: PairBatch) -> Tensor:
        """Vectors (B, H) of users from the items they visited before."""
        pairs, n = batch.pairs, self._model.max_seq_length
        past = self._corpus.visited(pairs.users, pairs.times, pairs.rows, n)
        items = torch.from_numpy(past).to(batch.users.device)
        lengths = (items > 0).sum(dim=1)
        # RecBole has no empty sequence: where there is no past, the vector is zero.
        some = lengths.clamp(min=1)
        return _last(_run(self._model, items, some), some) * (lengths > 0).unsqueeze(1)


@dataclass(frozen=True)
class Table:
    """Where a model keeps vectors: a name, their width, and how to get those of some ids."""

    source: str
    size: int
    rows: Callable[[Any, Tensor], Tensor]


def _propagates(model: Any, n_users: int, n_items: int) -> bool:
    """Whether ``forward()`` gives a matrix for all users and one for all items."""
    base = type(model).base_model.forward
    if len(inspect.signature(base).parameters) != 1:
        return False
    with torch.no_grad():
        found = model.forward()
    return (
        isinstance(found, tuple)
        and len(found) >= 2
        and all(isinstance(matrix, Tensor) and matrix.dim() == 2 for matrix in found[:2])
        and len(found[0]) == n_users
        and len(found[1]) >= n_items
    )


def _named(model: Any, attribute: str, n_rows: int) -> Table | None:
    """The table that the base itself names."""
    name = getattr(model, attribute, None)
    return None if name is None else _table(model, (name,), n_rows)


def _table(model: Any, names: tuple[str, ...], n_rows: int) -> Table | None:
    """The first embedding or matrix of one of the names that has a row for each id."""
    for name in names:
        table = getattr(model, name, None)
        if isinstance(table, nn.Embedding) and table.num_embeddings >= n_rows:
            return Table(name, table.embedding_dim, partial(_looked_up, name))
        if isinstance(table, Tensor) and table.dim() == 2 and len(table) >= n_rows:
            return Table(name, table.shape[1], partial(_taken, name))
    return None


def _looked_up(name: str, model: Any, ids: Tensor) -> Tensor:
    return getattr(model, name)(ids)


def _taken(name: str, model: Any, ids: Tensor) -> Tensor:
    return getattr(model, name)[ids].float()


def _field(model: Any, field: str) -> Table | None:
    """A field's part of the table that context-aware models have for all token fields."""
    table = getattr(model, "token_embedding_table", None)
    names = getattr(model, "token_field_names", ())
    if not isinstance(table, nn.Module) or field not in names:
        return None
    if type(model).base_model.__name__ in _OTHER_FIELD_TABLES:
        return None
    embedding = table.embedding
    if not isinstance(embedding, nn.Embedding):
        return None
    offset = int(model.token_field_offsets[list(names).index(field)])

    def rows(model: Any, ids: Tensor) -> Tensor:
        return model.token_embedding_table.embedding(ids + offset)

    return Table("token_embedding_table", embedding.embedding_dim, rows)


def _sequence_arguments(model: Any) -> list[str] | None:
    """What each argument of ``forward`` is, if it takes a sequence of items and its length."""
    if not hasattr(model, "ITEM_SEQ"):
        return None
    parameters = inspect.signature(type(model).base_model.forward).parameters.values()
    needed = [p.name for p in parameters if p.default is p.empty][1:]
    known = [_SEQUENCE_ARGUMENTS.get(name) for name in needed]
    return None if None in known or "items" not in known else known  # type: ignore[return-value]


def _sequence_size(model: Any, n_items: int) -> int:
    """Width of the vectors that ``forward`` gives for sequences, 0 where it gives no such."""
    if _sequence_arguments(model) is None:
        return 0
    device = next(model.parameters()).device
    training = model.training
    model.eval()
    items = torch.ones((2, model.max_seq_length), dtype=torch.long, device=device)
    with torch.no_grad():
        found = _last(_run(model, items, torch.full((2,), 2, device=device)), 2)
    model.train(training)
    fits = isinstance(found, Tensor) and found.dim() == 2 and len(found) == 2
    # As wide as the catalogue: these are scores of the items, no vector of the user.
    return found.shape[1] if fits and found.shape[1] != n_items else 0


def _run(model: Any, items: Tensor, lengths: Tensor) -> Any:
    values = {"items": items, "lengths": lengths}
    return model.forward(*(values[kind] for kind in _sequence_arguments(model) or ()))


def _last(output: Any, lengths: Any) -> Any:
    """The output (B, H), or of one for each place (B, L, H) that at the end of the sequence."""
    if not isinstance(output, Tensor) or output.dim() != 3:
        return output
    places = torch.arange(len(output), device=output.device)
    return output[places, lengths - 1]
