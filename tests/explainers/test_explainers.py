"""A contract for every explainer, and what is particular to each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.errors import SettingsError
from recbole_showcase.explainers import EXPLAINERS, Explainer, ExplainerInputs
from recbole_showcase.explainers.base import Standardise
from recbole_showcase.integration.config import part_defaults
from recbole_showcase.text.token_table import TokenTable
from recbole_showcase.text.tokenizer import TextTokenizer

TEXTS = ["good soup", "the pizza was great and big", "nice", "we loved the salad", "meh"]
REPLACED = ["good tea", "the salad was great and big", "nice", "we loved the pizza", "meh"]
PAST = [
    "the soup again",
    "pizza",
    "I love salad and soup",
    "fine place",
    "we go there for tea",
    "big and good",
    "nice salad",
]
STATISTICS = torch.stack([torch.linspace(-0.5, 0.5, 6), torch.linspace(0.5, 1.5, 6)])
INPUTS = ExplainerInputs(
    photo_statistics=STATISTICS,
    review_statistics=STATISTICS * 2,
    user=3,
    item=4,
    known_users=torch.tensor([False, True, True, True, True, True]),
    known_items=torch.tensor([False, True, True, True, True, True, True]),
    max_tokens=20,
)

MORE_WORDS = {
    "tokens": (0, 3),
    "token_mask": (0, 3),
    "replaced_tokens": (0, 2),
    "replaced_mask": (0, 2),
    "user_review_tokens": (0, 2, 0, 4),
    "user_review_mask": (0, 2, 0, 4),
    "item_review_tokens": (0, 1, 0, 3),
    "item_review_mask": (0, 1, 0, 3),
}


@pytest.fixture(scope="module")
def tokenizer() -> TextTokenizer:
    return TextTokenizer.train(TEXTS, 280)


def build(name: str, tokenizer: TextTokenizer, **changes: object) -> Explainer:
    torch.manual_seed(0)
    small = {"explainer_hidden_size": 16, "explainer_dropout": 0.0}
    values = {**part_defaults("explainer", name), **small, **changes}
    return EXPLAINERS.build(name, values, INPUTS, tokenizer).eval()


def batch_of(tokenizer: TextTokenizer, n: int = 5, photos: int = 3, reviews: int = 2):
    """A batch of n different samples (B = 5 differs from every other size), and vectors."""
    torch.manual_seed(1)
    tokens = torch.from_numpy(tokenizer.encode(TEXTS[:n], 20))
    replaced = torch.from_numpy(tokenizer.encode(REPLACED[:n], 20))
    past = torch.from_numpy(tokenizer.encode(PAST, 20, ends=False))
    # Each row has words of its own, so that an explainer of words alone can tell rows apart.
    user_words = past.unfold(0, reviews, 1)[:n].transpose(1, 2)  # (n, R, L)
    item_words = past.flip(0).unfold(0, 3, 1)[:n].transpose(1, 2)
    photo_mask = torch.arange(photos) < torch.tensor([3, 1, 2, 0, 3])[:n, None]
    review_mask = torch.arange(reviews) < torch.tensor([2, 1, 1, 0, 2])[:n, None]
    batch = ExplanationBatch(
        users=torch.arange(n) + 1,
        items=torch.arange(n) + 1,
        ratings=torch.tensor([5.0, 4.0, float("nan"), 1.0, 3.0])[:n],
        photo_features=torch.randn(n, photos, 6) * photo_mask[..., None],
        photo_mask=photo_mask,
        review_features=torch.randn(n, reviews, 6) * review_mask[..., None],
        review_mask=review_mask,
        tokens=tokens,
        token_mask=tokens != tokenizer.pad_id,
        replaced_tokens=replaced,
        replaced_mask=(replaced != tokenizer.pad_id) & (torch.arange(n) != 2)[:, None],
        user_review_tokens=user_words.masked_fill(~review_mask[..., None], tokenizer.pad_id),
        user_review_mask=(user_words != tokenizer.pad_id) & review_mask[..., None],
        item_review_tokens=item_words,
        item_review_mask=item_words != tokenizer.pad_id,
    )
    return batch, torch.randn(n, 3), torch.randn(n, 4)


every = pytest.mark.parametrize("name", sorted(EXPLAINERS))


@every
def test_losses_are_finite_and_reach_every_parameter(name: str, tokenizer: TextTokenizer) -> None:
    explainer = build(name, tokenizer)
    losses = explainer(*batch_of(tokenizer))
    assert len(losses) == len(explainer.loss_names)
    assert all(loss.shape == () and loss.isfinite() for loss in losses)
    sum(losses).backward()
    unused = [n for n, p in explainer.named_parameters() if p.requires_grad and p.grad is None]
    assert not unused


@every
def test_padding_changes_nothing(name: str, tokenizer: TextTokenizer) -> None:
    """More padded photos, reviews and tokens, whatever stands in them, give the same losses."""
    explainer = build(name, tokenizer)
    batch, users, items = batch_of(tokenizer)
    n = len(batch)
    padded = replace(
        batch,
        photo_features=torch.cat([batch.photo_features, torch.full((n, 2, 6), 9.0)], dim=1),
        photo_mask=torch.cat([batch.photo_mask, torch.zeros(n, 2, dtype=torch.bool)], dim=1),
        review_features=torch.cat([batch.review_features, torch.full((n, 4, 6), 9.0)], dim=1),
        review_mask=torch.cat([batch.review_mask, torch.zeros(n, 4, dtype=torch.bool)], dim=1),
        **{
            name: F.pad(getattr(batch, name), more, value=0 if "mask" in name else tokenizer.pad_id)
            for name, more in MORE_WORDS.items()
        },
    )
    for one, other in zip(
        explainer(batch, users, items), explainer(padded, users, items), strict=True
    ):
        torch.testing.assert_close(one, other)
    assert explainer.generate(batch, users, items) == explainer.generate(padded, users, items)


@every
def test_a_batch_generates_what_its_rows_generate(name: str, tokenizer: TextTokenizer) -> None:
    explainer = build(name, tokenizer)
    batch, users, items = batch_of(tokenizer)
    together = explainer.generate(batch, users, items)
    for row in range(len(batch)):
        one = type(batch)(**{k: v[row : row + 1] for k, v in vars(batch).items()})
        assert explainer.generate(one, users[row : row + 1], items[row : row + 1]) == [
            together[row]
        ]


@every
def test_generation_does_not_look_at_the_tokens(name: str, tokenizer: TextTokenizer) -> None:
    explainer = build(name, tokenizer)
    batch, users, items = batch_of(tokenizer)
    blind = replace(batch, tokens=batch.tokens[:, :0], token_mask=batch.token_mask[:, :0])
    assert explainer.generate(batch, users, items) == explainer.generate(blind, users, items)


@every
def test_it_reads_no_more_than_it_asks_for(name: str, tokenizer: TextTokenizer) -> None:
    explainer = build(name, tokenizer)
    batch, users, items = batch_of(tokenizer)
    asked = {"replaced": "replaced", "user_reviews": "user_review", "item_reviews": "item_review"}
    fields = [v for k, v in asked.items() if k not in explainer.reads]
    names = [f"{field}_{what}" for field in fields for what in ("tokens", "mask")]
    less = replace(batch, **{name: getattr(batch, name)[..., :0] for name in names})
    for one, other in zip(
        explainer(batch, users, items), explainer(less, users, items), strict=True
    ):
        assert torch.equal(one, other)


@every
def test_pairs_without_photos_and_reviews_are_explained(
    name: str, tokenizer: TextTokenizer
) -> None:
    explainer = build(name, tokenizer)
    batch, users, items = batch_of(tokenizer)
    kinds = ("photo", "review")
    sets = [f"{kind}_{what}" for kind in kinds for what in ("features", "mask")]
    sets += [f"{whose}_review_{what}" for whose in ("user", "item") for what in ("tokens", "mask")]
    none = replace(batch, **{name: getattr(batch, name)[:, :0] for name in sets})
    assert all(loss.isfinite() for loss in explainer(none, users, items))
    masked = {name: getattr(batch, name) & False for name in sets if name.endswith("mask")}
    hidden = replace(batch, **masked)
    assert explainer.generate(none, users, items) == explainer.generate(hidden, users, items)


@every
def test_saving_and_loading_gives_equal_outputs(
    name: str, tokenizer: TextTokenizer, tmp_path: Path
) -> None:
    explainer, other = build(name, tokenizer), build(name, tokenizer)
    with torch.no_grad():
        for parameter in explainer.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    torch.save(explainer.state_dict(), tmp_path / "state.pt")
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    inputs = batch_of(tokenizer)
    for one, two in zip(explainer(*inputs), other(*inputs), strict=True):
        assert torch.equal(one, two)


@every
def test_it_learns_five_texts_by_heart(name: str, tokenizer: TextTokenizer) -> None:
    explainer = build(name, tokenizer, explainer_hidden_size=32)
    inputs = batch_of(tokenizer)
    optimizer = torch.optim.Adam(explainer.parameters(), lr=0.01)
    for _ in range(90):
        optimizer.zero_grad()
        sum(explainer(*inputs)).backward()
        optimizer.step()
    assert explainer.generate(*inputs) == TEXTS


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
    table = TokenTable(wrapped, TEXTS, np.arange(5), 5, 20, ends=True)
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
