"""What a base keeps beside its parameters and changes while it trains, as a checkpoint has it.

Counters that a loss is annealed by, histories of losses, orders that batches are drawn in: they are
plain attributes of RecBole's models, which no ``state_dict`` holds.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

_OF_ANY_MODULE = frozenset(vars(nn.Module()))  # ``training`` and where modules keep their parts
_HEAD = "showcase"

Marks = dict[str, Any]


def marks_of(model: nn.Module) -> Marks:
    """What tells later which attributes have changed, without a copy of large ones.

    Args:
        model: A composed model that has not been trained yet.
    """
    return {name: _mark(module, key) for name, module, key in _attributes(model)}


def changed_attributes(model: nn.Module, before: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes that have changed since, by ``module.name``.

    Args:
        model: The model.
        before: What :func:`marks_of` gave.
    """
    return {
        name: vars(module)[key]
        for name, module, key in _attributes(model)
        if name not in before or not _same(before[name], _mark(module, key))
    }


def restore_attributes(model: nn.Module, saved: Mapping[str, Any]) -> None:
    """Give a model what :func:`changed_attributes` found; what it knows nothing of is left out.

    Args:
        model: A model of the same kind.
        saved: Of a checkpoint: data, of which no attribute is taken that holds anything else.
    """
    for name, module, key in list(_attributes(model)):
        if name not in saved:
            continue
        now, value = vars(module)[key], saved[name]
        if isinstance(value, torch.Tensor):
            value = value.to(now.device if isinstance(now, torch.Tensor) else _device(model))
        if _holds_data(value):
            setattr(module, key, value)


def _attributes(model: nn.Module) -> Iterator[tuple[str, nn.Module, str]]:
    """Name, module and attribute of plain data of the base, and of none of the explanation side."""
    kept_elsewhere = set(getattr(model, "other_parameter_name", ()))
    for path, module in model.named_modules():
        if path == _HEAD or path.startswith(f"{_HEAD}."):
            continue
        for key, value in vars(module).items():
            if key in _OF_ANY_MODULE or (module is model and key in kept_elsewhere):
                continue
            if _holds_data(value):
                yield f"{path}.{key}".lstrip("."), module, key


def _holds_data(value: Any) -> bool:
    """Whether it is nothing, a number, a tensor, an array of numbers or a list of numbers."""
    if value is None or isinstance(value, bool | int | float | np.number | torch.Tensor):
        return not isinstance(value, nn.Parameter)
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "biuf"
    return isinstance(value, list) and all(
        isinstance(entry, int | float | np.number) for entry in value
    )


def _mark(module: nn.Module, key: str) -> Any:
    """Equal to a later one as long as the value is the same; tensors count their changes."""
    value = vars(module)[key]
    if isinstance(value, torch.Tensor):
        return weakref.ref(value), value._version
    if isinstance(value, np.ndarray | list):
        return np.array(value)
    return value


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return one[0]() is other[0]() and one[1] == other[1]
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    return type(one) is type(other) and bool(one == other or one is other)


def _device(model: nn.Module) -> torch.device:
    return next(model.parameters()).device
