"""Graphs against their definitions."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from recbole_showcase.recommenders import graphs
from recbole_showcase.recommenders.graphs import (
    Graph,
    light_gcn,
    look_alike_graph,
    pruned,
    user_item_graph,
)

# Two users and three items; one pair visited three times, one item by nobody.
VISITS = sp.csr_matrix(np.array([[3.0, 1.0, 0.0], [1.0, 0.0, 0.0]], dtype=np.float32))


def test_user_item_graph_by_hand() -> None:
    half, root = 1 / 2, 1 / math.sqrt(2)  # degrees: users 2 and 1, items 2, 1 and 0
    expected = np.zeros((5, 5))
    expected[0, 2], expected[0, 3], expected[1, 2] = half, root, root
    np.testing.assert_allclose(user_item_graph(VISITS).toarray(), expected + expected.T, rtol=1e-6)
    assert VISITS[0, 0] == 3.0, "what is given stays as it was"


def test_light_gcn_is_the_mean_of_the_layers() -> None:
    matrix = user_item_graph(VISITS)
    dense, start = torch.from_numpy(matrix.toarray()), torch.randn(5, 4)
    expected = (start + dense @ start + dense @ dense @ start) / 3
    torch.testing.assert_close(light_gcn(Graph(matrix), start, 2), expected)


def test_a_graph_moves_copies_and_changes_with_its_model() -> None:
    graph = Graph(user_item_graph(VISITS))
    assert not graph.state_dict()
    copied = copy.deepcopy(graph).double()
    copied.become(sp.eye(5, format="csr", dtype=np.float32))
    start = torch.randn(5, 2, dtype=torch.float64)
    torch.testing.assert_close(copied(start), start)
    assert graph.weights.dtype == torch.float32 and len(graph.weights) == 6
    assert {part.device.type for part in graph.to("meta").buffers()} == {"meta"}


@pytest.mark.parametrize("block", [1 << 26, 4])
def test_look_alike_graph_by_definition(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs, "_BLOCK_BYTES", block)
    vectors = torch.randn(7, 4, generator=torch.Generator().manual_seed(0))
    known = torch.tensor([0.0, 1, 1, 1, 0, 1, 1]).unsqueeze(1)
    expected = np.zeros((7, 7))
    for i in np.flatnonzero(known):
        cosine = {
            j: float(vectors[i] @ vectors[j] / vectors[i].norm() / vectors[j].norm())
            for j in np.flatnonzero(known)
        }
        for j in sorted(cosine, key=cosine.__getitem__, reverse=True)[:3]:
            expected[i, j] = 1 / 3
    np.testing.assert_allclose(look_alike_graph(vectors, known, 3).toarray(), expected, rtol=1e-6)


def test_fewer_items_than_neighbours() -> None:
    found = look_alike_graph(torch.eye(3), torch.tensor([[0.0], [1], [1]]), 10).toarray()
    np.testing.assert_array_equal(found, [[0, 0, 0], [0, 0.5, 0.5], [0, 0.5, 0.5]])


def test_pruning_keeps_its_share_of_the_edges() -> None:
    visits = sp.random(40, 30, density=0.3, format="csr", dtype=np.float32, random_state=0)
    kept = pruned(visits, 0.8, np.random.default_rng(1))
    assert kept.nnz == round(0.2 * visits.nnz)
    assert not (kept.toarray() > 0)[visits.toarray() == 0].any()
    again = pruned(visits, 0.8, np.random.default_rng(1))
    assert (kept != again).nnz == 0 and (kept != pruned(visits, 0.8, np.random.default_rng(2))).nnz


def test_pruning_draws_by_the_degrees() -> None:
    """Of one edge that is kept, the chances are 1 / sqrt(degrees), made to sum to one."""
    visits = sp.csr_matrix(np.array([[1.0, 1, 1], [1, 0, 0], [0, 0, 1]], dtype=np.float32))
    degrees = {(0, 0): 6, (0, 1): 3, (0, 2): 6, (1, 0): 2, (2, 2): 2}
    weights = {edge: 1 / math.sqrt(product) for edge, product in degrees.items()}
    random = np.random.default_rng(0)
    counts = dict.fromkeys(weights, 0)
    for _ in range(4000):
        kept = pruned(visits, 0.8, random).tocoo()
        counts[int(kept.row[0]), int(kept.col[0])] += 1
    for edge, weight in weights.items():
        expected = weight / sum(weights.values())
        error = math.sqrt(expected * (1 - expected) / 4000)
        assert counts[edge] / 4000 == pytest.approx(expected, abs=4 * error)
