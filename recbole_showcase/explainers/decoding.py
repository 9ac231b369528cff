"""From a decoder's logits to a loss and to texts, for decoders that are not GPT-2."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.text.tokenizer import TextTokenizer

State = TypeVar("State")


def next_token_loss(logits: Tensor, batch: ExplanationBatch) -> Tensor:
    """Mean cross-entropy of a target token, its end among them, given those before it.

    Args:
        logits: Of the token after each position but the last (B, T - 1, V).
        batch: Samples with target tokens (B, T).
    """
    targets = batch.tokens[:, 1:].masked_fill(~batch.token_mask[:, 1:], -100)
    return F.cross_entropy(logits.transpose(1, 2), targets)


def greedy_texts(
    step: Callable[[Tensor, State], tuple[Tensor, State]],
    state: State,
    batch: ExplanationBatch,
    tokenizer: TextTokenizer,
    max_tokens: int,
) -> list[str]:
    """Texts of the most likely token at each step, until all have ended.

    Args:
        step: From the last tokens (B,) and a state to logits of the next ones (B, V) and the state
            after them, so that a step costs the same however long the text is.
        state: Before the start of the text.
        batch: The pairs to write for.
        tokenizer: Of the texts.
        max_tokens: The most tokens of a text.
    """
    tokens = torch.full_like(batch.users, tokenizer.bos_id)  # (B,)
    ended = torch.zeros_like(tokens, dtype=torch.bool)
    ids: list[Tensor] = []
    while len(ids) < max_tokens and not ended.all():
        logits, state = step(tokens, state)
        tokens = logits.argmax(dim=-1).masked_fill(ended, tokenizer.pad_id)
        ids.append(tokens)
        ended = ended | (tokens == tokenizer.eos_id)
    return tokenizer.decode(torch.stack(ids, dim=1).tolist())
