"""The parts of a service that runs, put together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from recbole_showcase.recommender import ShowcaseRecommender
from recbole_showcase.serving.batcher import Answer, Batcher
from recbole_showcase.serving.jobs import Job
from recbole_showcase.serving.metrics import Metrics
from recbole_showcase.serving.options import ServeOptions
from recbole_showcase.serving.reloading import Reloader
from recbole_showcase.serving.served import Served
from recbole_showcase.showcase import Showcase

LOG = logging.getLogger("uvicorn.error")
_DECODED_AT_ONCE = 4  # requests whose photos have all their pixels in memory

# What says something about a showcase whose text is late, at once, or None. It runs in a thread of
# its own beside the model's, so it may read what the recommender has, and not ask its model.
Instead = Callable[[ShowcaseRecommender, Showcase], str | None]


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
        instead: Instead | None = None,
    ) -> None:
        """Prepare; nothing runs yet.

        Args:
            served: What answers first.
            options: How it works.
            checkpoint: The file that is watched.
            load: Loads it again.
            instead: Says something where a text is late.
        """
        self.options, self.metrics, self._instead = options, Metrics(), instead
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

    def instead_of_texts(self, served: Served, showcases: list[Showcase]) -> list[str | None]:
        """What is said where texts are late: nothing, unless there is something that says it."""
        said = [self._said_of(served, showcase) for showcase in showcases]
        n_said = sum(text is not None for text in said)
        self.metrics.late.labels("another text").inc(n_said)
        self.metrics.late.labels("photos alone").inc(len(said) - n_said)
        return said

    def _said_of(self, served: Served, showcase: Showcase) -> str | None:
        if self._instead is None:
            return None
        try:
            return self._instead(served.recommender, showcase)
        except Exception:  # photos alone are an answer as well
            LOG.exception("nothing is said in place of a late text")
            return None


def _tell_of_a_fault(task: asyncio.Task[None]) -> None:
    """Log what ended a task that was to run on: nothing else says it, but that we are not live."""
    if not task.cancelled() and (error := task.exception()) is not None:
        LOG.critical("the service is broken and has to be started again", exc_info=error)
