"""Graphs that vectors are propagated over: users and items, and items that look alike."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor, nn

from recbole_showcase.precision import whole_precision

_BLOCK_BYTES = 1 << 26  # of cosines in memory at a time


class Graph(nn.Module):
    """A sparse matrix that is not learned, as buffers of its E entries.

    Attributes:
        places: Row and column of each entry (2, E), int64, in order.
        weights: Its value (E,), float32.
    """

    places: Tensor
    weights: Tensor

    def __init__(self, matrix: sp.spmatrix) -> None:
        """Take the entries of a matrix (N, M)."""
        super().__init__()
        self.register_buffer("places", torch.empty(2, 0, dtype=torch.long), persistent=False)
        self.register_buffer("weights", torch.empty(0), persistent=False)
        self.become(matrix)

    def become(self, matrix: sp.spmatrix) -> None:
        """Take the entries of another matrix, on the device where this one is."""
        entries = sp.csr_matrix(matrix)
        entries.sort_indices()
        entries = entries.tocoo()
        places = np.stack([entries.row, entries.col]).astype(np.int64)
        self.shape = entries.shape
        self.places = torch.from_numpy(places).to(self.places.device)
        self.weights = torch.from_numpy(entries.data).to(self.weights)

    def forward(self, vectors: Tensor) -> Tensor:
        """The matrix times vectors (M, K), giving (N, K)."""
        matrix = torch.sparse_coo_tensor(
            self.places, self.weights, self.shape, is_coalesced=True, check_invariants=False
        )
        # Mixed precision would halve the entries, for which there is no product or no gradient.
        with whole_precision(vectors.device):
            kind = torch.promote_types(vectors.dtype, matrix.dtype)
            return torch.sparse.mm(matrix, vectors.to(kind))


def light_gcn(graph: Graph, vectors: Tensor, n_layers: int) -> Tensor:
    """The mean of vectors (N, K) and of what ``n_layers`` steps over the graph make of them."""
    layers = [vectors]
    for _ in range(n_layers):
        layers.append(graph(layers[-1]))
    return torch.stack(layers).mean(dim=0)


def user_item_graph(interactions: sp.csr_matrix) -> sp.csr_matrix:
    """Who visited what, both ways, each entry over the roots of both degrees.

    Args:
        interactions: (n_users, n_items); an entry that is not zero is an edge, however large.

    Returns:
        (n_users + n_items, n_users + n_items), users first.
    """
    edges = sp.csr_matrix(interactions, dtype=np.float32, copy=True)
    edges.data[:] = 1.0
    both = sp.bmat([[None, edges], [edges.T, None]], format="csr", dtype=np.float32)
    return _over_degrees(both)


def pruned(interactions: sp.csr_matrix, share: float, random: np.random.Generator) -> sp.csr_matrix:
    """Some of the edges, drawn without replacement; those of popular users and items rarely.

    An edge has the chance 1 / sqrt(degree of its user * degree of its item), up to a factor, of
    being the next that is drawn (Zhou & Shen, MM 2023).

    Args:
        interactions: (n_users, n_items), CSR without entries of zero.
        share: Of the edges that are left out.
        random: Draws them.
    """
    users = np.diff(interactions.indptr)
    items = np.bincount(interactions.indices, minlength=interactions.shape[1])
    rows = np.repeat(np.arange(len(users)), users)
    unlikely = np.sqrt(users[rows].astype(np.float64) * items[interactions.indices])
    n_kept = max(1, round(len(rows) * (1.0 - share)))
    # The first of exponential waiting times are drawn in proportion to the rates.
    waits = random.exponential(size=len(rows)) * unlikely
    kept = np.sort(np.argpartition(waits, n_kept - 1)[:n_kept])
    where = rows[kept], interactions.indices[kept]
    return sp.csr_matrix((np.ones(n_kept, np.float32), where), shape=interactions.shape)


def look_alike_graph(vectors: Tensor, known: Tensor, k: int) -> sp.csr_matrix:
    """Each known item's nearest known items by cosine, itself among them, over their number.

    One block of cosines is in memory at a time, at most 64 MB or one row; time grows with the
    square of the number of items.

    Args:
        vectors: (n_items, D).
        known: Which of them are vertices (n_items, 1); the others have no edge.
        k: The number of neighbours.

    Returns:
        (n_items, n_items), an edge of a known item having the weight one over its row's number.
    """
    items = known.squeeze(1).nonzero().squeeze(1)
    unit = nn.functional.normalize(vectors[items], dim=1)
    k = min(k, len(items))
    step = max(1, _BLOCK_BYTES // (4 * max(1, len(items))))
    nearest = [(part @ unit.T).topk(k, dim=1).indices for part in unit.split(step)]
    columns = items[torch.cat(nearest).flatten()].cpu().numpy()
    rows = items.repeat_interleave(k).cpu().numpy()
    ones = np.ones(len(rows), dtype=np.float32)
    return sp.csr_matrix((ones / np.float32(k), (rows, columns)), shape=(len(vectors),) * 2)


def _over_degrees(matrix: sp.csr_matrix) -> sp.csr_matrix:
    """Each entry over the roots of the sums of its row and of its column's row."""
    degrees = np.asarray(matrix.sum(axis=1)).ravel()
    roots = sp.diags(1.0 / np.sqrt(np.maximum(degrees, 1.0)).astype(np.float32))
    return sp.csr_matrix(roots @ matrix @ roots, dtype=np.float32)
