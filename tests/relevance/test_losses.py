"""Each equation against a slow literal reading, in value and gradient."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from recbole_showcase.integration.config import part_defaults
from recbole_showcase.relevance import RELEVANCE
from recbole_showcase.relevance.learned import _SPEED, listwise_loss
from tests.relevance.test_relevance import COSINES, INPUTS, STATISTICS, build, draw


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
                    mean, deviation = COSINES[["photo", "review"].index(kind)]
                    z = (cosine - mean) / deviation
                    temperature = math.exp(_SPEED * float(part.log_temperature))
                    count = count + ((z - _SPEED * part.offset) / temperature).exp()
            expected = (_SPEED * model.log_scale).exp() * count.log()
            torch.testing.assert_close(found[row, place], expected, rtol=1e-4, atol=1e-5)


def test_before_training_the_data_say_which_cosines_count() -> None:
    """By hand, photos of mean .1 and deviation .4: a cosine of .5 counts once, .9 e² times."""
    model = build("learned")
    for kind, cosines in {"photo": [0.5, 0.9, 0.1], "review": [0.1, 0.4, -0.2]}.items():
        there = torch.tensor([[True, True, True]])
        logs = model.counts[kind](torch.tensor([[cosines]]), there)
        torch.testing.assert_close(logs, torch.tensor([[[0.0, 2.0, -2.0]]]), rtol=0, atol=1e-5)


def test_a_start_of_other_cosines_gives_the_same_counts() -> None:
    """No constant is left in cosines: what is shifted and stretched with the data counts alike."""
    other = replace(INPUTS, profile_cosines=COSINES * torch.tensor([1.0, 0.25]) + 0.125)
    settings = part_defaults("relevance", "learned")
    first, second = (RELEVANCE.build("learned", settings, inputs) for inputs in (INPUTS, other))
    there = torch.ones(1, 5, dtype=torch.bool)
    cosines = torch.linspace(-0.5, 0.9, 5).view(1, 1, 5)
    for kind in ("photo", "review"):
        (mean, deviation), (mean_2, deviation_2) = (
            first.counts[kind].cosines,
            second.counts[kind].cosines,
        )
        moved = (cosines - mean) / deviation * deviation_2 + mean_2
        torch.testing.assert_close(
            first.counts[kind](cosines, there), second.counts[kind](moved, there)
        )


def test_the_prior_is_that_of_the_equation() -> None:
    model, batch = build("learned", relevance_prior=0.5), draw()
    prior = model.losses(model(batch, None, None), batch, None, None)[1]
    assert float(prior) == 0.0, "at the start"
    torch.manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.02)
    expected = 0.0
    for kind in ("photo", "review"):
        part = model.counts[kind]
        moved = [_SPEED * float(weight) for weight in model.weights[kind]]
        moved.append(_SPEED * float(part.log_temperature) - math.log(0.5))
        moved.append(_SPEED * float(part.offset) - 1.0)
        expected += sum(value**2 for value in moved) / (2 * 0.5**2 * 50)
    found = model.losses(model(batch, None, None), batch, None, None)[1]
    assert float(found) == pytest.approx(expected, rel=1e-4)


def test_few_rows_leave_the_order_where_it_started() -> None:
    """Five rows that chance could have posted: as five of five they move it less than of many."""
    moved = {}
    for rows in (5, 100_000):
        inputs = replace(INPUTS, selection_rows=rows)
        model = RELEVANCE.build("learned", part_defaults("relevance", "learned"), inputs).train()
        batch, optimizer = draw(), torch.optim.Adam(model.parameters(), lr=0.001)
        for _ in range(60):
            optimizer.zero_grad()
            sum(model.losses(model(batch, None, None), batch, None, None)).backward()
            optimizer.step()
        moved[rows] = float(_SPEED * torch.cat(list(model.weights.values())).detach().norm())
    assert moved[5] < 0.7 * moved[100_000], moved


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


def network(model, user: int, features: torch.Tensor) -> torch.Tensor:
    """ELVis on one user and one photo, layer by layer."""
    photo = model.project(model.standardise(features))
    both = torch.cat([model.users.weight[user], photo]).relu()
    return model.author(model.hidden(both).relu())[0]


def product(model, user: int, features: torch.Tensor) -> torch.Tensor:
    return model.users.weight[user] @ model.project(model.standardise(features))


def unlike(batch, n: int, photos: list[torch.Tensor]) -> list[bool]:
    """Which photos are likely negatives of a row's user; all where none is."""
    cosines = [float(F.cosine_similarity(batch.taste[n], f, dim=0)) for f in photos]
    found = [cosine <= float(batch.taste_cosine[n]) for cosine in cosines]
    return found if any(found) else [True] * len(found)


