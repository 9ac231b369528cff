"""Ways of writing against slow, literal ones that know no batch and no cache."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel

from recbole_showcase.errors import SettingsError
from recbole_showcase.explainers.decoding import DecodingSettings, Special, decode
from recbole_showcase.integration.config import part_defaults

BOS, EOS, PAD, V = 0, 1, 2, 11
SPECIAL = Special(BOS, EOS, PAD)
B, S, H = 4, 3, 12


def settings(**changes: Any) -> DecodingSettings:
    names = DecodingSettings.__dataclass_fields__
    defaults = {k: v for k, v in part_defaults("explainer", "showcase").items() if k in names}
    return DecodingSettings(**{**defaults, **{f"explainer_{k}": v for k, v in changes.items()}})


@pytest.fixture(scope="module")
def model() -> GPT2LMHeadModel:
    torch.manual_seed(3)
    config = GPT2Config(
        vocab_size=V,
        n_embd=H,
        n_layer=2,
        n_head=2,
        n_positions=16,
        initializer_range=0.6,
        add_cross_attention=True,
        bos_token_id=BOS,
        eos_token_id=EOS,
    )
    model = GPT2LMHeadModel(config).eval()
    model.generation_config.pad_token_id = PAD
    return model


@pytest.fixture(scope="module")
def memory() -> tuple[Tensor, Tensor]:
    torch.manual_seed(4)
    return torch.randn(B, S, H) * 2, torch.arange(S) < torch.tensor([3, 1, 2, 3])[:, None]


def read(model: GPT2LMHeadModel, memory: Tensor, mask: Tensor, ids: list[int]) -> tuple:
    """Log-probabilities (V,) after a text, and its hidden states (T, H), without a cache."""
    with torch.no_grad():
        hidden = model.transformer(
            input_ids=torch.tensor([ids]),
            encoder_hidden_states=memory[None],
            encoder_attention_mask=mask[None],
            use_cache=False,
        ).last_hidden_state[0]
        logits = model.lm_head(hidden[-1])
        logits[[BOS, PAD]] = -torch.inf
        return logits.log_softmax(-1), hidden


def texts_of(ids: Tensor) -> list[list[int]]:
    return [[t for t in row if t != PAD] for row in ids.tolist()]


def write(model, memory, limit: int = 8, **changes: Any) -> list[list[int]]:
    ids = decode(model, *memory, settings(**changes), SPECIAL, limit, np.arange(B))
    assert ids.shape[0] == len(memory[0]) and ids.shape[1] <= limit
    return texts_of(ids)


def literal_greedy(model, memory, mask, limit: int) -> list[int]:
    text = [BOS]
    while len(text) <= limit and text[-1] != EOS:
        text.append(int(read(model, memory, mask, text)[0].argmax()))
    return text[1:]


def literal_contrastive(model, memory, mask, limit: int, k: int, alpha: float) -> list[int]:
    text = [BOS]
    while len(text) <= limit and text[-1] != EOS:
        chances, states = read(model, memory, mask, text)
        scores = {}
        for token in chances.topk(k).indices.tolist():
            state = read(model, memory, mask, [*text, token])[1][-1]
            likeness = max(F.cosine_similarity(state, s, dim=0).item() for s in states)
            scores[token] = (1 - alpha) * chances[token].exp().item() - alpha * likeness
        text.append(max(scores, key=scores.__getitem__))
    return text[1:]


def literal_diverse_beams(
    model, memory, mask, limit: int, groups: int, width: int, penalty: float, power: float
) -> list[int]:
    beams: list[list[tuple[list[int], float]]] = [[([BOS], 0.0)] for _ in range(groups)]
    for _ in range(limit):
        taken: dict[int, int] = {}
        for g in range(groups):
            options = []
            for text, score in beams[g]:
                if text[-1] == EOS:
                    options.append((score, score, text, None))
                    continue
                chances = read(model, memory, mask, text)[0]
                for token in range(V):
                    total = score + chances[token].item()
                    options.append((total - penalty * taken.get(token, 0), total, text, token))
            options.sort(key=lambda option: -option[0])
            beams[g] = [
                (text if token is None else [*text, token], total)
                for _, total, text, token in options[:width]
            ]
            for _, _, _, token in options[:width]:
                if token is not None:
                    taken[token] = taken.get(token, 0) + 1
    ended = [beam for group in beams for beam in group]
    best = max(ended, key=lambda beam: beam[1] / (len(beam[0]) - 1) ** power)
    return best[0][1:]


def test_greedy_takes_the_likeliest_token(model, memory) -> None:
    expected = [literal_greedy(model, m, k, 8) for m, k in zip(*memory, strict=True)]
    assert write(model, memory) == expected
    assert len({tuple(text) for text in expected}) > 1, "memory makes a difference"


@pytest.mark.parametrize(("k", "alpha"), [(4, 0.6), (3, 0.2), (1, 0.9)])
def test_contrastive_search_is_its_equation(model, memory, k: int, alpha: float) -> None:
    expected = [
        literal_contrastive(model, m, mask, 8, k, alpha) for m, mask in zip(*memory, strict=True)
    ]
    found = write(model, memory, decoding="contrastive", contrastive_k=k, contrastive_alpha=alpha)
    assert found == expected
    if k == 1:
        assert found == write(model, memory)


@pytest.mark.parametrize(
    ("groups", "beams", "penalty"), [(1, 3, 0.5), (2, 4, 0.5), (3, 3, 2.0), (2, 4, 0.0)]
)
def test_diverse_beams_are_their_definition(
    model, memory, groups: int, beams: int, penalty: float
) -> None:
    expected = [
        literal_diverse_beams(model, m, mask, 6, groups, beams // groups, penalty, 0.7)
        for m, mask in zip(*memory, strict=True)
    ]
    found = write(
        model,
        memory,
        limit=6,
        decoding="diverse_beam",
        num_beams=beams,
        beam_groups=groups,
        diversity_penalty=penalty,
        length_penalty=0.7,
    )
    assert found == expected


def test_enough_beams_find_the_best_of_all_texts(model, memory) -> None:
    """Over three tokens, with as many beams as there are texts of two."""
    found = write(
        model,
        memory,
        limit=3,
        decoding="diverse_beam",
        num_beams=V**2,
        beam_groups=1,
        length_penalty=0.0,
        min_tokens=3,
    )
    words = [token for token in range(V) if token not in (BOS, EOS, PAD)]
    for text, one, mask in zip(found, *memory, strict=True):
        scores = {}
        for pair in itertools.product(words, repeat=2):
            score, so_far = 0.0, [BOS]
            for token in pair:
                chances = read(model, one, mask, so_far)[0]
                score += chances[token].item()
                so_far.append(token)
            last = read(model, one, mask, so_far)[0]
            for token in words:
                scores[(*pair, token)] = score + last[token].item()
        assert tuple(text) == max(scores, key=scores.__getitem__)


@pytest.mark.parametrize("way", ["greedy", "beam", "diverse_beam", "contrastive"])
def test_a_batch_writes_what_its_rows_write(model, memory, way: str) -> None:
    together = write(model, memory, decoding=way)
    for row in range(B):
        one = tuple(part[row : row + 1] for part in memory)
        assert write(model, one, decoding=way) == [together[row]]


def test_sampling_is_reproducible_and_leaves_the_generator_alone(model, memory) -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first = write(model, memory, decoding="sample")
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(6)
    assert write(model, memory, decoding="sample") == first
    assert write(model, memory, decoding="sample", seed=1) != first


def test_sampling_from_one_token_is_greedy(model, memory) -> None:
    greedy = write(model, memory)
    assert write(model, memory, decoding="sample", top_k=1) == greedy
    assert write(model, memory, decoding="sample", top_p=1e-6) == greedy
    assert write(model, memory, decoding="sample", sampling_temperature=1e-4) == greedy


@pytest.mark.parametrize("way", ["greedy", "beam", "diverse_beam", "sample", "contrastive"])
def test_no_pair_of_words_comes_twice_and_no_text_is_too_short(model, memory, way: str) -> None:
    for text in write(model, memory, limit=12, decoding=way, no_repeat_ngram=2, min_tokens=5):
        assert len(text) >= 5 and EOS not in text[:5]
        pairs = list(itertools.pairwise(text))
        assert len(pairs) == len(set(pairs))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_beams": 4, "beam_groups": 3}, "explainer_beam_groups is 3; allowed: a divisor"),
        ({"top_p": 1.5}, "explainer_top_p is 1.5; allowed: 0.0 to 1.0"),
        ({"contrastive_k": 0}, "explainer_contrastive_k is 0; allowed: 1 or more"),
        ({"sampling_temperature": 0.0}, "allowed: above 0"),
    ],
)
def test_settings_out_of_range_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        settings(**changes)
