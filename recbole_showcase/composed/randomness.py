"""Random numbers: the explainer's apart from the recommender's, and both over a resumed run."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


@contextmanager
def own_stream(*seed: int) -> Iterator[None]:
    """Draw from torch's generators without moving them for those who draw afterwards.

    The recommender's dropout and sampling then give what they give without an explainer, and what
    is drawn inside depends on the seed alone, so that a resumed run continues as it would have.

    Args:
        *seed: Non-negative numbers that name the stream.
    """
    (number,) = np.random.SeedSequence(seed).generate_state(1, np.uint64)
    with torch.random.fork_rng(range(torch.cuda.device_count())):
        torch.manual_seed(int(number >> np.uint64(1)))
        yield


def orders_of(loader: Any) -> list[torch.Generator]:
    """The generators that a training loader shuffles with; knowledge-aware models have two."""
    parts = [getattr(loader, name, None) for name in ("general_dataloader", "kg_dataloader")]
    loaders = [part for part in parts if part is not None] or [loader]
    found = [getattr(part, "generator", None) for part in loaders]
    return [generator for generator in found if generator is not None]


def stream_states(orders: Sequence[torch.Generator]) -> dict[str, Any]:
    """Where the streams are that a recommender draws from, as plain data.

    Args:
        orders: The generators of the training batches' order.
    """
    _, numbers, *rest = np.random.get_state()  # the first is the name of the only algorithm
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": [torch.from_numpy(np.asarray(numbers, dtype=np.int64)), *rest],
        "python": random.getstate(),
        "orders": [generator.get_state() for generator in orders],
    }


def restore_streams(states: Mapping[str, Any], orders: Sequence[torch.Generator]) -> None:
    """Continue the streams from where :func:`stream_states` found them."""
    torch.set_rng_state(states["torch"].cpu())
    if len(states["cuda"]) == torch.cuda.device_count() > 0:
        torch.cuda.set_rng_state_all([state.cpu() for state in states["cuda"]])
    numbers, *rest = states["numpy"]
    np.random.set_state(("MT19937", numbers.cpu().numpy().astype(np.uint32), *rest))
    random.setstate(states["python"])
    for generator, state in zip(orders, states["orders"], strict=False):
        generator.set_state(state.cpu())
