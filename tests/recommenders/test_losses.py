"""Losses and scores against the equations, read slowly: value and gradient."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from recbole.data.interaction import Interaction
from torch import Tensor
from torch.nn.functional import dropout

from recbole_showcase.recommenders.graphs import pruned
from tests.recommenders.conftest import built
from tests.tiny import TinyWorld

BATCH = 5  # unlike every other size


def model_and_batch(model: str, world: TinyWorld, work: Path, **changes: Any) -> tuple[Any, Any]:
    trainer, _ = built(model, world, work, **changes)
    random = np.random.default_rng(5)
    columns = {
        "user_id": random.integers(1, trainer.model.n_users, BATCH),
        "item_id": random.integers(1, trainer.model.n_items, BATCH),
        "neg_item_id": random.integers(1, trainer.model.n_items, BATCH),
    }
    (blind,) = np.flatnonzero(trainer.model.seen["image"].known[1:, 0].numpy() == 0) + 1
    columns["item_id"][0] = blind
    batch = Interaction({key: torch.from_numpy(value) for key, value in columns.items()})
    return trainer.model.double(), batch


def check(model: Any, fast: Tensor, slow: Tensor) -> None:
    torch.testing.assert_close(fast, slow)
    parameters = [p for p in model.parameters() if p.requires_grad]
    both = [torch.autograd.grad(loss, parameters, allow_unused=True) for loss in (fast, slow)]
    for name, one, other in zip(dict(model.named_parameters()), *both, strict=True):
        assert one is not None and one.abs().sum() > 0, name
        torch.testing.assert_close(one, other, msg=name)


def triples(batch: Any) -> list[tuple[int, int, int]]:
    columns = (batch[key].tolist() for key in ("user_id", "item_id", "neg_item_id"))
    return list(zip(*columns, strict=True))


def log_sigmoid(x: Tensor) -> Tensor:
    return torch.log(1 / (1 + torch.exp(-x)))


def test_vbpr(seen_world: TinyWorld, tmp_path: Path) -> None:
    """x_ui = b_i + g_u g_i + t_u (E f_i) + b' f_i; -ln s(x_ui - x_uj) + l/2 |own|² + l_E/2 |E|²."""
    changes = {
        "modalities": ["image", "review"],
        "feature_embedding_size": 3,
        "reg_weight": 0.3,
        "feature_reg_weight": 0.2,
    }
    model, batch = model_and_batch("VBPR", seen_world, tmp_path, **changes)
    g_u, g_i = model.user_embedding.weight, model.item_embedding.weight
    t_u, b_i = model.user_feature_embedding.weight, model.item_bias.weight[:, 0]
    e, b_f = model.feature_projection.weight, model.feature_bias.weight[0]
    f = torch.cat([model.seen["image"].vectors, model.seen["review"].vectors], dim=1)
    f = f / 32**0.5
    is_trained = model.trained[:, 0]

    def score(u: int, i: int) -> Tensor:
        own = is_trained[i] * (b_i[i] + sum(g_u[u, k] * g_i[i, k] for k in range(8)))
        seen = sum(t_u[u, d] * sum(e[d, n] * f[i, n] for n in range(32)) for d in range(3))
        return own + seen + sum(b_f[n] * f[i, n] for n in range(32))

    slow = 0.0
    for u, i, j in triples(batch):
        squares = (g_u[u] ** 2).sum() + (t_u[u] ** 2).sum()
        for item in (i, j):
            squares = squares + is_trained[item] * ((g_i[item] ** 2).sum() + b_i[item] ** 2)
        slow = slow - log_sigmoid(score(u, i) - score(u, j)) + 0.3 / 2 * squares
    slow = slow / BATCH + 0.2 / 2 * ((e**2).sum() + (b_f**2).sum())
    check(model, model.calculate_loss(batch), slow)
    expected = torch.stack([score(u, i) for u, i, _ in triples(batch)])
    torch.testing.assert_close(model.predict(batch), expected)


def light_gcn_dense(model: Any, edges: Any, n_layers: int) -> tuple[Tensor, Tensor]:
    """Neighbour by neighbour, over the degrees of the edges."""
    n_users = model.n_users
    visited = torch.from_numpy((edges.toarray() > 0).astype(np.float64))
    users, items = model.user_embedding.weight, model.item_embedding.weight * model.trained
    layers = [(users, items)]
    for _ in range(n_layers):
        users, items = layers[-1]
        degree_u, degree_i = visited.sum(1), visited.sum(0)
        next_u = [torch.zeros(8).double() for _ in range(n_users)]
        next_i = [torch.zeros(8).double() for _ in range(model.n_items)]
        for u, i in visited.nonzero().tolist():
            norm = 1 / torch.sqrt(degree_u[u] * degree_i[i])
            next_u[u] = next_u[u] + norm * items[i]
            next_i[i] = next_i[i] + norm * users[u]
        layers.append((torch.stack(next_u), torch.stack(next_i)))
    count = n_layers + 1
    return sum(u for u, _ in layers) / count, sum(i for _, i in layers) / count


