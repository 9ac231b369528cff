"""The choice of where work is done."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

from recbole_showcase.arguments import check_count
from recbole_showcase.engines.cluster import RayCrew
from recbole_showcase.engines.ordered import Hand, Result, Task
from recbole_showcase.engines.processes import ProcessCrew
from recbole_showcase.errors import SettingsError

Kind = Literal["local", "processes", "ray"]
KINDS = ("local", "processes", "ray")
OfCrew = TypeVar("OfCrew", covariant=True)


class Crew(Protocol[OfCrew]):
    """Those who do tasks, each with a hand of its own: what it has loaded to work with."""

    def map(
        self, work: Callable[[OfCrew, Task], Result], tasks: Iterable[Task]
    ) -> Generator[Result, None, None]:
        """Yield ``work(hand, task)`` in the order of the tasks, some of them done at once.

        Args:
            work: What to do. It, the tasks and the results are pickled where others do it.
            tasks: What to do it with, read a little ahead of the results.

        Raises:
            LostWorker: If one who had a task is gone, and nobody takes it over.
        """


class _Local(Generic[Hand]):
    """This process."""

    def __init__(self, start: Callable[[], Hand]) -> None:
        self._hand = start()

    def map(
        self, work: Callable[[Hand, Task], Result], tasks: Iterable[Task]
    ) -> Generator[Result, None, None]:
        return (work(self._hand, task) for task in tasks)


@dataclass(frozen=True)
class Engine:
    """Where work is done. Results are the same, in the same order.

    Attributes:
        kind: ``local``, this process; ``processes``, several of this machine; ``ray``, a cluster.
        processes: How many processes share the work; of a cluster, how many at most, by default
            as many as it has cores.
        ray_address: Of a cluster; by default what ``RAY_ADDRESS`` says, or a new one of
            this machine alone.
    """

    kind: Kind = "local"
    processes: int | None = None
    ray_address: str | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        if self.kind not in KINDS:
            raise SettingsError(f"engine is {self.kind!r}; allowed: {', '.join(KINDS)}")
        if self.processes is not None or self.kind == "processes":
            check_count(SettingsError, processes=self.processes)
        if self.kind == "local" and self.processes not in (None, 1):
            raise SettingsError(f"engine 'local' is one process, not {self.processes}")
        if self.ray_address is not None and self.kind != "ray":
            raise SettingsError(
                f"a cluster is named ('{self.ray_address}') and the engine is not 'ray'"
            )

    def crew(
        self, start: Callable[[], Hand], device: str | None = None
    ) -> AbstractContextManager[Crew[Hand]]:
        """Those who do the work, in whose context it is done.

        Args:
            start: Loads what one works with; a function or an object that can be pickled.
            device: On which device they compute: on a cluster each gets a GPU for ``cuda``.

        Raises:
            SettingsError: If a cluster cannot be joined.
        """
        if self.kind == "ray":
            gpu = device is not None and device.startswith("cuda")
            return RayCrew(start, self.processes, self.ray_address, gpu)
        if self.kind == "processes":
            assert self.processes is not None
            return ProcessCrew(start, self.processes)
        return nullcontext(_Local(start))


def choose_engine(kind: str, processes: int | None, ray_address: str | None) -> Engine:
    """The engine of a command line's options, where several processes go without saying.

    Raises:
        SettingsError: If the options do not go together.
    """
    given: Any = "processes" if kind == "local" and (processes or 1) > 1 else kind
    return Engine(given, processes, ray_address)
