"""Texts on their way: how far each request's are, and how many are written at once.

Whoever comes while texts are written waits for their photos until that batch is done. So a batch
is as large as may be written in a part of the deadline, by the time that the ones before took.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from recbole_showcase.data.pairs import Explanations
from recbole_showcase.serving.jobs import Chosen
from recbole_showcase.serving.served import Served

# Of the deadline: who comes while a batch is written has the rest for photos and a text.
_SHARE = 0.25


@dataclass(eq=False)
class Texts:
    """The texts of a request whose photos are chosen.

    Attributes:
        served: Who writes them.
        chosen: The pairs with their photos.
        since: When these were, by the event loop's clock.
        until: When they are of no use any more, by that clock.
        ready: What becomes of them.
    """

    served: Served
    chosen: Chosen
    since: float
    until: float
    ready: asyncio.Future[Explanations]
    _written: list[Explanations] = field(default_factory=list)

    @property
    def left(self) -> int:
        """How many pairs have no text yet."""
        return len(self.chosen.pairs) - sum(len(part.texts) for part in self._written)

    def wanted(self, now: float) -> bool:
        """Whether anybody still waits for them."""
        return not self.ready.done() and self.until > now

    def next_part(self, most: int) -> Chosen:
        """The pairs to write for next."""
        done = len(self.chosen.pairs) - self.left
        return self.chosen.part(done, done + most)

    def add(self, part: Explanations | Exception) -> None:
        """Take what was written of :meth:`next_part`, or why it could not be."""
        if self.ready.done():
            return
        if isinstance(part, Exception):
            self.ready.set_exception(part)
            self.ready.exception()  # seen, should nobody wait any more
            return
        width = self.chosen.photos.shape[1]  # others of the batch may have had more
        photos, relevance = part.photos[:, :width], part.relevance[:, :width]
        self._written.append(replace(part, photos=photos, relevance=relevance))
        if not self.left:
            self.ready.set_result(Explanations.concatenate(self._written, width))


@dataclass(eq=False)
class Pace:
    """How many texts are written at once.

    Time grows more slowly than the number of texts, so that many of them together take less than
    the time of one alone says, and fewer never more than they took: both guesses are safe. Of a
    model that has written nothing yet, one is written first.

    Attributes:
        seconds: That a batch may take.
        largest: The most texts of a batch in any case.
        most: The most texts of the next batch.
    """

    seconds: float
    largest: int
    most: int = 1
    _served: Served | None = None

    @classmethod
    def of(cls, deadline: float, largest: int) -> Pace:
        """For answers that have a deadline, in seconds from when they were asked for."""
        return cls(_SHARE * deadline, largest)

    def of_model(self, served: Served) -> int:
        """The most texts of the next batch, by a model that may be another than the last one."""
        if served is not self._served:
            self._served, self.most = served, 1
        return self.most

    def took(self, texts: int, seconds: float) -> None:
        """Learn from a batch how large the next one may be."""
        fit = int(texts * self.seconds / max(seconds, 1e-9))
        if seconds <= self.seconds:
            fit = max(fit, self.most)  # a small batch says little of a larger one
        self.most = min(max(fit, 1), self.largest)


def taken(queue: Iterable[Texts], most: int) -> list[tuple[Texts, Chosen]]:
    """The first texts of a queue that are of one model, and their pairs, so many in all at most.

    Those of the last of them may be a part of what is left.
    """
    batch: list[tuple[Texts, Chosen]] = []
    for texts in queue:
        if most < 1:
            break
        if batch and texts.served is not batch[0][0].served:
            continue
        part = texts.next_part(most)
        batch.append((texts, part))
        most -= len(part.pairs)
    return batch


def still_wanted(queue: deque[Texts], now: float) -> deque[Texts]:
    """A queue without those that nobody waits for, and those that are done."""
    return deque(texts for texts in queue if texts.wanted(now))
