"""Checks that several metrics share."""

from __future__ import annotations

from collections.abc import Sized

from recbole_showcase.errors import DataError, SettingsError


def check_same_length(**named: Sized) -> None:
    """Raise a DataError that names all lengths unless they are equal."""
    lengths = {name: len(value) for name, value in named.items()}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise DataError(f"lengths differ: {found} entries; they must have one a pair")


def check_at_least_one(**named: int) -> None:
    """Raise a SettingsError that names the first value below 1."""
    for name, value in named.items():
        if value < 1:
            raise SettingsError(f"{name} is {value}; allowed is 1 or more")
