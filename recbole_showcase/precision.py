"""Mixed precision where it would cost more than digits."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def whole_precision(device: torch.device) -> AbstractContextManager[object]:
    """A block in which a device computes as without mixed precision, if it has any."""
    if torch.amp.is_autocast_available(device.type):
        return torch.autocast(device.type, enabled=False)
    return nullcontext()


def whole(vectors: Tensor) -> Tensor:
    """Not in half precision, in which the smallest length is zero and lengths overflow."""
    return vectors.to(torch.promote_types(vectors.dtype, torch.float32))
