"""The expected grade from the probabilities of a model's next tokens."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

Spelling = tuple[int, ...]  # the tokens that a grade is spelled by, or begins with
Nexts = dict[Spelling, dict[int, float]]  # by beginning, the probabilities of what goes on


class Expected(NamedTuple):
    """Of the grades of a scale by their probabilities.

    Attributes:
        mean: The expected grade.
        deviation: The standard deviation of the grades.
        mass: The probability of any grade.
    """

    mean: float
    deviation: float
    mass: float


class GradeTrie:
    """Grades by the tokens that spell them, of which some begin others, as 1 begins 10.

    Attributes:
        inner: What some spelling begins with, the empty beginning first.
        depth: Tokens of the longest spelling.
    """

    def __init__(self, spelled: Mapping[Spelling, int]) -> None:
        """Take spellings; several may stand for one grade."""
        self._spelled = dict(spelled)
        nexts: dict[Spelling, list[int]] = {}
        for path in spelled:
            for end in range(len(path)):
                following = nexts.setdefault(path[:end], [])
                if path[end] not in following:
                    following.append(path[end])
        self._nexts = nexts
        self.inner = sorted(nexts, key=lambda path: (len(path), path))
        self.depth = max(map(len, spelled))

    def after(self, path: Spelling, probabilities: Tensor) -> dict[int, float]:
        """Of the probabilities of all tokens (V,) behind a beginning, those that go on."""
        return {token: float(probabilities[token]) for token in self._nexts[path]}

    def expected(self, nexts: Mapping[Spelling, Mapping[int, float]]) -> Expected:
        """The grades by their probabilities: their mean, how far they spread, and their mass.

        A grade that begins others is one where no token that goes on to them follows.

        Args:
            nexts: By beginning the probabilities of the tokens that go on.

        >>> trie = GradeTrie({(7,): 1, (8,): 2, (7, 9): 10})
        >>> found = trie.expected({(): {7: 0.5, 8: 0.25}, (7,): {9: 0.5}})  # each of the three .25
        >>> round(found.mean, 4), round(found.deviation, 4), found.mass
        (4.3333, 4.0277, 0.75)
        """
        chances: list[tuple[int, float]] = []
        for path, grade in self._spelled.items():
            chance = 1.0
            for end in range(len(path)):
                chance *= nexts[path[:end]][path[end]]
            chances.append((grade, chance * (1.0 - sum(nexts.get(path, {}).values()))))
        total = sum(chance for _, chance in chances)
        if total <= 0:
            return Expected(0.0, 0.0, total)
        mean = sum(grade * chance for grade, chance in chances) / total
        variance = sum((grade - mean) ** 2 * chance for grade, chance in chances) / total
        return Expected(mean, math.sqrt(max(0.0, variance)), total)
