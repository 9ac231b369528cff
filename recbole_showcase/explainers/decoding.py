"""How a GPT-2 with cross-attention writes: greedy, beams, sampling, contrastive search.

Greedy, beam search and sampling are Hugging Face's (``generation.py``), with its cache of keys and
values. Contrastive search (Su et al., "A Contrastive Framework for Neural Text Generation", NeurIPS
2022) and diverse beam search (Vijayakumar et al., "Diverse Beam Search", AAAI 2018) left that
library for programs on its hub; here they are batched over pairs, with the same cache and the same
processors of scores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import (
    DynamicCache,
    EncoderDecoderCache,
    GPT2LMHeadModel,
    LogitsProcessorList,
    MinNewTokensLengthLogitsProcessor,
    NoRepeatNGramLogitsProcessor,
    SuppressTokensLogitsProcessor,
)

from recbole_showcase.errors import SettingsError
from recbole_showcase.explainers.generation import (
    GenerationSettings,
    check_at_least,
    check_share,
    generate,
)


@dataclass(frozen=True)
class DecodingSettings(GenerationSettings):
    """Those of ``generate``, and of what is batched here; a YAML file explains them."""

    explainer_decoding: Literal["greedy", "beam", "diverse_beam", "sample", "contrastive"] = (
        "greedy"
    )
    explainer_beam_groups: int = 2
    explainer_diversity_penalty: float = 0.5
    explainer_contrastive_k: int = 4
    explainer_contrastive_alpha: float = 0.6

    def __post_init__(self) -> None:
        """Check the ranges, and that beams divide into groups."""
        super().__post_init__()
        check_at_least(self, 1, "beam_groups", "contrastive_k")
        check_share(self, "contrastive_alpha")
        if self.explainer_num_beams % self.explainer_beam_groups:
            raise SettingsError(
                f"explainer_beam_groups is {self.explainer_beam_groups}; allowed: a divisor of "
                f"explainer_num_beams = {self.explainer_num_beams}"
            )


@dataclass(frozen=True)
class Special:
    """Ids of the start, the end and the padding of a text."""

    bos: int
    eos: int
    pad: int

    @property
    def never_written(self) -> list[int]:
        """Start and padding, which are no words; a start that is also the end may be written."""
        return sorted({self.bos, self.pad} - {self.eos})


def decode(
    model: GPT2LMHeadModel,
    memory: Tensor,
    memory_mask: Tensor,
    settings: DecodingSettings,
    special: Special,
    max_tokens: int,
    seed_material: np.ndarray,
) -> Tensor:
    """Write a text for each pair.

    Args:
        model: GPT-2 with cross-attention.
        memory: What it attends to (B, S, H).
        memory_mask: Which of it is there (B, S).
        settings: How to write.
        special: Ids of start, end and padding.
        max_tokens: The most tokens of a text, its end included.
        seed_material: See :func:`~recbole_showcase.explainers.generation.generate`.

    Returns:
        Token ids (B, T <= max_tokens), padded after the end.
    """
    if settings.explainer_decoding == "contrastive":
        steps = CachedDecoder(model, memory, memory_mask)
        return contrastive_search(steps, settings, special, max_tokens)
    if settings.explainer_decoding == "diverse_beam":
        steps = CachedDecoder(model, memory, memory_mask)
        return diverse_beam_search(steps, settings, special, max_tokens)
    start = torch.full((len(memory), 1), special.bos, device=memory.device)
    ids = generate(
        model,
        settings,
        seed_material,
        inputs=start,
        attention_mask=torch.ones_like(start),
        encoder_hidden_states=memory,
        encoder_attention_mask=memory_mask,
        max_new_tokens=max_tokens,
        suppress_tokens=special.never_written,
    )  # (B, 1 + T)
    return ids[:, 1:]


class CachedDecoder:
    """One token after the other, keys and values of the earlier ones kept."""

    def __init__(self, model: GPT2LMHeadModel, memory: Tensor, memory_mask: Tensor) -> None:
        """Start for B pairs with memory (B, S, H) and its mask (B, S)."""
        self._model = model
        self._memory, self._mask = memory, memory_mask
        self._cache = EncoderDecoderCache(
            DynamicCache(config=model.config), DynamicCache(config=model.config)
        )

    def __len__(self) -> int:
        """The number of texts being written."""
        return len(self._memory)

    @property
    def device(self) -> torch.device:
        """Where the texts are written."""
        return self._memory.device

    def step(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Read a token of each text (B,); return the next one's logits (B, V) and state (B, E)."""
        hidden = self._model.transformer(
            input_ids=tokens.unsqueeze(1),
            past_key_values=self._cache,
            encoder_hidden_states=self._memory,
            encoder_attention_mask=self._mask,
            use_cache=True,
        ).last_hidden_state[:, -1]
        return self._model.lm_head(hidden), hidden

    def take(self, index: Tensor) -> None:
        """Go on with these texts (N,), a text as often as it is named."""
        for cache in (self._cache.self_attention_cache, self._cache.cross_attention_cache):
            cache.batch_select_indices(index)
        self._memory, self._mask = self._memory[index], self._mask[index]


def _processors(settings: DecodingSettings, special: Special, device: torch.device) -> (
    LogitsProcessorList
):  # fmt: skip
    """Hugging Face's processors for what is no word, repeated n-grams and the least length."""
    never = SuppressTokensLogitsProcessor(special.never_written, device=str(device))
    processors = LogitsProcessorList([never])
    if settings.explainer_no_repeat_ngram:
        processors.append(NoRepeatNGramLogitsProcessor(settings.explainer_no_repeat_ngram))
    if settings.explainer_min_tokens:
        processors.append(
            MinNewTokensLengthLogitsProcessor(
                1, settings.explainer_min_tokens, special.eos, device=str(device)
            )
        )
    return processors


