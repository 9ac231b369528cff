"""A checkpoint that changes on the disk is loaded beside the one that answers, and takes its place.

The file is looked at by time and size, and read only when these have changed and stay as they are.
What cannot be loaded changes nothing: the old one goes on answering.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path

from recbole_showcase.encoders.store import digest_of_file
from recbole_showcase.errors import one_line
from recbole_showcase.serving.batcher import Batcher
from recbole_showcase.serving.metrics import Metrics
from recbole_showcase.serving.served import Served

LOG = logging.getLogger("uvicorn.error")
_STILL = 0.2  # seconds in which a file that is whole does not change
Mark = tuple[int, int, int] | None  # time, size and place of a file; None if it is not there


class Reloader:
    """Keeps a service at the newest checkpoint that can be loaded."""

    def __init__(
        self,
        checkpoint: Path,
        load: Callable[[], Served],
        batcher: Batcher,
        metrics: Metrics,
        seconds: float,
    ) -> None:
        """Remember what the file looks like.

        Args:
            checkpoint: The file to look at.
            load: Loads it; runs in a thread.
            batcher: Whose model is replaced.
            metrics: What is counted.
            seconds: Between two looks; 0 looks when asked alone.
        """
        self._checkpoint, self._load = checkpoint, load
        self._batcher, self._metrics, self._seconds = batcher, metrics, seconds
        self._asked = asyncio.Event()
        self._seen = mark_of(checkpoint)

    def ask(self) -> None:
        """Load the checkpoint now, whether or not it has changed: the data may have."""
        self._asked.set()

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(self._seconds or None):
                    await self._asked.wait()
            except TimeoutError:
                pass
            asked = self._asked.is_set()
            self._asked.clear()
            await self.look(asked)

    async def look(self, asked: bool = False) -> None:
        """Load the file if it has changed and is whole, or if that is asked for."""
        mark = mark_of(self._checkpoint)
        if not asked and (mark == self._seen or mark is None):
            return
        await asyncio.sleep(_STILL)
        if mark != mark_of(self._checkpoint):  # it is being written: the next look tells
            if asked:
                self._asked.set()
            return
        self._seen = mark
        try:
            digest = await asyncio.to_thread(digest_of_file, self._checkpoint)
            if not asked and digest == self._batcher.served.digest:
                self._metrics.reloads.labels("unchanged").inc()
                return
            served = await asyncio.to_thread(self._load)
        except Exception as error:  # whatever is wrong with it, the old one is still good
            self._metrics.reloads.labels("failed").inc()
            LOG.error("%s was not loaded, the old one stays: %s", self._checkpoint, _said(error))
            return
        self._batcher.served = served
        self._metrics.serve(served.model, served.data)
        self._metrics.reloads.labels("swapped").inc()
        LOG.info("now serving %s", served.model)


def mark_of(path: Path) -> Mark:
    """What tells, without reading it, whether a file may have changed."""
    try:
        about = os.stat(path)
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size, about.st_ino


def _said(error: Exception) -> str:
    return one_line(f"{type(error).__name__}: {error}")[:500]
