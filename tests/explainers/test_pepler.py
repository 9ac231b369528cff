"""PEPLER: where its prompt stands, its stages, and its recommendation regulariser."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.func import functional_call
from transformers import GPT2Config, GPT2LMHeadModel

from recbole_showcase.explainers.pepler import PeplerExplainer
from recbole_showcase.text.tokenizer import TextTokenizer
from tests.explainers.test_explainers import TEXTS, batch_of, build
from tests.integration.test_training import prepare
from tests.tiny import TinyWorld


@pytest.fixture(scope="module")
def tokenizer() -> TextTokenizer:
    return TextTokenizer.train(TEXTS, 280)


def literal_loss(explainer: PeplerExplainer, tokenizer: TextTokenizer) -> Tensor:
    """The user and the item as two more words of the language model, at the front of each text."""
    words, terms = explainer.decoder.transformer.wte.weight, []
    for row, text in enumerate(TEXTS):
        prompt = [explainer.users.table.weight[row + 1], explainer.items.table.weight[row + 1]]
        weight = torch.cat([words, torch.stack(prompt)])
        ids = tokenizer.encode([text], 20, ends=False)[0].tolist()
        given = [len(tokenizer), len(tokenizer) + 1, tokenizer.bos_id, *ids]
        weights = {"transformer.wte.weight": weight, "lm_head.weight": weight}
        logits = functional_call(explainer.decoder, weights, (torch.tensor([given]),)).logits[0]
        after_start = logits[2:, : len(tokenizer)]
        for position, wanted in enumerate([*ids, tokenizer.eos_id]):
            terms.append(-torch.log_softmax(after_start[position], dim=0)[wanted])
    return torch.stack(terms).mean()


def test_the_prompt_stands_before_the_text(tokenizer: TextTokenizer) -> None:
    explainer = build("pepler", tokenizer)
    loss = explainer(*batch_of(tokenizer))[0]
    literal = literal_loss(explainer, tokenizer)
    torch.testing.assert_close(loss, literal)
    parameters = list(explainer.parameters())
    for one, other in zip(
        torch.autograd.grad(loss, parameters),
        torch.autograd.grad(literal, parameters),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", ["mf", "mlp"])
def test_the_regulariser_is_the_papers(kind: str, tokenizer: TextTokenizer) -> None:
    """Literally: weight times the mean squared error of a prediction for each known rating."""
    explainer = build(
        "pepler", tokenizer, explainer_recommendation=kind, explainer_rating_weight=0.3
    )
    batch, users, items = batch_of(tokenizer)
    loss = explainer(batch, users, items)[1]
    errors = []
    for row in (0, 1, 3, 4):
        user, item = explainer.users.table.weight[row + 1], explainer.items.table.weight[row + 1]
        if kind == "mf":
            predicted = sum(u * i for u, i in zip(user, item, strict=True))
        else:
            hidden = torch.cat([user, item])
            for layer in list(explainer.rating)[:-1:2]:
                hidden = torch.sigmoid(layer.weight @ hidden + layer.bias)
            predicted = (explainer.rating[-1].weight @ hidden + explainer.rating[-1].bias)[0]
        errors.append((predicted - batch.ratings[row]) ** 2)
    literal = 0.3 * torch.stack(errors).mean()
    torch.testing.assert_close(loss, literal)
    tables = [explainer.users.table.weight, explainer.items.table.weight]
    for one, other in zip(
        torch.autograd.grad(loss, tables), torch.autograd.grad(literal, tables), strict=True
    ):
        torch.testing.assert_close(one, other)


def test_without_a_regulariser_nothing_predicts_a_rating(tokenizer: TextTokenizer) -> None:
    explainer = build("pepler", tokenizer, explainer_recommendation="none")
    assert not hasattr(explainer, "rating")
    assert explainer(*batch_of(tokenizer))[1].item() == 0.0


@pytest.mark.parametrize("kind", ["none", "mf", "mlp"])
def test_the_first_stage_trains_the_prompt_alone(kind: str, tokenizer: TextTokenizer) -> None:
    explainer = build("pepler", tokenizer, explainer_recommendation=kind, explainer_prompt_epochs=2)
    for epoch, frozen in enumerate([True, True, False, False]):
        explainer.begin_epoch(epoch)
        explainer.zero_grad()
        sum(explainer(*batch_of(tokenizer))).backward()
        model = set(explainer.decoder.parameters())
        for name, parameter in explainer.named_parameters():
            assert (parameter.grad is None) == (frozen and parameter in model), name


def test_the_trainer_passes_through_the_stages(tiny_world: TinyWorld, tmp_path: Path) -> None:
    trainer, (train, _, _) = prepare(
        "ShowcaseBPR",
        tiny_world,
        tmp_path,
        showcase_explainer="pepler",
        explainer_prompt_epochs=1,
    )
    explainer = trainer.model.showcase.explainer

    def snapshot() -> list[Tensor]:
        parts = explainer.decoder.transformer.wte.weight, explainer.users.table.weight
        return [part.detach().clone() for part in parts]

    states = [snapshot()]
    for epoch in range(2):
        trainer._train_epoch(train, epoch)
        states.append(snapshot())
    changed = [
        [not torch.equal(a, b) for a, b in zip(*pair, strict=True)]
        for pair in itertools.pairwise(states)
    ]
    assert changed == [[False, True], [True, True]], "the language model, the prompt"


def test_a_pretrained_decoder_is_taken_by_path(tokenizer: TextTokenizer, tmp_path: Path) -> None:
    config = GPT2Config(vocab_size=300, n_embd=24, n_layer=1, n_head=2, n_positions=32)
    stock = GPT2LMHeadModel(config)
    stock.save_pretrained(tmp_path)
    explainer = build("pepler", tokenizer, explainer_decoder=str(tmp_path))
    weight = explainer.decoder.transformer.h[0].mlp.c_fc.weight
    assert torch.equal(weight, stock.transformer.h[0].mlp.c_fc.weight)
    assert explainer.users.table.weight.shape[1] == 24
    assert explainer(*batch_of(tokenizer))[0].isfinite()
    assert len(explainer.generate(*batch_of(tokenizer))) == 5
