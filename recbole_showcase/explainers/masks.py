"""What the tokens of a text may attend to, as a decoder of ``gpt2_decoder`` takes it as it stands.

Of a mask (B, T) transformers first asks the device whether it leaves anything out, and a training
step would wait for the answer.
"""

from __future__ import annotations

import torch
from torch import Tensor


def causal_mask(mask: Tensor) -> Tensor:
    """What each token of a text may attend to: itself and what stands before it (B, 1, T, T).

    Args:
        mask: Which tokens are there (B, T).
    """
    size = mask.shape[1]
    before = torch.ones(size, size, dtype=torch.bool, device=mask.device).tril()
    return memory_mask(mask) & before


def memory_mask(mask: Tensor) -> Tensor:
    """What every token of a text may attend to across (B, 1, 1, S).

    Args:
        mask: Which of the encoder's states are there (B, S).
    """
    return mask[:, None, None, :]
