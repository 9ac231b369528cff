"""A metric as one row: its name, its function, and how its figures are named and compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike

from recbole_showcase.errors import DataError
from recbole_showcase.metrics.statistics import Statistics


@dataclass(frozen=True)
class Metric:
    """What there is to know of a metric of an ``Evaluation``.

    Attributes:
        name: As in RecBole's ``metrics``.
        value: From an evaluation, and k where ``at`` is ``topk``, to one value a pair (N,), whose
            mean is the figure and NaN of which are left out; to statistics whose sums give it; or
            to the figure itself, where it is no matter of sums.
        smaller: Whether less of it is better.
        at: What the k of its figures is: the number of photos shown, each of RecBole's ``topk``,
            or nothing.
        ranking: Whether it reads ranks and scores, which value metrics such as AUC leave none of.
        needs: What it needs from outside: called with the evaluation's resources before the
            training, raises a ``ShowcaseError`` where something is missing. None if nothing.
    """

    part_kind: ClassVar[str] = "metric"
    name: str
    value: Callable[..., float | ArrayLike | Statistics]
    smaller: bool = False
    at: Literal["", "photos", "topk"] = ""
    ranking: bool = False
    needs: Callable[[Any], object] | None = None

    def __post_init__(self) -> None:
        """Check what a type checker would."""
        if self.at not in ("", "photos", "topk"):
            raise TypeError(f"at is {self.at!r}; allowed: '', 'photos', 'topk'")
        if self.needs is not None and not callable(self.needs):
            raise TypeError(f"needs is {self.needs!r}; allowed: a function, or None")

    def measure(self, of: Any, *k: int) -> float | Statistics:
        """The statistics of the metric, or the figure where it does not follow from sums.

        Args:
            of: An evaluation of N pairs.
            *k: The number of recommendations, where ``at`` is ``topk``.

        Raises:
            DataError: If the function gives neither a number nor values of the pairs.
        """
        found = self.value(of, *k)
        if isinstance(found, Statistics):
            statistics = found
        else:
            try:
                values = np.asarray(found, dtype=np.float64)
            except (TypeError, ValueError) as error:
                raise DataError(f"metric '{self.name}' gives {found!r}: {error}") from error
            if values.ndim == 0 and found is not None:
                return float(values)
            if values.ndim != 1:
                raise DataError(
                    f"metric '{self.name}' gives {_shape(found, values)}; allowed: a number, or "
                    "one value a pair, (N,)"
                )
            statistics = Statistics.of_values(values)
        if len(statistics.rows) != len(of.users):
            gives, wanted = len(statistics.rows), len(of.users)
            raise DataError(f"metric '{self.name}' gives {gives} values for {wanted} pairs")
        return statistics


def _shape(found: Any, values: np.ndarray) -> str:
    return "None" if found is None else f"an array of shape {values.shape}"
