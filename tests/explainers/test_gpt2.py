"""What is trained of a decoder: frozen parts, and adapters beside a language model."""

from __future__ import annotations

import sys

import pytest
import torch

from recbole_showcase.errors import SettingsError
from recbole_showcase.explainers import Explainer
from tests.explainers.test_explainers import TEXTS, batch_of, build, tokenizer

__all__ = ["tokenizer"]  # a fixture


def trained(explainer: Explainer) -> set[str]:
    return {name for name, parameter in explainer.named_parameters() if parameter.requires_grad}


def part_of(name: str) -> str:
    if "crossattention" in name or "ln_cross_attn" in name:
        return "cross_attention"
    return name.partition(".")[0].replace("decoder", "language_model")


def one_step(explainer: Explainer, *inputs: object) -> None:
    optimizer = torch.optim.Adam(explainer.parameters(), lr=0.01)
    sum(explainer(*inputs)).backward()
    optimizer.step()


@pytest.mark.parametrize("parts", [["encoder"], ["language_model", "cross_attention"], []])
def test_frozen_parts_stay_as_they_are(tokenizer, parts: list[str]) -> None:
    explainer = build("showcase", tokenizer, explainer_freeze=parts)
    assert {part_of(name) for name in trained(explainer)} == {
        "encoder",
        "language_model",
        "cross_attention",
        "projections",
    } - set(parts)
    before = {name: value.clone() for name, value in explainer.state_dict().items()}
    one_step(explainer, *batch_of(tokenizer))
    for name, parameter in explainer.named_parameters():
        assert torch.equal(parameter, before[name]) == (part_of(name) in parts), name


def test_an_unknown_part_is_named(tokenizer) -> None:
    with pytest.raises(SettingsError, match=r"explainer_freeze.*'decoder'; allowed: 'encoder'"):
        build("showcase", tokenizer, explainer_freeze=["decoder"])
    with pytest.raises(SettingsError, match=r"explainer_freeze.*allowed: a valid list"):
        build("showcase", tokenizer, explainer_freeze="encoder")


def test_adapters_leave_the_language_model_as_it_is(tokenizer) -> None:
    explainer = build("showcase", tokenizer, explainer_lora_rank=2)
    names = {name for name in trained(explainer) if part_of(name) == "language_model"}
    assert names and all("lora_" in name for name in names)
    assert {part_of(name) for name in trained(explainer)} >= {"cross_attention", "encoder"}
    inputs = batch_of(tokenizer)
    start = explainer(*inputs)[0]
    parameters = dict(explainer.named_parameters())
    kept = {name: value.clone() for name, value in parameters.items() if not value.requires_grad}
    assert not any(parameters[name].any() for name in names if "lora_B" in name), "start as nothing"
    optimizer = torch.optim.Adam(explainer.parameters(), lr=0.01)
    for _ in range(20):
        optimizer.zero_grad()
        loss = explainer(*inputs)[0]
        loss.backward()
        optimizer.step()
    assert loss < 0.8 * start
    assert all(torch.equal(parameters[name], value) for name, value in kept.items())
    assert len(explainer.generate(*inputs)) == len(TEXTS)


def test_adapters_are_saved_and_loaded(tokenizer, tmp_path) -> None:
    explainer = build("showcase", tokenizer, explainer_lora_rank=2)
    inputs = batch_of(tokenizer)
    one_step(explainer, *inputs)
    torch.save(explainer.state_dict(), tmp_path / "state.pt")
    other = build("showcase", tokenizer, explainer_lora_rank=2)
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert torch.equal(other(*inputs)[0], explainer(*inputs)[0])


def test_a_missing_peft_is_named(tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(SettingsError, match=r"recbole_showcase\[peft\]"):
        build("showcase", tokenizer, explainer_lora_rank=2)


@pytest.mark.parametrize("name", ["text_gpt2", "img_gpt2", "prefix_lm"])
def test_what_continues_a_prompt_is_drawn_as_settings_say(tokenizer, name: str) -> None:
    inputs = batch_of(tokenizer)

    def write(**settings: object) -> list[str]:
        torch.manual_seed(0)
        settings = {f"explainer_{setting}": value for setting, value in settings.items()}
        explainer = build(name, tokenizer, **settings).eval()
        before = torch.get_rng_state()
        texts = explainer.generate(*inputs)
        assert torch.equal(torch.get_rng_state(), before), "the global generator stays as it is"
        return texts

    greedy, drawn = write(), write(decoding="sample")
    assert write(decoding="beam", num_beams=1) == greedy
    assert write(decoding="sample", top_k=1) == write(decoding="sample", top_p=1e-6) == greedy
    assert drawn != greedy and write(decoding="sample") == drawn
    assert write(decoding="sample", seed=1) != drawn


def test_a_prompted_decoder_names_its_ways_to_write(tokenizer) -> None:
    with pytest.raises(SettingsError, match=r"explainer_decoding.*'greedy', 'beam' or 'sample'"):
        build("text_gpt2", tokenizer, explainer_decoding="contrastive")
    with pytest.raises(SettingsError, match=r"explainer_top_p is 2.0; allowed: 0.0 to 1.0"):
        build("prefix_lm", tokenizer, explainer_top_p=2.0)
