"""Att2Seq: its start and its attention, read literally."""

from __future__ import annotations

import torch

from recbole_showcase.explainers.att2seq import AttributeAttention
from recbole_showcase.text.tokenizer import TextTokenizer
from tests.explainers.test_explainers import TEXTS, batch_of, build


def test_the_attention_is_the_papers() -> None:
    """One state and one attribute at a time: exp(tanh(w [h; a])) / Z, with its gradients."""
    torch.manual_seed(0)
    attention = AttributeAttention(width=6, size=4)
    states = torch.randn(3, 5, 6, requires_grad=True)
    attributes = torch.randn(3, 2, 4, requires_grad=True)
    weight = torch.cat([attention.state_score.weight, attention.attribute_score.weight], dim=1)[0]
    rows = []
    for b in range(3):
        for t in range(5):
            scores = [
                torch.exp(torch.tanh(weight @ torch.cat([states[b, t], attributes[b, i]])))
                for i in range(2)
            ]
            context = sum(s * a for s, a in zip(scores, attributes[b], strict=True)) / sum(scores)
            mixed = attention.of_context.weight @ context + attention.of_state.weight @ states[b, t]
            rows.append(torch.tanh(mixed))
    literal = torch.stack(rows).view(3, 5, 6)
    fast = attention(states, attributes)
    torch.testing.assert_close(fast, literal)
    weights = torch.randn(3, 5, 6)
    inputs = [states, attributes, *attention.parameters()]
    for one, other in zip(
        torch.autograd.grad((fast * weights).sum(), inputs),
        torch.autograd.grad((literal * weights).sum(), inputs),
        strict=True,
    ):
        torch.testing.assert_close(one, other)


def test_the_attributes_start_every_layer() -> None:
    """Layer l starts at the l-th part of tanh(H [user; item] + b), its cells at zero."""
    tokenizer = TextTokenizer.train(TEXTS, 280)
    explainer = build("att2seq", tokenizer, explainer_decoder_layers=3)
    batch, _, _ = batch_of(tokenizer)
    hidden, cells = explainer._start(explainer._attributes(batch))
    assert hidden.shape == (3, len(batch), 16) and not cells.any()
    for b in range(len(batch)):
        pair = torch.cat([explainer.users.table.weight[b + 1], explainer.items.table.weight[b + 1]])
        start = torch.tanh(explainer.start.weight @ pair + explainer.start.bias)
        for layer in range(3):
            torch.testing.assert_close(hidden[layer, b], start[16 * layer : 16 * (layer + 1)])
