"""A cluster of ray's: tasks that its processes do, again and elsewhere where a machine is lost.

Ray is imported when a cluster is asked for, and not before.
"""

from __future__ import annotations

import logging
import os
import pickle
import signal
import socket
import sys
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic

from recbole_showcase.engines.ordered import Hand, Result, Task, in_order
from recbole_showcase.engines.processes import THREADS
from recbole_showcase.errors import LostWorker, SettingsError, ShowcaseError

_RETRIES = 3  # of a task whose process or machine is lost


@contextmanager
def handler_of_sigterm_kept() -> Iterator[None]:
    """Importing ray puts a handler of SIGTERM in place of whatever there is; ours stays."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if before not in (signal.SIG_DFL, None, signal.getsignal(signal.SIGTERM)):
            signal.signal(signal.SIGTERM, before)


@dataclass(frozen=True)
class _Place:
    """What a process of a cluster needs to be like this one.

    Attributes:
        start: Loads what it works with.
        folder: Where this process is, for paths that are relative.
        path: Where this process finds modules.
        gpu: Whether it has a GPU of its own.
    """

    start: Callable[[], Any]
    folder: str
    path: list[str]
    gpu: bool


class RayCrew(Generic[Hand]):
    """The processes of a cluster, each of which loads once what it works with.

    A task whose machine is lost is done elsewhere.
    """

    def __init__(
        self, start: Callable[[], Hand], most: int | None, address: str | None, gpu: bool
    ) -> None:
        """Prepare to join a cluster.

        Args:
            start: Loads what a process works with; it is pickled.
            most: How many tasks may be at work; by default one a core, or a GPU, of the cluster.
            address: Of the cluster; None for what ``RAY_ADDRESS`` says, or a new one of this
                machine alone.
            gpu: Whether each task wants a GPU of its own.
        """
        place = _Place(start, os.getcwd(), [os.path.abspath(folder) for folder in sys.path], gpu)
        self._place = pickle.dumps(place)
        self._most, self._address, self._gpu = most, address, gpu
        self._kind = "GPU" if gpu else "CPU"

    def __enter__(self) -> RayCrew[Hand]:
        """Join the cluster, unless the caller has.

        Raises:
            SettingsError: If ray cannot be imported, or there is no such cluster, or it lacks
                what a task wants.
        """
        self._ray = _import_ray()
        self._joined_here = not self._ray.is_initialized()
        if self._joined_here:
            _join(self._ray, self._address)
        if not self._slots():
            self.__exit__()
            raise SettingsError(f"the cluster of ray's has no {self._kind} for a task")
        self._call = self._ray.remote(_call).options(
            num_cpus=1, num_gpus=int(self._gpu), max_retries=_RETRIES
        )
        return self

    def __exit__(self, *error: object) -> None:
        """Leave the cluster, which ends our tasks."""
        if self._joined_here:
            self._ray.shutdown()

    def map(
        self, work: Callable[[Hand, Task], Result], tasks: Iterable[Task]
    ) -> Generator[Result, None, None]:
        """See :class:`recbole_showcase.engines.Crew`."""
        ray = self._ray
        pending: set[Any] = set()

        def give(task: Task) -> Any:
            ref = self._call.remote(self._place, work, task)
            pending.add(ref)
            return ref

        def wait(refs: list[Any]) -> list[Any]:
            done: list[Any] = ray.wait(refs, num_returns=1)[0]
            return done

        def take(ref: Any) -> Result:
            pending.discard(ref)
            return self._result(ref)

        try:
            yield from in_order(tasks, self._at_once, give, wait, take)
        finally:
            for ref in pending:
                ray.cancel(ref)

    def _at_once(self) -> int:
        return self._most or max(1, self._slots())

    def _slots(self) -> int:
        """How many tasks the machines of the cluster can do at once, as many as there are now."""
        return int(self._ray.cluster_resources().get(self._kind, 0))

    def _result(self, ref: Any) -> Any:
        errors = self._ray.exceptions
        try:
            return self._ray.get(ref)
        except errors.RayTaskError as error:
            if isinstance(error.cause, ShowcaseError | OSError):
                raise error.cause from None
            raise
        except errors.RayError as error:
            said = " ".join(str(error).split())[:300]
            raise LostWorker(
                f"a task of ray's was lost {_RETRIES + 1} times ({type(error).__name__}: {said})"
            ) from error


def _import_ray() -> Any:
    try:
        with handler_of_sigterm_kept(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="pkg_resources is deprecated")
            import ray
    except ImportError as error:
        raise SettingsError(
            f"engine 'ray' needs the package 'ray' (pip install 'recbole_showcase[ray]'): {error}"
        ) from error
    return ray


def _join(ray: Any, address: str | None) -> None:
    named = address or os.environ.get("RAY_ADDRESS") or "local"
    host, _, port = named.rpartition("://")[2].rpartition(":")
    try:
        if host and port.isdigit():  # ray itself tries for more than a minute
            socket.create_connection((host, int(port)), timeout=10).close()
        ray.init(
            named,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            runtime_env={"env_vars": dict.fromkeys(THREADS, "1")},
        )
    except Exception as error:  # ray raises several kinds, for versions that differ for one
        said = " ".join(str(error).split())[:300]
        raise SettingsError(f"ray at '{named}' cannot be used: {said}") from error


def _call(place: bytes, work: Callable[[Any, Task], Result], task: Task) -> Result:
    """Do a task in a process of the cluster."""
    return work(_hand(place), task)


@lru_cache(maxsize=1)  # a process does tasks of one run
def _hand(pickled: bytes) -> Any:
    place: _Place = pickle.loads(pickled)
    try:
        os.chdir(place.folder)
    except OSError as error:
        raise ShowcaseError(
            f"machine {socket.gethostname()} of the cluster has no folder '{place.folder}' "
            f"({error.strerror}): all machines need the same files at the same paths"
        ) from error
    sys.path += [folder for folder in place.path if folder not in sys.path]
    if place.gpu:
        import torch

        torch.cuda.init()  # on the GPU that ray gave; RecBole would choose another
    return place.start()
