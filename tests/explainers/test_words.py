"""A language model that reads past reviews and profiles as words, and one from a GGUF file."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

from recbole_showcase.errors import SettingsError
from recbole_showcase.testing.explainers import explanation_batch
from recbole_showcase.text.pretrained import load_pretrained
from recbole_showcase.text.tokenizer import TextTokenizer
from tests.explainers.test_explainers import build as build_with
from tests.explainers.test_retrieval import TOKENIZER, build

TALK = {"explainer_prefix_length": 0, "explainer_use_words": ["user", "item"]}


def literal_words(batch: Any, whose: str, row: int, most: int) -> list[int]:
    """The oldest review first, each behind a start; of all of it the last tokens."""
    tokens = getattr(batch, f"{whose}_review_tokens")[row]
    mask = getattr(batch, f"{whose}_review_mask")[row]
    ids: list[int] = []
    for place in reversed(range(len(tokens))):
        words = tokens[place][mask[place]].tolist()
        ids += [TOKENIZER.bos_id, *words] if words else []
    return ids[-most:]


@pytest.mark.parametrize("most", [7, 200])
def test_words_of_the_user_then_of_the_item_then_sentences_then_the_prefix(most: int) -> None:
    batch, *vectors = explanation_batch(TOKENIZER)
    gone = batch.user_review_mask & (torch.arange(len(batch)) != 1)[:, None, None]
    batch = replace(batch, user_review_mask=gone)  # somebody of whom nothing is known
    explainer = build(
        "prefix_lm",
        explainer_use_words=["user", "item"],
        explainer_prompt_size=most,
        explainer_use_sentences="words",
    )
    assert explainer.reads == {"user_reviews", "item_reviews", "sentences"}
    prompt, mask = explainer.prompt(batch, *vectors)
    prefix, found = explainer.mapping(batch, *vectors), explainer._retriever(batch)
    for row in range(len(batch)):
        ids = literal_words(batch, "user", row, most) + literal_words(batch, "item", row, most)
        ids += found.tokens[row][found.token_mask[row]].tolist()
        expected = torch.cat([explainer.embed(torch.tensor(ids)), prefix[row]])
        torch.testing.assert_close(prompt[row][mask[row]], expected)
        assert mask[row].long().diff().min() >= 0, "padding stands on the left"


@pytest.mark.parametrize("words", [[], ["user"], ["item"], ["user", "item"]])
def test_whose_words_are_read_is_what_settings_say(words: list[str]) -> None:
    batch, *vectors = explanation_batch(TOKENIZER)
    explainer = build("prefix_lm", explainer_use_words=words, explainer_use_reviews=False)
    assert explainer.reads == {f"{whose}_reviews" for whose in words}
    assert (explainer.past_reviews > 0) == ("user" in words)
    loss = explainer(batch, *vectors)[0]
    for whose in ("user", "item"):
        field = f"{whose}_review_tokens"
        other = replace(batch, **{field: (getattr(batch, field) + 1) % len(TOKENIZER)})
        assert torch.equal(explainer(other, *vectors)[0], loss) == (whose not in words)


def test_words_alone_need_no_mapping_network() -> None:
    batch, *vectors = explanation_batch(TOKENIZER)
    explainer = build("prefix_lm", **TALK)
    assert explainer.mapping is None
    assert all(name.startswith("language_model.") for name, _ in explainer.named_parameters())
    assert explainer(batch, *vectors)[0].isfinite()
    assert explainer.generate(batch, *vectors) == explainer.write(batch, None, None)[0]


def test_nothing_to_read_or_to_train_is_refused() -> None:
    with pytest.raises(SettingsError, match="prefix_length is 0, so the language model reads"):
        build("prefix_lm", explainer_prefix_length=0)
    with pytest.raises(SettingsError, match="which leaves nothing to train"):
        build("prefix_lm", **TALK, explainer_tune="frozen")
    with pytest.raises(SettingsError, match=r"explainer_use_words.*'user'"):
        build("prefix_lm", explainer_use_words=["photo"])


def small_llama(layers: int) -> LlamaForCausalLM:
    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(TOKENIZER),
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=layers,
            num_attention_heads=2,
            num_key_value_heads=2,
            max_position_embeddings=256,
            tie_word_embeddings=False,
        )
    )


def test_adapters_in_the_last_layers_alone(tmp_path: Path) -> None:
    small_llama(3).save_pretrained(tmp_path)
    TOKENIZER.tokenizer.save_pretrained(tmp_path)
    known = {"explainer_language_model": str(tmp_path), "explainer_tune": "lora"}
    explainer = build("prefix_lm", **TALK, **known, explainer_lora_layers=2)
    trained = {name for name, own in explainer.named_parameters() if own.requires_grad}
    layers = {name.partition(".layers.")[2].partition(".")[0] for name in trained}
    assert layers == {"1", "2"} and all("lora_" in name for name in trained)
    explainer(*explanation_batch(TOKENIZER))[0].backward()
    assert all(own.grad is not None for own in explainer.parameters() if own.requires_grad)
    all_layers = build("prefix_lm", **TALK, **known)
    assert any(".layers.0." in name and "lora_" in name for name in all_layers.state_dict())


def write_gguf(path: Path, model: LlamaForCausalLM) -> None:
    """A model of one layer and the tokenizer in the format of llama.cpp, as 32-bit floats."""
    own, config = TOKENIZER.tokenizer, model.config
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_vocab_size(config.vocab_size)
    tokens = own.convert_ids_to_tokens(list(range(len(own))))
    kinds = [3 if token in own.all_special_tokens else 1 for token in tokens]
    merges = own.backend_tokenizer.model.__getstate__().decode()
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([" ".join(pair) for pair in json.loads(merges)["merges"]])
    writer.add_bos_token_id(TOKENIZER.bos_id)
    writer.add_eos_token_id(TOKENIZER.eos_id)
    writer.add_pad_token_id(TOKENIZER.pad_id)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    for name, value in model.state_dict().items():
        array = value.numpy()
        if "q_proj" in name or "k_proj" in name:  # the halves of a rotation stand side by side
            heads = config.num_attention_heads
            array = array.reshape(heads, 2, -1, array.shape[1]).swapaxes(1, 2).reshape(array.shape)
        stem = names.get_name(name.removesuffix(".weight"))
        writer.add_tensor(f"{stem}.weight", np.ascontiguousarray(array))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture(scope="module")
def gguf_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gguf") / "small.gguf"
    write_gguf(path, small_llama(1))
    return path


def test_a_gguf_file_is_a_language_model(gguf_file: Path) -> None:
    """Its weights and its words are those that were written, and adapters are trained on it."""
    stock, loaded = (
        small_llama(1),
        load_pretrained(AutoModelForCausalLM, "explainer_language_model", str(gguf_file)),
    )
    for name, value in stock.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], value, msg=name)
    tokenizer = TextTokenizer.load(str(gguf_file))
    texts = ["the soup was great", "a table by the window"]
    assert (tokenizer.encode(texts, 20) == TOKENIZER.encode(texts, 20)).all()
    known = {"explainer_language_model": str(gguf_file), "explainer_tune": "lora"}
    explainer = build_with("prefix_lm", tokenizer, **TALK, **known)
    batch = explanation_batch(tokenizer)
    before = explainer(*batch)[0]
    optimizer = torch.optim.Adam(explainer.parameters(), lr=0.01)
    for _ in range(5):
        optimizer.zero_grad()
        loss = explainer(*batch)[0]
        loss.backward()
        optimizer.step()
    assert loss < before
    assert len(explainer.generate(*batch)) == len(batch[0])


def test_files_that_are_no_model_are_named(gguf_file: Path, tmp_path: Path) -> None:
    def load(path: Path) -> None:
        load_pretrained(AutoModelForCausalLM, "explainer_language_model", str(path))

    (tmp_path / "weights.bin").write_bytes(b"")
    with pytest.raises(SettingsError, match=r"allowed: a folder, a \.gguf file or a name"):
        load(tmp_path / "weights.bin")
    whole = gguf_file.read_bytes()
    for number, damaged in enumerate((b"", b"GGUF", b"no model at all" * 9, whole[:900])):
        path = tmp_path / f"{number}.gguf"
        path.write_bytes(damaged)
        with pytest.raises(SettingsError, match=rf"'explainer_language_model' is '.*{path.name}'"):
            load(path)


def test_a_missing_gguf_names_the_extra(gguf_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(SettingsError, match=r"recbole_showcase\[gguf\]"):
        TextTokenizer.load(str(gguf_file))
