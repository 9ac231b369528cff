"""What the contracts share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from recbole_showcase.settings import read_settings

WIDTH = 6  # of CLIP features
STATISTICS = torch.stack([torch.linspace(-0.5, 0.5, WIDTH), torch.linspace(0.5, 1.5, WIDTH)])
COSINES = torch.tensor([[0.1, 0.4], [-0.2, 0.3]])  # mean and deviation, of photos and reviews

HALVES = (torch.bfloat16, torch.float16)  # types of mixed precision on a processor and on CUDA


class Contract:
    """What the contracts share.

    Attributes:
        part: The class under test.
        settings: Changes of the defaults of its ``Settings``.
    """

    part: ClassVar[Any]
    settings: ClassVar[Mapping[str, Any]] = {}

    def _built(self, *inputs: Any) -> Any:
        """The part, with the same random numbers each time."""
        torch.manual_seed(0)
        chosen = read_settings(self.part.Settings, "", self.settings)
        return self.part(chosen, *inputs).eval()


def unreached(module: nn.Module) -> list[str]:
    """Parameters that are to be trained and that no gradient has reached."""
    return [n for n, p in module.named_parameters() if p.requires_grad and p.grad is None]


def shake(module: nn.Module, spread: float) -> None:
    """Move every parameter at random."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter) * spread)


def all_close(found: tuple[Tensor, ...], expected: tuple[Tensor, ...]) -> None:
    """Assert that as many tensors are nearly equal."""
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


def half_is_close(
    module: nn.Module, kind: torch.dtype, losses: Callable[[], tuple[Tensor, ...]]
) -> None:
    """Assert that losses of mixed precision are nearly the others, and their gradients numbers.

    Args:
        module: What is trained.
        kind: Half type of mixed precision.
        losses: Computes the losses by it.
    """
    module.zero_grad()
    whole = losses()
    with torch.autocast("cpu", dtype=kind):
        found = losses()
    for one, other in zip(found, whole, strict=True):
        torch.testing.assert_close(one.float(), other.float(), rtol=0.03, atol=0.03)
    if any(loss.requires_grad for loss in found):
        torch.stack([loss.float() for loss in found]).sum().backward()
    gradients = [p.grad for p in module.parameters() if p.grad is not None]
    assert all(gradient.isfinite().all() for gradient in gradients)
