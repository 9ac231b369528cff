"""The parts of a service that runs, put together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from recbole_showcase.serving.batcher import Answer, Batcher
from recbole_showcase.serving.jobs import Job
from recbole_showcase.serving.metrics import Metrics
from recbole_showcase.serving.options import ServeOptions
from recbole_showcase.serving.reloading import Reloader
from recbole_showcase.serving.served import Served

LOG = logging.getLogger("uvicorn.error")
_DECODED_AT_ONCE = 4  # requests whose photos have all their pixels in memory


class Service:
    """A model that answers, what it counts, and what watches its checkpoint.

    Attributes:
        batcher: What has jobs done.
        metrics: What is counted.
        options: How it works.
        reloader: What watches the checkpoint.
        decoding: Held by a request while its photos are decoded.
    """

    def __init__(
        self,
        served: Served,
        options: ServeOptions,
        checkpoint: Path,
        load: Callable[[], Served],
    ) -> None:
        """Prepare; nothing runs yet.

        Args:
            served: What answers first.
            options: How it works.
            checkpoint: The file that is watched.
            load: Loads it again.
        """
        self.options, self.metrics = options, Metrics()
        self.batcher = Batcher(served, options, self.metrics)
        self.reloader = Reloader(checkpoint, load, self.batcher, self.metrics, options.watch)
        self.metrics.serve(served.model, served.data)
        self.decoding = asyncio.Semaphore(_DECODED_AT_ONCE)
        self._tasks: list[asyncio.Task[None]] = []
        self._closing = False

    @property
    def works(self) -> bool:
        """Whether nothing that has to run has ended."""
        return not any(task.done() for task in self._tasks)

    @property
    def ready(self) -> bool:
        """Whether requests may come."""
        return bool(self._tasks) and self.works and not self._closing

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work; at the end what was accepted is answered first."""
        work = asyncio.create_task(self.batcher.run())
        watch = asyncio.create_task(self.reloader.run())
        self._tasks = [work, watch]
        for task in self._tasks:
            task.add_done_callback(_tell_of_a_fault)
        try:
            yield
        finally:
            self._closing = True
            self.batcher.close()
            watch.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def answer(self, job: Job, deadline_ms: int | None, explain: bool = True) -> Answer:
        """Have a job done in its time; see :meth:`Batcher.answer`."""
        deadline = self.options.deadline if deadline_ms is None else deadline_ms / 1000
        return await self.batcher.answer(job, deadline, photos=explain, text=explain)


def _tell_of_a_fault(task: asyncio.Task[None]) -> None:
    """Log what ended a task that was to run on: nothing else says it, but that we are not live."""
    if not task.cancelled() and (error := task.exception()) is not None:
        LOG.critical("the service is broken and has to be started again", exc_info=error)
