"""From logits to a loss, and from a decoder that carries a state to texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.data.tokenizer import TextTokenizer

State = TypeVar("State")


def next_token_loss(logits: Tensor, batch: ExplanationBatch) -> Tensor:
    """Mean over all target tokens of a batch of minus the log-probability of the token.

    Args:
        logits: After each token but the last (B, T - 1, V).
        batch: The samples; the start of a text is no target, its end is one.
    """
    targets = batch.tokens[:, 1:].masked_fill(~batch.token_mask[:, 1:], -100)  # (B, T - 1)
    return F.cross_entropy(logits.transpose(1, 2), targets)


def greedy_texts(
    step: Callable[[Tensor, State], tuple[Tensor, State]],
    state: State,
    batch: ExplanationBatch,
    tokenizer: TextTokenizer,
    max_tokens: int,
) -> list[str]:
    """The most likely token after each, up to the end of the text or the most tokens.

    Args:
        step: From the last tokens (B,) and the state to logits of the next ones (B, V) and the
            next state. A row must not look at other rows.
        state: The state before the start of the text.
        batch: The pairs to write for.
        tokenizer: Of the texts.
        max_tokens: The most tokens of a text.
    """
    token = torch.full_like(batch.users, tokenizer.bos_id)  # (B,)
    ended, written = torch.zeros_like(token, dtype=torch.bool), []
    for _ in range(max_tokens):
        logits, state = step(token, state)
        token = logits.argmax(dim=-1).masked_fill(ended, tokenizer.pad_id)
        ended = ended | (token == tokenizer.eos_id)
        written.append(token)
        if ended.all():
            break
    return tokenizer.decode(torch.stack(written, dim=1).tolist())