@torch.no_grad()
def contrastive_search(
    steps: CachedDecoder, settings: DecodingSettings, special: Special, max_tokens: int
) -> Tensor:
    """Of the k likeliest tokens, the one whose probability and novelty are best together.

    ``(1 - alpha) * p(v) - alpha * max_j cos(h_v, h_j)``, where ``h_v`` is the state after reading
    v and ``h_j`` are those of the text so far. Pairs are independent of each other.

    Returns:
        Token ids (B, T), padded after the end.
    """
    k, alpha = settings.explainer_contrastive_k, settings.explainer_contrastive_alpha
    size, device = len(steps), steps.device
    processors = _processors(settings, special, device)
    text = torch.full((size, 1), special.bos, device=device)
    logits, state = steps.step(text[:, 0])
    states = F.normalize(state, dim=-1).unsqueeze(1)  # (B, t, E)
    ended = torch.zeros(size, dtype=torch.bool, device=device)
    rows = torch.arange(size, device=device)
    for _ in range(max_tokens):
        scores = processors(text, logits.float())  # type: ignore[arg-type]
        chances = scores.softmax(-1)  # (B, V)
        chance, token = chances.topk(min(k, chances.shape[1]), dim=1)  # (B, k)
        width = token.shape[1]
        steps.take(rows.repeat_interleave(width))
        next_logits, state = steps.step(token.flatten())  # (B k, V), (B k, E)
        state = F.normalize(state, dim=-1).view(size, width, -1)
        likeness = torch.einsum("bke,bte->bkt", state, states).amax(dim=2)  # (B, k)
        best = ((1.0 - alpha) * chance - alpha * likeness).argmax(dim=1)  # (B,)
        chosen = token[rows, best].masked_fill(ended, special.pad)
        steps.take(rows * width + best)
        logits = next_logits.view(size, width, -1)[rows, best]
        states = torch.cat([states, state[rows, best].unsqueeze(1)], dim=1)
        text = torch.cat([text, chosen.unsqueeze(1)], dim=1)
        ended = ended | (chosen == special.eos)
        if ended.all():
            break
    return text[:, 1:]


@torch.no_grad()
def diverse_beam_search(
    steps: CachedDecoder, settings: DecodingSettings, special: Special, max_tokens: int
) -> Tensor:
    """Beam search in groups that are told apart by a penalty on tokens of earlier groups.

    At each step a group's tokens lose ``diversity_penalty`` for every beam of an earlier group
    that has just taken them. A text that has ended stays a beam as it is. The text of the best
    log-probability over ``length ** length_penalty`` is returned, whichever group it is from.

    Returns:
        Token ids (B, T), padded after the end.
    """
    groups = settings.explainer_beam_groups
    width = settings.explainer_num_beams // groups
    size, beams, device = len(steps), settings.explainer_num_beams, steps.device
    processors = _processors(settings, special, device)
    steps.take(torch.arange(size, device=device).repeat_interleave(beams))
    text = torch.full((size * beams, 1), special.bos, device=device)
    score = torch.full((size, groups, width), -torch.inf, device=device)
    score[:, :, 0] = 0.0  # all beams of a group start alike: one of them branches
    ended = torch.zeros(size * beams, dtype=torch.bool, device=device)
    first = torch.arange(size, device=device).unsqueeze(1) * beams
    for _ in range(max_tokens):
        logits, _state = steps.step(text[:, -1])
        scores = processors(text, logits.float())  # type: ignore[arg-type]
        chances = scores.log_softmax(-1)  # (B G W, V)
        chances[ended] = -torch.inf
        chances[ended, special.pad] = 0.0
        chances = chances.view(size, groups, width, -1)
        taken = torch.zeros(size, chances.shape[-1], device=device)  # (B, V)
        parents, tokens = [], []
        for group in range(groups):
            penalty = settings.explainer_diversity_penalty * taken
            parent, token, score[:, group] = _best_of_group(
                score[:, group], chances[:, group], penalty
            )
            parents.append(first + group * width + parent)
            tokens.append(token)
            alive = (~ended[parents[-1]]).to(taken.dtype)  # padding of ended texts is no word
            taken.scatter_add_(1, token, alive)
        index, token = torch.cat(parents, dim=1).flatten(), torch.cat(tokens, dim=1).flatten()
        steps.take(index)
        text = torch.cat([text[index], token.unsqueeze(1)], dim=1)
        ended = ended[index] | (token == special.eos)
        if ended.all():
            break
    return _best_text(text[:, 1:], score.view(size, beams), settings, special)


def _best_of_group(
    score: Tensor, chances: Tensor, penalty: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Parents, tokens and scores (B, W) of a group's best continuations.

    The penalty (B, V) decides the choice; it is not part of the score that a text keeps.
    """
    total = score.unsqueeze(-1) + chances  # (B, W, V)
    ranked = (total - penalty.unsqueeze(1)).flatten(1)  # (B, W V)
    best = ranked.topk(score.shape[1], dim=1).indices
    size = chances.shape[-1]
    return best // size, best % size, total.flatten(1).gather(1, best)


def _best_text(text: Tensor, score: Tensor, settings: DecodingSettings, special: Special) -> Tensor:
    """Of the beams' texts (B N, T) with log-probabilities (B, N), each pair's best (B, T)."""
    length = (text != special.pad).sum(dim=1).view_as(score).clamp(min=1)
    best = (score / length**settings.explainer_length_penalty).argmax(dim=1)
    return text.view(*score.shape, -1)[torch.arange(len(score), device=score.device), best]
