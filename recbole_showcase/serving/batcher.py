"""Requests gathered into batches for the one thread that works with the model.

All of the state belongs to the event loop; the thread is handed one batch at a time. Photos come
first: whoever has arrived gets photos chosen before the next texts are written, so that an answer
without its text waits for one batch of texts at most, which :class:`.writing.Pace` keeps short.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from recbole_showcase.data.pairs import Explanations
from recbole_showcase.serving.jobs import Chosen, Job, choose, write
from recbole_showcase.serving.metrics import Metrics
from recbole_showcase.serving.options import ServeOptions
from recbole_showcase.serving.refusals import Full
from recbole_showcase.serving.schemas import Missing
from recbole_showcase.serving.served import Served
from recbole_showcase.serving.writing import Pace, Texts, still_wanted, taken
from recbole_showcase.showcase import Showcase

LOG = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(eq=False)
class _Ticket:
    """A request on its way."""

    job: Job
    wants_photos: bool
    arrived: float
    photos: asyncio.Future[tuple[Served, Chosen]]
    given_up: bool = False  # nobody waits for it any more


@dataclass(frozen=True)
class Answer:
    """What became of a job when its time was up.

    Attributes:
        served: Who answered.
        chosen: The pairs with their photos.
        written: Of the pairs: what was written, or quoted where that was late or failed; None where
            no text was asked for, or nothing can be quoted.
        missing: Why what was written is not there; None if it is, or was not asked for.
    """

    served: Served
    chosen: Chosen
    written: Explanations | None
    missing: Missing | None = None

    def showcases(self) -> list[Showcase]:
        """The pairs that can be answered, for people to read."""
        return self.chosen.showcases(self.served, self.written)


@dataclass(eq=False)
class Batcher:
    """Batches jobs for a model, which may be replaced meanwhile.

    Attributes:
        served: What answers jobs from now on; those that have photos keep the model that chose
            them.
        options: How much at once.
        metrics: What is counted.
    """

    served: Served
    options: ServeOptions
    metrics: Metrics
    _new: deque[_Ticket] = field(default_factory=deque)
    _to_write: deque[Texts] = field(default_factory=deque)
    _work: asyncio.Event = field(default_factory=asyncio.Event)
    _more: asyncio.Event = field(default_factory=asyncio.Event)
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="model")
    )
    _waiting: int = 0
    _last_written: float = -math.inf
    _closing: bool = False

    def __post_init__(self) -> None:
        """Begin with short batches of texts."""
        self._pace = Pace.of(self.options.deadline, self.options.max_batch)

    async def answer(
        self, job: Job, deadline: float, *, photos: bool = True, text: bool = True
    ) -> Answer:
        """Have a job done.

        Args:
            job: What is asked.
            deadline: Seconds from now after which its text is not waited for.
            photos: Whether photos are wanted.
            text: Whether a text is wanted.

        Raises:
            Full: If too much is waiting already.
            NotFound: If it asks for what there is not.
        """
        size = job.size
        if self._waiting and self._waiting + size > self.options.capacity:
            self.metrics.rejected.labels("full").inc()
            raise Full("too much is asked for at once; ask again later")
        loop = asyncio.get_running_loop()
        until = loop.time() + deadline
        ticket = _Ticket(job, photos, loop.time(), loop.create_future())
        self._count(size)
        self._new.append(ticket)
        self._work.set()
        self._more.set()
        try:
            served, chosen = await ticket.photos
            if not text:
                return Answer(served, chosen, None)
            texts = Texts(served, chosen, loop.time(), until, loop.create_future())
            self._to_write.append(texts)
            self._work.set()
            try:
                async with asyncio.timeout_at(until):
                    written = await texts.ready  # cancelled where nobody waits any more
            except TimeoutError:
                return self._without_text(served, chosen, "late")
            except Exception:  # whatever a model does wrong: its photos are good all the same
                LOG.exception("%d texts could not be written", len(chosen.pairs))
                return self._without_text(served, chosen, "failed")
            return Answer(served, chosen, written)
        finally:
            ticket.given_up = True
            self._count(-size)
            self.metrics.stages.labels("total").observe(loop.time() - ticket.arrived)

    async def run(self) -> None:
        """Work until closed and everything that was accepted is done."""
        while not (self._closing and not self._waiting):
            if self._new:
                await self._choose(await self._gather())
                self._forget_given_up()
            elif self._to_write:
                if await self._nobody_joins():
                    await self._write()
            else:
                self._work.clear()
                await self._work.wait()
        self._thread.shutdown()

    def close(self) -> None:
        """Have ``run`` end when what was accepted is answered."""
        self._closing = True
        self._work.set()

    def _count(self, size: int) -> None:
        self._waiting += size
        self.metrics.waiting.set(self._waiting)
        if self._closing:
            self._work.set()

    def _without_text(self, served: Served, chosen: Chosen, missing: Missing) -> Answer:
        """The photos, and quotes where there are some."""
        quotes = 0 if chosen.quoted is None else sum(map(bool, chosen.quoted.texts))
        counted = self.metrics.late if missing == "late" else self.metrics.failed
        counted.labels("quote").inc(quotes)
        counted.labels("photos alone").inc(len(chosen.pairs) - quotes)
        return Answer(served, chosen, chosen.quoted, missing)

    async def _gather(self) -> list[_Ticket]:
        """The next batch to choose photos for, once it is full or its first has waited enough."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(self._new[0].arrived + self.options.max_wait):
                while sum(t.job.size for t in self._new) < self.options.max_batch:
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            pass
        batch = _first(self._new, self.options.max_batch, lambda ticket: ticket.job.size)
        for ticket in batch:
            self.metrics.stages.labels("queue").observe(loop.time() - ticket.arrived)
        return [ticket for ticket in batch if not ticket.given_up]

    async def _nobody_joins(self) -> bool:
        """Whether the next texts are to be written now; else somebody has come for photos first.

        Who has just been answered often asks again at once. Without a moment for them, clients
        would part into two halves that wait for each other, each with half a batch.
        """
        first = self._to_write[0]
        if sum(texts.left for texts in self._to_write) >= self._pace.of_model(first.served):
            return True
        chosen = max(first.since, self._last_written)
        self._more.clear()
        try:
            async with asyncio.timeout_at(chosen + self.options.max_wait):
                await self._more.wait()
        except TimeoutError:
            return True
        return False

    def _forget_given_up(self) -> None:
        """Drop what nobody waits for: while there are always photos to choose, it would pile up."""
        self._to_write = still_wanted(self._to_write, asyncio.get_running_loop().time())

    async def _choose(self, tickets: list[_Ticket]) -> None:
        served = self.served
        for wants in (True, False):
            some = [ticket for ticket in tickets if ticket.wants_photos is wants]
            if some:
                self.metrics.batches.labels("photos").observe(sum(t.job.size for t in some))
            found = await self._in_thread(
                partial(choose, served, metrics=self.metrics, photos=wants),
                [ticket.job for ticket in some],
            )
            for ticket, result in zip(some, found, strict=True):
                _give(
                    ticket.photos,
                    result if isinstance(result, Exception) else (served, result),
                )

    async def _write(self) -> None:
        """Write the next batch of texts, all by one model; what is left of a request waits on."""
        self._forget_given_up()
        if not self._to_write:
            return
        loop = asyncio.get_running_loop()
        served = self._to_write[0].served
        batch = taken(self._to_write, self._pace.of_model(served))
        size = sum(len(part.pairs) for _, part in batch)
        self.metrics.batches.labels("text").observe(size)
        before = loop.time()
        work = partial(write, served, metrics=self.metrics)
        found = await self._in_thread(work, [part for _, part in batch])
        self._last_written = loop.time()
        self._pace.took(size, self._last_written - before)
        for (texts, _), result in zip(batch, found, strict=True):
            texts.add(result)
        self._forget_given_up()

    async def _in_thread(
        self, work: Callable[[Sequence[Any]], Sequence[Any]], batch: Sequence[Any]
    ) -> Sequence[Any]:
        """The results of a batch; where it fails, of each by itself, so that one fails alone."""
        loop = asyncio.get_running_loop()
        if not batch:
            return []
        try:
            return await loop.run_in_executor(self._thread, work, batch)
        except Exception as error:
            if len(batch) == 1:
                return [error]
        return [(await self._in_thread(work, [each]))[0] for each in batch]


def _first(queue: deque[T], most: int, size: Callable[[T], int]) -> list[T]:
    """Take the first of a queue, at least one, as many as are not too large together."""
    taken, total = [queue.popleft()], 0
    total = size(taken[0])
    while queue and total + size(queue[0]) <= most:
        total += size(queue[0])
        taken.append(queue.popleft())
    return taken


def _give(future: asyncio.Future[Any], result: Any) -> None:
    """Give a result or an error to whoever still waits for it."""
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
        future.exception()  # seen, should nobody wait any more
    else:
        future.set_result(result)
