"""Each equation against a slow literal reading, in value and gradient."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from recbole_showcase.relevance.learned import _SPEED, listwise_loss
from tests.relevance.test_relevance import STATISTICS, build, draw


def test_soft_counts_are_those_of_the_equation() -> None:
    model, batch = build("learned"), draw()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.02)
    found = model(batch, None, None)
    means = {"photo": STATISTICS[0], "review": -STATISTICS[0].abs()}
    profile = {
        "photo": (batch.history_photo_features, batch.history_photo_mask),
        "review": (batch.review_features, batch.review_mask),
    }
    for row in (0, 1, 2, 4):
        for place in range(int(batch.candidate_mask[row].sum())):
            photo = (batch.candidate_features[row, place] - means["photo"]) * (
                _SPEED * model.weights["photo"]
            ).exp()
            count = torch.tensor(1.0)
            for kind, (features, mask) in profile.items():
                part = model.counts[kind]
                for entry in features[row][mask[row]]:
                    entry = (entry - means[kind]) * (_SPEED * model.weights[kind]).exp()
                    cosine = F.cosine_similarity(photo, entry, dim=0)
                    temperature = math.exp(_SPEED * float(part.log_temperature))
                    count = count + ((cosine - _SPEED * part.offset) / temperature).exp()
            expected = (_SPEED * model.log_scale).exp() * count.log()
            torch.testing.assert_close(found[row, place], expected, rtol=1e-4, atol=1e-5)


def slow_listwise(relevance, mask, posted):
    rows = []
    for n in range(len(mask)):
        total = sum(relevance[n, c].exp() for c in range(mask.shape[1]) if mask[n, c])
        own = [-(relevance[n, c].exp() / total).log() for c in range(mask.shape[1]) if posted[n, c]]
        rows.append(sum(own) / len(own))
    return sum(rows) / len(rows)


def test_listwise_loss_and_gradient() -> None:
    batch, results = draw(), []
    for loss in (listwise_loss, slow_listwise):
        relevance = torch.randn(5, 7, generator=torch.Generator().manual_seed(2)).requires_grad_()
        value = loss(relevance, batch.candidate_mask, batch.posted)
        value.backward()
        results.append((value.detach(), relevance.grad))
    for fast, literal in zip(*results, strict=True):
        torch.testing.assert_close(fast, literal)


def slow_authorship(name: str, model, batch) -> torch.Tensor:
    """Posted photos against the item's others and the other users' posted ones, half and half."""

    def score(user: int, features: torch.Tensor) -> torch.Tensor:
        return model.users.weight[user] @ model.project(model.standardise(features))

    shown = [
        (int(batch.users[n]), batch.candidate_features[n, c])
        for n, c in batch.posted.nonzero().tolist()
    ]
    rows = []
    for n in range(len(batch)):
        user = int(batch.users[n])
        real = batch.candidate_features[n][batch.candidate_mask[n]]
        posted = batch.posted[n][batch.candidate_mask[n]].tolist()
        own = [score(user, f) for f, p in zip(real, posted, strict=True) if p]
        same = [score(user, f) for f, p in zip(real, posted, strict=True) if not p]
        other = [score(user, f) for owner, f in shown if owner != user]
        weighted = [(s, 0.5 / len(same)) for s in same] + [(s, 0.5 / len(other)) for s in other]
        if name == "mf_elvis":
            positive = sum(-torch.sigmoid(s).log() for s in own) / len(own)
            negative = sum(-w * torch.sigmoid(-s).log() for s, w in weighted)
            rows.append((positive + negative) / 2)
        else:
            pairs = [-w * torch.sigmoid(p - s).log() for p in own for s, w in weighted]
            rows.append(sum(pairs) / len(own))
    return sum(rows) / len(rows)


@pytest.mark.parametrize("name", ["mf_elvis", "brie"])
def test_authorship_losses_and_gradients(name: str) -> None:
    batch = draw()
    batch.users[3] = 5  # all users known
    results = []
    for slow in (False, True):
        model = build(name)
        if slow:
            value = slow_authorship(name, model, batch)
        else:
            (value,) = model.losses(model(batch, None, None), batch, None, None)
        value.backward()
        results.append((value.detach(), *(p.grad for p in model.parameters())))
    for fast, literal in zip(*results, strict=True):
        torch.testing.assert_close(fast, literal)
