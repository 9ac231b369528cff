"""The processes of one run: which part of the explaining each does, and how they meet again.

RecBole trains its recommender with ``DistributedDataParallel``, for which each parameter has to get
a gradient at each step, zero where there is none; an optimizer with momentum then moves parameters
that had nothing to learn from. So the explanation side is none of its business: RecBole's wrapper
sees the recommender alone, just as without an explainer, and gradients of the explanation side are
averaged here, of those parameters that have one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.autograd import Variable
from torch.nn.parallel import DistributedDataParallel

from recbole_showcase.integration.evaluator import of_all_processes

T = TypeVar("T")
_BUCKET = 1 << 23  # numbers averaged at once, so that a large model needs no second copy of itself


@dataclass(frozen=True)
class Processes:
    """The processes that train and test one model together.

    Attributes:
        place: Which of them this is, from 0, on all hosts together.
        count: How many there are.
        writes: Whether this is the first on its host, which writes files and the log.
    """

    place: int = 0
    count: int = 1
    writes: bool = True

    @classmethod
    def of(cls, config: Any) -> Processes:
        """Those of a run of RecBole's."""
        if config["single_spec"]:
            return cls()
        place, count = torch.distributed.get_rank(), torch.distributed.get_world_size()
        return cls(place, count, config["local_rank"] == 0)

    @property
    def stream(self) -> tuple[int, ...]:
        """Numbers that tell this process's random numbers from the others'; the first has none."""
        return (self.place,) if self.place else ()

    def share(self, parts: Sequence[T]) -> Sequence[T]:
        """Every so many-th of some parts: what this process does of them."""
        return parts[self.place :: self.count]

    def joined(self, own: list[T]) -> list[T]:
        """What all processes made of their shares, in the order of the parts; all have to ask."""
        if self.count == 1:
            return own
        nothing = object()
        in_turn = chain.from_iterable(zip_longest(*of_all_processes(own), fillvalue=nothing))
        return [part for part in in_turn if part is not nothing]  # type: ignore[misc]

    def begin_alike(self, module: nn.Module) -> None:
        """Give a module the weights that it has in the first process."""
        if self.count > 1:
            for parameter in module.parameters():
                torch.distributed.broadcast(parameter.detach(), src=0)

    def mean(self, values: Tensor) -> Tensor:
        """The mean over the processes."""
        if self.count > 1:
            torch.distributed.all_reduce(values.div_(self.count))
        return values

    def averaged(self, loss: Tensor, parameters: Iterable[nn.Parameter]) -> Tensor:
        """The loss; its backward pass ends with gradients that are means over the processes.

        Args:
            loss: A scalar, without a gradient in a process that has no share.
            parameters: Those whose gradients are averaged, the same in all processes.
        """
        if self.count == 1:
            return loss
        wanted = list(parameters)
        if not loss.requires_grad:
            loss = loss.detach().requires_grad_()

        def at_the_end(_: Tensor) -> None:
            # After the last gradient, and before anyone looks: RecBole clips right afterwards.
            Variable._execution_engine.queue_callback(lambda: self._average(wanted))

        loss.register_hook(at_the_end)
        return loss

    @torch.no_grad()
    def _average(self, parameters: list[nn.Parameter]) -> None:
        """Average the gradients that some process has; where none has one, there stays none."""
        if not parameters:
            return
        has = [int(parameter.grad is not None) for parameter in parameters]
        known = torch.tensor(has, dtype=torch.int32, device=parameters[0].device)
        torch.distributed.all_reduce(known)
        moved = [p for p, somewhere in zip(parameters, known.tolist(), strict=True) if somewhere]
        for parameter in moved:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        for gradients in _buckets([p.grad for p in moved if p.grad is not None]):
            flat = self.mean(torch.cat([gradient.flatten() for gradient in gradients]))
            parts = flat.split([gradient.numel() for gradient in gradients])
            for gradient, part in zip(gradients, parts, strict=True):
                gradient.copy_(part.view_as(gradient))


def _buckets(tensors: list[Tensor]) -> Iterator[list[Tensor]]:
    """The tensors in their order, at most so many numbers of one kind at a time."""
    bucket: list[Tensor] = []
    size = 0
    for tensor in tensors:
        if bucket and (size + tensor.numel() > _BUCKET or tensor.dtype != bucket[0].dtype):
            yield bucket
            bucket, size = [], 0
        bucket.append(tensor)
        size += tensor.numel()
    if bucket:
        yield bucket


def leave_to_itself(model: nn.Module, part: str) -> None:
    """Hide a part of a model, parameters and buffers, from ``DistributedDataParallel``.

    What the model itself hides stays hidden.
    """
    names = list(getattr(model, "_ddp_params_and_buffers_to_ignore", ()))
    names += [f"{part}.{name}" for name, _ in chain(*_tensors(model.get_submodule(part)))]
    DistributedDataParallel._set_params_and_buffers_to_ignore_for_model(model, names)


def _tensors(module: nn.Module) -> tuple[Iterator[Any], Iterator[Any]]:
    return module.named_parameters(remove_duplicate=False), module.named_buffers(
        remove_duplicate=False
    )