def test_bm3(seen_world: TinyWorld, tmp_path: Path) -> None:
    """L = L_rec + c (L_align + L_mask) + l (|h_u|² + |h_i|²), each C a negative cosine."""
    changes = {"n_layers": 2, "dropout_prob": 0.4, "reg_weight": 0.2, "feature_loss_weight": 0.7}
    model, batch = model_and_batch("BM3", seen_world, tmp_path, **changes)
    visits = built("BM3", seen_world, tmp_path)[1][0]._dataset.inter_matrix(form="csr")
    model.train()
    torch.manual_seed(9)
    fast = model.calculate_loss(batch)
    h_u, h_i = light_gcn_dense(model, visits, 2)
    h_i = h_i + model.item_embedding.weight * model.trained  # the residual connection
    u, i = (batch[k] for k in ("user_id", "item_id"))

    def p(x: Tensor) -> Tensor:
        return model.predictor.weight @ x + model.predictor.bias

    def c(x: Tensor, y: Tensor) -> Tensor:
        return -(x @ y) / torch.sqrt(x @ x) / torch.sqrt(y @ y)

    torch.manual_seed(9)  # the same views
    view_i, view_u = (dropout(h, 0.4).detach() for h in (h_i[i], h_u[u]))
    slow = 0.0
    for n in range(BATCH):
        slow = slow + c(p(h_u[u[n]]), view_i[n]) + c(p(h_i[i[n]]), view_u[n])
        slow = slow + 0.2 * (h_u[u[n]] @ h_u[u[n]] + h_i[i[n]] @ h_i[i[n]])
    for name, part in model.seen.items():
        layer = model.projections[name]
        h_m = torch.stack([layer.weight @ part.vectors[item] + layer.bias for item in i])
        view_m = dropout(h_m, 0.4).detach()
        for n in range(BATCH):
            if part.known[i[n]]:
                slow = slow + 0.7 * (c(p(h_m[n]), view_i[n]) + c(p(h_m[n]), view_m[n]))
    check(model, fast, slow / BATCH)
    model.eval()
    expected = [p(h_u[a]) @ p(h_i[b]) for a, b, _ in triples(batch) if model.trained[b]]
    kept = model.trained[i][:, 0] > 0
    torch.testing.assert_close(model.predict(batch)[kept], torch.stack(expected))


def test_freedom(seen_world: TinyWorld, tmp_path: Path) -> None:
    """-ln s(h_u h_i - h_u h_j) - l sum over m of ln s(h_u h_i^m - h_u h_j^m), on a pruned graph."""
    changes = {"knn_k": 4, "image_weight": 0.3, "edge_dropout": 0.5, "feature_loss_weight": 0.6}
    model, batch = model_and_batch("FREEDOM", seen_world, tmp_path, **changes)
    visits = built("FREEDOM", seen_world, tmp_path)[1][0]._dataset.inter_matrix(form="csr")
    kept = pruned(visits.astype(np.float32), 0.5, np.random.default_rng((2020, 3)))
    model.train()
    model.pre_epoch(3)
    items = model.item_embedding.weight * model.trained
    alike = torch.zeros_like(items)
    for name, part in model.seen.items():
        known = [i for i in range(model.n_items) if part.known[i]]
        for i in known:
            importance = {"image": 0.3, "review": 0.7}[name]
            unit = part.vectors / part.vectors.norm(dim=1, keepdim=True)
            nearest = sorted(known, key=lambda j, unit=unit, i=i: -float(unit[i] @ unit[j]))[:4]
            if not all(other.known[i] for other in model.seen.values()):
                importance = 1.0  # what there is of the item counts whole
            row = sum(items[j] for j in nearest) * importance / 4
            alike = alike.index_add(0, torch.tensor([i]), row.unsqueeze(0))

    h_u, h_i = light_gcn_dense(model, kept, 2)
    h_i = h_i + alike
    slow = 0.0
    for u, i, j in triples(batch):
        slow = slow - log_sigmoid(h_u[u] @ h_i[i] - h_u[u] @ h_i[j])
        for name, part in model.seen.items():
            if part.known[i] and part.known[j]:
                w = model.projections[name].weight
                better = h_u[u] @ (w @ part.vectors[i]) - h_u[u] @ (w @ part.vectors[j])
                slow = slow - 0.6 * log_sigmoid(better)
    check(model, model.calculate_loss(batch), slow / BATCH)
    h_u, h_i = light_gcn_dense(model, visits, 2)  # scores are over all visits
    expected = torch.stack([h_u[u] @ (h_i + alike)[i] for u, i, _ in triples(batch)])
    torch.testing.assert_close(model.predict(batch), expected)
