"""A metric as one row: its name, its function, and how its figures are named and compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from numpy.typing import ArrayLike

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

    def measure(self, *given: Any) -> float | Statistics:
        """The statistics of the metric, or the figure where it does not follow from sums.

        Args:
            *given: What ``value`` takes.
        """
        found = self.value(*given)
        if isinstance(found, float | int | Statistics):
            return found
        return Statistics.of_values(found)
