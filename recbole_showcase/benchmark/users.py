"""Two combinations on one metric, compared over the users that they were tested on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recbole_showcase.evaluation.user_sums import read_units
from recbole_showcase.metrics import Comparison, Statistics, paired_bootstrap

Units = tuple[NDArray[np.str_], Statistics]


@dataclass(frozen=True)
class Source:
    """Where to read what each user added to a figure.

    Attributes:
        path: The file of a run.
        name: The name of the figure in the run's result.
    """

    path: Path
    name: str


def compare_over_users(
    first: Mapping[int, Source], second: Mapping[int, Source]
) -> Comparison | None:
    """The paired bootstrap over users, over the seeds that both have.

    The value of a draw of users is the mean of its values over the seeds: a user that is drawn
    comes along in all of them, in both combinations.

    Args:
        first: By seed, where to read a figure of one combination.
        second: The same of the other.

    Returns:
        The first minus the second; None where no seed has users of both.

    Raises:
        DataError: A file is damaged.
    """
    sides: tuple[list[Units], list[Units]] = [], []
    for seed in sorted(first.keys() & second.keys()):
        one, other = (read_units(side[seed].path, side[seed].name) for side in (first, second))
        if one is not None and other is not None:
            sides[0].append(one)
            sides[1].append(other)
    if not sides[0]:
        return None
    users = np.unique(np.concatenate([own for side in sides for own, _ in side]))
    one_system, other_system = (_over_seeds(side, users) for side in sides)
    return paired_bootstrap(one_system, other_system, np.arange(len(users)))


def _over_seeds(runs: Sequence[Units], users: NDArray[np.str_]) -> Statistics:
    """The runs of several seeds as one system (U, seeds * S), whose value is the mean of theirs."""
    parts = [given.summed(np.searchsorted(users, own), len(users)) for own, given in runs]
    ends = np.cumsum([part.rows.shape[1] for part in parts])[:-1]

    def finish(total: NDArray[np.float64]) -> float:
        sums = np.split(total, ends)
        return float(np.mean([part.finish(own) for part, own in zip(parts, sums, strict=True)]))

    return Statistics(np.concatenate([part.rows for part in parts], axis=1), finish)
