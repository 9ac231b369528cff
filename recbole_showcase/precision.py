"""Where mixed precision, which RecBole's ``enable_amp`` asks for, would cost more than digits."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def is_mixed(device: torch.device) -> bool:
    """Whether a device computes in mixed precision here; some know none."""
    kind = device.type
    return torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)


def whole_precision(device: torch.device) -> AbstractContextManager[object]:
    """A block in which a device computes as without mixed precision."""
    return torch.autocast(device.type, enabled=False) if is_mixed(device) else nullcontext()


def whole(vectors: Tensor) -> Tensor:
    """Not in half precision, in which the smallest length is zero and lengths overflow."""
    return vectors.to(torch.promote_types(vectors.dtype, torch.float32))
