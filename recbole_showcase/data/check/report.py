"""What a check of a data set found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Report:
    """What was found, in lines.

    Attributes:
        facts: What is there.
        warnings: What trains, and may not be what was meant.
        errors: What would stop a training, or train on damaged features.
    """

    facts: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def counted(n: int, what: str) -> str:
    """``1 photo``, ``2,000 photos``; of several words, the first is counted."""
    first, space, rest = what.partition(" ")
    return f"{n:,} {first}{'' if n == 1 else 's'}{space}{rest}"


def such_as(values: Iterable[object] | np.ndarray) -> str:
    """The first of some values, as the end of a finding."""
    return f"such as {next(iter(values))!r}"
