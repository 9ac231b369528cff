"""The one adapter between a recommender's vectors and the explainer.

A RecBole model has no common interface to its user and item representations. Most keep them in
embedding tables of common names; a model without such tables is explained without them.
"""

from __future__ import annotations

from torch import Tensor, nn

USER_TABLES = ("user_embedding", "user_embedding_layer", "user_embeddings")
ITEM_TABLES = ("item_embedding", "item_embedding_layer", "item_embeddings")


class RecommenderVectors:
    """User and item vectors of a recommender, where it has embedding tables for them.

    Attributes:
        user_size: Width of the user vectors, 0 where there are none.
        item_size: Width of the item vectors, 0 where there are none.
    """

    def __init__(self, model: nn.Module, n_users: int, n_items: int, *, use: bool) -> None:
        """Find the tables.

        Args:
            model: The recommender.
            n_users: Rows that a user table must have.
            n_items: Rows that an item table must have.
            use: Whether to look for tables at all.
        """
        self._user = _table(model, USER_TABLES, n_users) if use else None
        self._item = _table(model, ITEM_TABLES, n_items) if use else None
        self.user_size = self._user.embedding_dim if self._user is not None else 0
        self.item_size = self._item.embedding_dim if self._item is not None else 0

    def users(self, ids: Tensor) -> Tensor | None:
        """Vectors (B, U) of users (B,), or None where the model has none."""
        return None if self._user is None else self._user(ids)

    def items(self, ids: Tensor) -> Tensor | None:
        """Vectors (B, I) of items (B,), or None where the model has none."""
        return None if self._item is None else self._item(ids)


def _table(model: nn.Module, names: tuple[str, ...], n_rows: int) -> nn.Embedding | None:
    for name in names:
        table = getattr(model, name, None)
        if isinstance(table, nn.Embedding) and table.num_embeddings >= n_rows:
            return table
    return None
