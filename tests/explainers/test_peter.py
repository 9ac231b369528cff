"""PETER: its mask and its three losses, read literally."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from recbole_showcase.errors import SettingsError
from recbole_showcase.explainers.base import sinusoids
from recbole_showcase.explainers.peter import (
    PeterExplainer,
    PeterLayer,
    peter_mask,
)
from recbole_showcase.text.tokenizer import TextTokenizer
from tests.explainers.test_explainers import TEXTS, batch_of, build


@pytest.fixture(scope="module")
def tokenizer() -> TextTokenizer:
    return TextTokenizer.train(TEXTS, 280)


def test_the_mask_is_the_papers() -> None:
    """User, item, start and two words: left to right, and the user sees the item."""
    sees = [
        [1, 1, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0],
        [1, 1, 1, 1, 0],
        [1, 1, 1, 1, 1],
    ]
    assert (~peter_mask(5)).long().tolist() == sees


def attend(layer: PeterLayer, states: list[Tensor], position: int) -> Tensor:
    """Multi-head attention of one position over those that it may see."""
    attention = layer.attention
    width, heads = attention.embed_dim, attention.num_heads
    size = width // heads
    seen = list(range(position + 1)) + ([1] if position == 0 else [])
    projections = zip(
        attention.in_proj_weight.chunk(3), attention.in_proj_bias.chunk(3), strict=True
    )
    query, key, value = ((lambda x, w=w, b=b: w @ x + b) for w, b in projections)
    found = []
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        scores = torch.stack(
            [query(states[position])[part] @ key(states[j])[part] for j in seen]
        ) / math.sqrt(size)
        weights = scores.exp() / scores.exp().sum()
        found.append(sum(w * value(states[j])[part] for w, j in zip(weights, seen, strict=True)))
    return attention.out_proj(torch.cat(found))


def encode(explainer: PeterExplainer, row: int, ids: list[int]) -> list[Tensor]:
    """The last states of one sample, position by position."""
    width = explainer.settings.explainer_hidden_size
    vectors = [
        explainer.users.table.weight[row + 1],
        explainer.items.table.weight[row + 1],
        *explainer.words.weight[ids],
    ]
    states = []
    for position, vector in enumerate(vectors):
        place = torch.empty(width)
        for i in range(width):
            angle = position / 10_000 ** (2 * (i // 2) / width)
            place[i] = math.cos(angle) if i % 2 else math.sin(angle)
        states.append(vector * math.sqrt(width) + place)
    for layer in explainer.layers:
        after = []
        for position, state in enumerate(states):
            x = layer.attention_norm(state + attend(layer, states, position))
            first, _, _, second = layer.feed_forward
            after.append(layer.feed_forward_norm(x + second(first(x).clamp(min=0.0))))
        states = after
    return states


def literal_losses(explainer: PeterExplainer, tokenizer: TextTokenizer, n: int) -> list[Tensor]:
    """The losses of the test's first samples, one position and one word at a time."""
    texts, errors, context = [], [], []
    batch, _, _ = batch_of(tokenizer, n)
    for row, text in enumerate(TEXTS[:n]):
        ids = tokenizer.encode([text], 20, ends=False)[0].tolist()
        user, item, *words = encode(explainer, row, [tokenizer.bos_id, *ids])
        first, _, second = explainer.rating
        if not batch.ratings[row].isnan():
            errors.append((second(torch.sigmoid(first(user)))[0] - batch.ratings[row]) ** 2)
        in_any_order = torch.log_softmax(explainer.output(item), dim=0)
        context += [-in_any_order[word] for word in ids]
        for state, wanted in zip(words, [*ids, tokenizer.eos_id], strict=True):
            texts.append(-torch.log_softmax(explainer.output(state), dim=0)[wanted])
    return [torch.stack(terms).mean() for terms in (texts, errors, context)]


def test_its_losses_are_the_papers(tokenizer: TextTokenizer) -> None:
    explainer = build("peter", tokenizer, explainer_hidden_size=8, explainer_context_weight=2.0)
    losses = explainer(*batch_of(tokenizer, n=3))
    literal = [
        w * t for w, t in zip((1, 0.1, 2), literal_losses(explainer, tokenizer, 3), strict=True)
    ]
    for one, other in zip(losses, literal, strict=True):
        torch.testing.assert_close(one, other)
    parameters = list(explainer.parameters())
    for one, other in zip(
        torch.autograd.grad(sum(losses), parameters),
        torch.autograd.grad(sum(literal), parameters),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def test_its_layer_is_the_original_transformers() -> None:
    """Reading itself under the mask, it does what torch's own layer does."""
    torch.manual_seed(0)
    ours = PeterLayer(8, 2, 0.0).eval()
    stock = nn.TransformerEncoderLayer(8, 2, 32, 0.0, batch_first=True).eval()
    names = {
        "attention.": "self_attn.",
        "feed_forward.0": "linear1",
        "feed_forward.3": "linear2",
        "attention_norm": "norm1",
        "feed_forward_norm": "norm2",
    }
    state = ours.state_dict()
    for mine, theirs in names.items():
        state = {
            theirs + key.removeprefix(mine) if key.startswith(mine) else key: value
            for key, value in state.items()
        }
    stock.load_state_dict(state)
    states, mask = torch.randn(3, 6, 8), peter_mask(6)
    torch.testing.assert_close(ours(states, states, mask), stock(states, src_mask=mask))


def test_the_rating_depends_on_the_item_and_not_on_the_text(tokenizer: TextTokenizer) -> None:
    explainer = build("peter", tokenizer)
    batch, _, _ = batch_of(tokenizer)
    rating = explainer(batch, None, None)[1]
    other_items = replace(batch, items=batch.items.roll(1))
    other_texts = replace(
        batch, tokens=batch.tokens.roll(1, 0), token_mask=batch.token_mask.roll(1, 0)
    )
    assert not torch.equal(rating, explainer(other_items, None, None)[1])
    assert torch.equal(rating, explainer(other_texts, None, None)[1])


def test_heads_that_do_not_divide_the_width_are_an_error(tokenizer: TextTokenizer) -> None:
    with pytest.raises(SettingsError, match=r"'explainer_hidden_size' is 16.*explainer_heads = 3"):
        build("peter", tokenizer, explainer_heads=3)


def test_positions_of_an_odd_width_are_whole() -> None:
    angles = torch.arange(4.0)[:, None] * torch.tensor([1.0, 0.1, 0.01])
    literal = [[f(a) for a in row for f in (math.sin, math.cos)] for row in angles.tolist()]
    torch.testing.assert_close(sinusoids(angles, 6), torch.tensor(literal))
    assert torch.equal(sinusoids(angles, 5), sinusoids(angles, 6)[:, :5])
