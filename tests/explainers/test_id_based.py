"""What holds for every explainer that reads ids alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recbole_showcase.explainers import EXPLAINERS, Explainer
from recbole_showcase.integration.config import part_defaults
from recbole_showcase.text.tokenizer import TextTokenizer
from tests.explainers.test_explainers import INPUTS, TEXTS, batch_of, build
from tests.integration.test_training import prepare
from tests.tiny import TinyWorld

id_based = pytest.mark.parametrize("name", ["att2seq", "nrt", "peter", "pepler"])


@pytest.fixture(scope="module")
def tokenizer() -> TextTokenizer:
    return TextTokenizer.train(TEXTS, 280)


def shaken(explainer: Explainer) -> Explainer:
    """With other parameters, so that every input matters and texts differ."""
    torch.manual_seed(3)
    with torch.no_grad():
        for parameter in explainer.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return explainer


@id_based
def test_more_padding_of_texts_changes_nothing(name: str, tokenizer: TextTokenizer) -> None:
    explainer = build(name, tokenizer)
    batch, users, items = batch_of(tokenizer)
    padded = replace(
        batch,
        tokens=F.pad(batch.tokens, (0, 3), value=tokenizer.pad_id),
        token_mask=F.pad(batch.token_mask, (0, 3)),
    )
    losses = explainer(batch, users, items), explainer(padded, users, items)
    for one, other in zip(*losses, strict=True):
        torch.testing.assert_close(one, other)


@id_based
def test_users_and_items_matter_and_the_recommenders_vectors_do_not(
    name: str, tokenizer: TextTokenizer
) -> None:
    explainer = shaken(build(name, tokenizer))
    batch, users, items = batch_of(tokenizer)
    loss = explainer(batch, users, items)[0]
    assert torch.equal(loss, explainer(batch, None, None)[0])
    for field in ("users", "items"):
        changed = replace(batch, **{field: getattr(batch, field).roll(1)})
        assert not torch.equal(loss, explainer(changed, users, items)[0])


@id_based
def test_a_cold_pair_is_written_for_as_nobody(name: str, tokenizer: TextTokenizer) -> None:
    """Users and items from 3 on are cold: whoever they are, losses and texts are the same."""
    inputs = replace(
        INPUTS,
        known_users=INPUTS.known_users & (torch.arange(6) < 3),
        known_items=INPUTS.known_items & (torch.arange(7) < 3),
    )
    values = {**part_defaults("explainer", name), "explainer_hidden_size": 16}
    explainer = shaken(EXPLAINERS.build(name, values, inputs, tokenizer).eval())
    batch, _, _ = batch_of(tokenizer)
    cold = replace(batch, users=batch.users % 3 + 3, items=batch.items % 4 + 3)
    others = replace(batch, users=cold.users.roll(1), items=cold.items.roll(2))
    for one, other in zip(explainer(cold, None, None), explainer(others, None, None), strict=True):
        assert torch.equal(one, other)
    assert len(set(explainer.generate(cold, None, None))) == 1
    assert not torch.equal(explainer(cold, None, None)[0], explainer(batch, None, None)[0])


@id_based
def test_a_step_at_a_time_gives_the_logits_of_the_whole_text(
    name: str, tokenizer: TextTokenizer
) -> None:
    """What generation computes from kept states, training computes from the whole text."""
    explainer = shaken(build(name, tokenizer))
    head: nn.Module = explainer.decoder.lm_head if name == "pepler" else explainer.output
    found: list[Tensor] = []
    head.register_forward_hook(lambda module, given, logits: found.append(logits))
    batch, _, _ = batch_of(tokenizer)
    explainer.generate(batch, None, None)
    steps = torch.stack([logits.flatten(0, -2) for logits in found], dim=1)  # (B, T, V)
    written = steps.argmax(dim=-1)  # (B, T)
    start = torch.full((len(batch), 1), tokenizer.bos_id)
    tokens = torch.cat([start, written], dim=1)
    explainer(replace(batch, tokens=tokens, token_mask=torch.ones_like(tokens).bool()), None, None)
    whole = found[-1][:, -steps.shape[1] :]  # (B, T, V); a prompt has logits too
    going = (written == tokenizer.eos_id).long().cumsum(dim=1) == 0
    going = F.pad(going[:, :-1], (1, 0), value=True)  # up to the end, which counts
    assert going.sum() > 2 * len(batch), "texts are long enough to tell"
    torch.testing.assert_close(steps[going], whole[going], rtol=1e-4, atol=1e-4)


@id_based
def test_it_learns_the_tiny_world(name: str, tiny_world: TinyWorld, tmp_path: Path) -> None:
    """A user's texts all praise one topic, so that the user's id tells the text."""
    trainer, (train, valid, test) = prepare(
        "ShowcaseBPR",
        tiny_world,
        tmp_path,
        epochs=12,
        eval_step=12,
        showcase_explainer=name,
        showcase_learning_rate=0.01,
        metrics=["BLEU1"],
        valid_metric="BLEU1",
    )
    trainer.fit(train, valid)
    assert trainer.evaluate(test)["bleu1"] > 95
