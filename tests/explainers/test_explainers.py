"""A contract for every explainer, and what is particular to each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from recbole_showcase.errors import SettingsError
from recbole_showcase.explainers import EXPLAINERS, Explainer, ExplainerInputs
from recbole_showcase.explainers.base import Standardise
from recbole_showcase.integration.config import part_defaults
from recbole_showcase.testing import ExplainerContract
from recbole_showcase.testing.base import STATISTICS
from recbole_showcase.testing.explainers import TEXTS, explanation_batch
from recbole_showcase.text.tokenizer import TextTokenizer, TokenTable

INPUTS = ExplainerInputs(
    photo_statistics=STATISTICS,
    review_statistics=STATISTICS * 2,
    user=3,
    item=4,
    known_users=torch.tensor([False, True, True, True, True, True]),
    known_items=torch.tensor([False, True, True, True, True, True, True]),
    max_tokens=20,
)


@pytest.fixture(scope="module")
def tokenizer() -> TextTokenizer:
    return TextTokenizer.train(TEXTS, 280)


def build(name: str, tokenizer: TextTokenizer, **changes: object) -> Explainer:
    torch.manual_seed(0)
    small = {"explainer_hidden_size": 16, "explainer_dropout": 0.0}
    values = {**part_defaults("explainer", name), **small, **changes}
    return EXPLAINERS.build(name, values, INPUTS, tokenizer).eval()


batch_of = explanation_batch

# The contract that parts of others are held to, over every explainer of the package.
for _name in EXPLAINERS:
    _contract = {
        "part": EXPLAINERS[_name],
        "settings": {"explainer_hidden_size": 32, "explainer_dropout": 0.0},
    }
    if _name.startswith("quote"):
        _contract |= {"settings": {}, "learns": False}
    if _name == "r2gen":  # its loss goes up and down for a while, how long hangs on the processor
        _contract["steps"] = 250
    globals()[f"Test_{_name}"] = type(f"Test_{_name}", (ExplainerContract,), _contract)


# Sentences are looked up on the host, packing wants lengths, prompts are as long as the longest.
ASKING = {"retrieval", "ref2seq", "text_gpt2", "img_gpt2", "prefix_lm"}


@pytest.mark.parametrize("name", [name for name in EXPLAINERS if EXPLAINERS[name].loss_names])
def test_a_step_waits_for_no_answer_of_the_device(name: str, tokenizer: TextTokenizer) -> None:
    """``meta`` is a device without answers: whoever asks one, we or a library, fails."""
    explainer = build(name, tokenizer).train().to("meta")
    batch, *vectors = (part.to("meta") for part in batch_of(tokenizer))
    if name in ASKING:
        with pytest.raises(RuntimeError, match="meta"):
            explainer(batch, *vectors)
    else:
        sum(explainer(batch, *vectors)).backward()
        assert all(part.grad.device.type == "meta" for part in explainer.parameters())


def test_the_loss_is_the_mean_over_target_tokens(tokenizer: TextTokenizer) -> None:
    """Literally: minus the log-probability of each next token, averaged over all that count."""
    explainer = build("showcase", tokenizer)
    batch, users, items = batch_of(tokenizer)
    loss, *_ = explainer(batch, users, items)
    terms = []
    for row in range(len(batch)):
        one = type(batch)(**{k: v[row : row + 1] for k, v in vars(batch).items()})
        memory = explainer.encoder(one, users[row : row + 1], items[row : row + 1])
        length = int(one.token_mask.sum())
        for t in range(1, length):
            logits = explainer.decoder(
                input_ids=one.tokens[:, :t],
                encoder_hidden_states=memory.states,
                encoder_attention_mask=memory.mask,
            ).logits[0, -1]
            terms.append(-logits.log_softmax(-1)[one.tokens[0, t]])
    torch.testing.assert_close(loss, torch.stack(terms).mean(), rtol=1e-4, atol=1e-5)


def test_inputs_can_be_switched_off(tokenizer: TextTokenizer) -> None:
    batch, users, items = batch_of(tokenizer)
    changed = replace(batch, photo_features=batch.photo_features + 1.0)
    for use in (True, False):
        explainer = build("showcase", tokenizer, explainer_use_photos=use)
        same = torch.equal(explainer(batch, users, items)[0], explainer(changed, users, items)[0])
        assert same != use


def test_a_pretrained_decoder_is_taken_by_path(tokenizer: TextTokenizer, tmp_path: Path) -> None:
    config = GPT2Config(vocab_size=300, n_embd=24, n_layer=1, n_head=2, n_positions=32)
    stock = GPT2LMHeadModel(config)
    stock.save_pretrained(tmp_path)
    explainer = build("showcase", tokenizer, explainer_decoder=str(tmp_path))
    weight = explainer.decoder.transformer.h[0].mlp.c_fc.weight
    assert torch.equal(weight, stock.transformer.h[0].mlp.c_fc.weight)
    assert explainer.decoder.config.vocab_size == len(tokenizer)
    assert explainer(*batch_of(tokenizer))[0].isfinite()
    assert len(explainer.generate(*batch_of(tokenizer))) == 5


@pytest.mark.parametrize("name", ["showcase", "pepler"])
def test_a_decoder_that_is_not_there_is_named(
    name: str, tokenizer: TextTokenizer, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=f"'explainer_decoder' is '{tmp_path}'"):
        build(name, tokenizer, explainer_decoder=str(tmp_path))


def test_a_tokenizer_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"'showcase_tokenizer' is '{tmp_path}'"):
        TextTokenizer.load(str(tmp_path))


def test_features_without_spread_are_not_scaled() -> None:
    statistics = torch.tensor([[1.0, 1.0], [0.0, 0.5]])
    standardised = Standardise(statistics)(torch.tensor([[1.5, 1.5]]))
    assert standardised.tolist() == [[0.5, 1.0]]


def test_unknown_names_and_settings_are_errors(tokenizer: TextTokenizer) -> None:
    with pytest.raises(SettingsError, match="allowed: showcase"):
        EXPLAINERS.build("none", {}, INPUTS, tokenizer)
    with pytest.raises(SettingsError, match="explainer_sise"):
        build("showcase", tokenizer, explainer_sise=3)


def test_texts_survive_the_tokenizer(tokenizer: TextTokenizer) -> None:
    texts = ["Pho & bun \U0001f35c!", "caf\u00e9", "a  b", "tab\tand\nline"]
    assert tokenizer.decode(tokenizer.encode(texts, 99).tolist()) == texts


def test_long_texts_are_cut_without_an_end(tokenizer: TextTokenizer) -> None:
    ids = tokenizer.encode(["good soup good soup", "meh"], 2)
    assert tokenizer.eos_id not in ids[0] and (ids[0] == tokenizer.pad_id).sum() == 0
    assert ids.shape[1] <= 4


def test_a_tokenizer_is_taken_by_path(tokenizer: TextTokenizer, tmp_path: Path) -> None:
    tokenizer.tokenizer.save_pretrained(tmp_path)
    loaded = TextTokenizer.load(str(tmp_path))
    assert loaded.fingerprint() == tokenizer.fingerprint()
    assert loaded.encode(TEXTS, 20).tolist() == tokenizer.encode(TEXTS, 20).tolist()


def test_a_tokenizer_without_special_tokens_gets_them(
    tokenizer: TextTokenizer, tmp_path: Path
) -> None:
    bare = PreTrainedTokenizerFast(tokenizer_object=tokenizer.tokenizer.backend_tokenizer)
    assert bare.pad_token is None
    wrapped = TextTokenizer(bare)
    assert len({wrapped.pad_id, wrapped.bos_id, wrapped.eos_id}) == 3
    assert wrapped.decode(wrapped.encode(TEXTS, 20).tolist()) == TEXTS


def test_padding_is_a_token_of_its_own(tokenizer: TextTokenizer) -> None:
    """Also where a tokenizer pads with its end, as is usual with GPT-2: an end is learned."""
    given = PreTrainedTokenizerFast(tokenizer_object=tokenizer.tokenizer.backend_tokenizer)
    given.add_special_tokens({"bos_token": "<eos>", "eos_token": "<eos>", "pad_token": "<eos>"})
    wrapped = TextTokenizer(given)
    assert wrapped.pad_id != wrapped.eos_id == wrapped.bos_id
    table = TokenTable(wrapped, np.array(TEXTS), np.arange(5), 20, ends=True)
    ids, mask = table.take(np.arange(5))
    for row, kept, text in zip(ids, mask, TEXTS, strict=True):
        assert row[kept][-1] == wrapped.eos_id
        assert wrapped.decode([row[kept].tolist()]) == [text]


def of_words(specials: list[str], **names: str) -> PreTrainedTokenizerFast:
    """A tokenizer of whole words, its special tokens among them."""
    words = [*specials, *sorted({word for text in TEXTS for word in text.split()})]
    vocabulary = {word: number for number, word in enumerate(words)}
    backend = Tokenizer(WordLevel(vocabulary, unk_token=specials[0]))
    backend.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=backend, **names)


def test_a_language_model_gets_an_entry_for_padding(tmp_path: Path) -> None:
    end = "<|endoftext|>"
    given = of_words([end], bos_token=end, eos_token=end, pad_token=end)
    entries = len(given)
    sizes = {"n_embd": 24, "n_layer": 1, "n_head": 2, "n_positions": 64}
    GPT2LMHeadModel(GPT2Config(vocab_size=entries, **sizes)).save_pretrained(tmp_path)
    wrapped = TextTokenizer(given)
    assert wrapped.pad_id == entries
    for name in ("showcase", "pepler", "img_gpt2"):
        explainer = build(name, wrapped, explainer_decoder=str(tmp_path))
        assert explainer(*batch_of(wrapped))[0].isfinite()
        assert len(explainer.generate(*batch_of(wrapped))) == 5


def test_names_of_special_tokens_in_texts_are_words(tokenizer: TextTokenizer) -> None:
    texts = ["good <pad> soup <eos> here", "<bos>"]
    ids = tokenizer.encode(texts, 99)
    assert tokenizer.decode(ids.tolist()) == texts
    for row in ids.tolist():
        text = row[: row.index(tokenizer.eos_id)]
        assert tokenizer.pad_id not in text and tokenizer.bos_id not in text[1:]


def test_a_vocabulary_with_padding_as_a_word_does_not_shorten_texts() -> None:
    wrapped = TextTokenizer(of_words(["<unk>", "<pad>"], unk_token="<unk>", pad_token="<pad>"))
    (ids,) = wrapped.encode(["good <pad> soup"], 9, ends=False).tolist()
    assert wrapped.tokenizer.convert_ids_to_tokens(ids) == ["good", "soup"]


RATING = [name for name in EXPLAINERS if "rating" in EXPLAINERS[name].loss_names]


@pytest.mark.parametrize("name", RATING)
def test_what_it_rates_is_what_its_loss_trains(name: str, tokenizer: TextTokenizer) -> None:
    explainer = build(name, tokenizer, explainer_rating_weight=2.0)
    batch, *vectors = batch_of(tokenizer)
    rated = explainer.rate(batch, *vectors)
    assert rated is not None
    known = ~batch.ratings.isnan()
    error = (rated - batch.ratings)[known].square().mean()
    loss = explainer(batch, *vectors)[explainer.loss_names.index("rating")]
    torch.testing.assert_close(loss, 2 * error, check_dtype=False)


def test_who_predicts_a_rating(tokenizer: TextTokenizer) -> None:
    assert sorted(RATING) == ["nrt", "pepler", "peter"]
    batch, *vectors = batch_of(tokenizer)
    assert build("att2seq", tokenizer).rate(batch, *vectors) is None
    none = build("pepler", tokenizer, explainer_recommendation="none")
    assert none.rate(batch, *vectors) is None
