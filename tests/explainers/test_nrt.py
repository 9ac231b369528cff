"""NRT: its three losses, read literally."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from recbole_showcase.explainers.nrt import NrtExplainer
from recbole_showcase.text.tokenizer import TextTokenizer
from tests.explainers.test_explainers import TEXTS, batch_of, build


@pytest.fixture(scope="module")
def tokenizer() -> TextTokenizer:
    return TextTokenizer.train(TEXTS, 280)


def gru_step(explainer: NrtExplainer, x: Tensor, h: Tensor) -> Tensor:
    """One step of a gated recurrent unit, by its equations."""
    gru = explainer.gru
    from_x = (gru.weight_ih_l0 @ x + gru.bias_ih_l0).chunk(3)
    from_h = (gru.weight_hh_l0 @ h + gru.bias_hh_l0).chunk(3)
    reset, update = (torch.sigmoid(a + b) for a, b in zip(from_x[:2], from_h[:2], strict=True))
    new = torch.tanh(from_x[2] + reset * from_h[2])
    return (1 - update) * new + update * h


def literal_losses(explainer: NrtExplainer, tokenizer: TextTokenizer) -> list[Tensor]:
    """The losses of the test's batch, one sample and one word at a time."""
    texts, errors, context = [], [], []
    batch, _, _ = batch_of(tokenizer)
    for row, text in enumerate(TEXTS):
        pair = torch.cat(
            [explainer.users.table.weight[row + 1], explainer.items.table.weight[row + 1]]
        )
        hidden = pair
        for layer in list(explainer.rating)[:-1:2]:
            hidden = 1 / (1 + torch.exp(-(layer.weight @ hidden + layer.bias)))
        rating = (explainer.rating[-1].weight @ hidden + explainer.rating[-1].bias)[0]
        if not batch.ratings[row].isnan():
            errors.append((rating - batch.ratings[row]) ** 2)
        seen = torch.sigmoid(explainer.context.weight @ pair + explainer.context.bias)
        words = torch.log_softmax(explainer.context_words(seen), dim=0)
        stars = torch.zeros(5)
        stars[min(max(int(rating), 1), 5) - 1] = 1.0
        state = torch.tanh(explainer.start(torch.cat([pair, stars, seen])))
        ids = tokenizer.encode([text], 20, ends=False)[0].tolist()
        context += [-words[word] for word in ids]
        for given, wanted in zip([tokenizer.bos_id, *ids], [*ids, tokenizer.eos_id], strict=True):
            state = gru_step(explainer, explainer.words.weight[given], state)
            texts.append(-torch.log_softmax(explainer.output(state), dim=0)[wanted])
    return [torch.stack(terms).mean() for terms in (texts, errors, context)]


def test_its_losses_are_the_papers(tokenizer: TextTokenizer) -> None:
    weights = {"explainer_rating_weight": 0.5, "explainer_context_weight": 2.0}
    explainer = build("nrt", tokenizer, **weights)
    with torch.no_grad():
        explainer.rating[-1].bias.fill_(3.5)  # a star that is neither the first nor the last
    losses = explainer(*batch_of(tokenizer))
    literal = [
        w * t for w, t in zip((1, 0.5, 2), literal_losses(explainer, tokenizer), strict=True)
    ]
    for one, other in zip(losses, literal, strict=True):
        torch.testing.assert_close(one, other)
    parameters = list(explainer.parameters())
    for one, other in zip(
        torch.autograd.grad(sum(losses), parameters),
        torch.autograd.grad(sum(literal), parameters),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_the_predicted_rating_is_part_of_the_start(tokenizer: TextTokenizer) -> None:
    explainer = build("nrt", tokenizer)
    batch, _, _ = batch_of(tokenizer)
    starts = []
    for stars in (-2.0, 1.4, 4.6, 9.0):
        with torch.no_grad():
            explainer.rating[-1].weight.zero_()
            explainer.rating[-1].bias.fill_(stars)
        starts.append(explainer._encode(batch)[2])
    assert torch.equal(starts[0], starts[1]), "both are the first star"
    assert not torch.equal(starts[1], starts[2])
    assert not torch.equal(starts[2], starts[3])
