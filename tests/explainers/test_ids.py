"""Vectors of ids, those that nobody knows among them, and the losses beside the text's."""

from __future__ import annotations

import pytest
import torch

from recbole_showcase.errors import SettingsError
from recbole_showcase.explainers.ids import IdEmbedding, context_loss, rating_loss, scaled_range
from recbole_showcase.text.tokenizer import TextTokenizer
from tests.explainers.test_explainers import TEXTS, batch_of

KNOWN = torch.tensor([False, True, False, True, True, False])


def test_ids_that_are_not_known_share_a_row() -> None:
    embedding = IdEmbedding(KNOWN, 3, 0.0, 0.1)
    vectors = embedding(torch.arange(6))
    rows = embedding.table.weight[torch.tensor([0, 1, 0, 3, 4, 0])]
    assert torch.equal(vectors, rows)
    assert len(vectors.unique(dim=0)) == 4


def test_the_unknown_row_is_trained_in_the_place_of_known_ids() -> None:
    torch.manual_seed(0)
    embedding = IdEmbedding(KNOWN, 2, 0.2, 0.1)
    ids = torch.ones(5000, dtype=torch.long)
    embedding(ids).sum().backward()
    replaced = embedding.table.weight.grad[0, 0].item() / len(ids)
    assert 0.18 < replaced < 0.22
    embedding.eval()
    assert torch.equal(embedding(ids), embedding.table.weight[ids]), "in training only"


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_a_rate_that_is_no_share_is_an_error(rate: float) -> None:
    with pytest.raises(SettingsError, match=r"'explainer_unknown_rate'.*from 0 to below 1"):
        IdEmbedding(KNOWN, 2, rate, 0.1)


def test_a_range_keeps_the_spread_of_sums_over_the_width() -> None:
    assert scaled_range(0.1, at_width=512, width=512) == 0.1
    sums = [
        (torch.rand(20_000, width) * 2 - 1).mul(scaled_range(0.1, 512, width)).sum(dim=1).std()
        for width in (512, 32)
    ]
    torch.testing.assert_close(*sums, rtol=0.05, atol=0.0)


def test_the_rating_loss_is_over_known_ratings() -> None:
    """Literally: the mean of (predicted - true)^2, by hand, with its gradient."""
    predicted = torch.tensor([4.0, 1.0, 2.5], requires_grad=True)
    loss = rating_loss(predicted, torch.tensor([5.0, float("nan"), 2.0]))
    loss.backward()
    assert loss.item() == pytest.approx((1.0 + 0.25) / 2)
    assert predicted.grad.tolist() == [-1.0, 0.0, 0.5]


def test_without_a_known_rating_the_loss_is_nothing() -> None:
    predicted = torch.tensor([4.0, 1.0], requires_grad=True)
    loss = rating_loss(predicted, torch.full((2,), float("nan")))
    loss.backward()
    assert loss.item() == 0.0 and predicted.grad.tolist() == [0.0, 0.0]


def test_the_context_loss_is_over_the_words_in_any_order() -> None:
    """Literally: minus the log-probability of each word, averaged over all, ends not counted."""
    tokenizer = TextTokenizer.train(TEXTS, 280)
    batch, _, _ = batch_of(tokenizer)
    logits = torch.randn(len(batch), len(tokenizer), requires_grad=True)
    loss = context_loss(logits, batch, (tokenizer.bos_id, tokenizer.eos_id))
    terms = []
    for row, text in enumerate(TEXTS):
        probabilities = logits[row].exp() / logits[row].exp().sum()
        for word in tokenizer.encode([text], 20, ends=False)[0]:
            terms.append(-probabilities[word].log())
    literal = torch.stack(terms).mean()
    torch.testing.assert_close(loss, literal)
    torch.testing.assert_close(
        *(torch.autograd.grad(value, logits, retain_graph=True)[0] for value in (loss, literal))
    )