def slow_authorship(name: str, model, batch, likely: bool) -> torch.Tensor:
    """Posted photos against the item's by others and what other users posted, half and half."""
    score = network if name == "elvis" else product
    shown = [
        (int(batch.users[n]), batch.candidate_features[n, c])
        for n, c in batch.posted.nonzero().tolist()
    ]
    rows = []
    for n in range(len(batch)):
        user = int(batch.users[n])
        real = batch.candidate_features[n][batch.candidate_mask[n]]
        posted = batch.posted[n][batch.candidate_mask[n]].tolist()
        by_user = batch.by_user[n][batch.candidate_mask[n]].tolist()
        own = [score(model, user, f) for f, p in zip(real, posted, strict=True) if p]
        weighted = []
        for photos in (
            [f for f, own_too in zip(real, by_user, strict=True) if not own_too],
            [f for owner, f in shown if owner != user],
        ):
            kept = unlike(batch, n, photos) if likely else [True] * len(photos)
            weighted += [
                (score(model, user, f), 0.5 / sum(kept))
                for f, k in zip(photos, kept, strict=True)
                if k
            ]
        if name == "brie":
            pairs = [-w * torch.sigmoid(p - s).log() for p in own for s, w in weighted]
            rows.append(sum(pairs) / len(own))
        else:
            positive = sum(-torch.sigmoid(s).log() for s in own) / len(own)
            negative = sum(-w * torch.sigmoid(-s).log() for s, w in weighted)
            rows.append((positive + negative) / 2)
    return sum(rows) / len(rows)


@pytest.mark.parametrize("negatives", ["uniform", "likely"])
@pytest.mark.parametrize("name", ["mf_elvis", "brie", "elvis"])
def test_authorship_losses_and_gradients(name: str, negatives: str) -> None:
    batch = draw()
    batch.users[3] = 5  # all users known
    # Of the third row no photo is unlike enough: all of both kinds stay.
    batch = replace(batch, taste_cosine=torch.tensor([0.1, 0.0, -2.0, -0.1, 0.3]))
    results = []
    for slow in (False, True):
        model = build(name, relevance_negatives=negatives)
        if slow:
            value = slow_authorship(name, model, batch, negatives == "likely")
        else:
            (value,) = model.losses(model(batch, None, None), batch, None, None)
        value.backward()
        results.append((value.detach(), *(p.grad for p in model.parameters())))
    for fast, literal in zip(*results, strict=True):
        torch.testing.assert_close(fast, literal)


def test_of_very_many_photos_elvis_sets_some_against_a_user() -> None:
    """At even steps, the first and the last among them, and the others have no gradient."""
    batch, model = draw(), build("elvis")
    row, place = (part.tolist() for part in model._shown(batch))
    assert [row, place] == batch.posted.nonzero().T.tolist(), "all while there is room"
    model.most_others = 3
    some = [part.tolist() for part in model._shown(batch)]
    kept = list(zip(*some, strict=True))
    assert kept == [list(zip(row, place, strict=True))[n] for n in (0, 2, 5)]


def test_elvis_scores_are_those_of_the_network() -> None:
    batch, model = draw(), build("elvis")
    found = model(batch, None, None)
    for n in (0, 1, 2, 4):
        for c in batch.candidate_mask[n].nonzero()[:, 0].tolist():
            features = batch.candidate_features[n, c]
            expected = network(model, int(batch.users[n]), features)
            torch.testing.assert_close(found[n, c], expected, rtol=1e-4, atol=1e-5)
