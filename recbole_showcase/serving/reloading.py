"""A checkpoint or data that changes on the disk is loaded beside what answers, and takes its place.

Files are looked at by time and size, and read only when these have changed and stay as they are. A
new checkpoint is loaded with its data; where the data alone has moved on, the model stays and its
data is read again. What cannot be loaded changes nothing: the old one goes on answering.
"""

from __future__ import annotations

import asyncio
import contextlib
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
    """Keeps a service at the newest checkpoint and data that can be loaded."""

    def __init__(
        self,
        checkpoint: Path,
        load: Callable[[], Served],
        batcher: Batcher,
        metrics: Metrics,
        seconds: float,
    ) -> None:
        """Remember what the files look like.

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
        self._busy = asyncio.Lock()  # one is loaded at a time
        self._seen = self._marks()

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
        """Load what has changed and is whole, or the checkpoint if that is asked for."""
        marks = self._marks()
        if not asked and not self._changed(marks):
            return
        await asyncio.sleep(_STILL)
        if marks != self._marks():  # something is being written: the next look tells
            if asked:
                self._asked.set()
            return
        checkpoint, data = (
            new is not None and new != old for new, old in zip(marks, self._seen, strict=True)
        )
        # What is not there for now may come back as it was.
        self._seen = (marks[0] or self._seen[0], marks[1] or self._seen[1])
        async with self._busy:
            loaded = False
            with contextlib.suppress(Exception):  # it has been said
                loaded = await self._load_again(asked, checkpoint)
            if data and not loaded:
                with contextlib.suppress(Exception):
                    await self._read_again()

    async def refresh(self) -> Served:
        """Read the data again now, and give what is served from then on.

        Raises:
            ShowcaseError: It cannot be served as it is; what answered goes on.
        """
        async with self._busy:
            data = self._marks()[1]
            served = await self._read_again()
            self._seen = (self._seen[0], data or self._seen[1])
            return served

    async def _load_again(self, asked: bool, changed: bool) -> bool:
        """Load the checkpoint if that is asked for, or if it is another one; whether it was."""
        if not asked and not changed:
            return False
        if not asked:
            try:
                digest = await asyncio.to_thread(digest_of_file, self._checkpoint)
            except OSError as error:
                self._failed(self._checkpoint, error)
                return False
            if digest == self._batcher.served.digest:
                self._metrics.reloads.labels("unchanged").inc()
                return False
        await self._swap(self._load, self._checkpoint)
        return True

    async def _read_again(self) -> Served:
        """Serve what the data set's files hold now, by the model that is there."""
        served = self._batcher.served
        return await self._swap(served.refreshed, served.recommender.data_folder)

    async def _swap(self, load: Callable[[], Served], path: Path) -> Served:
        """Serve what is loaded from a file or a folder, or say why not and go on."""
        try:
            served = await asyncio.to_thread(load)
        except Exception as error:  # whatever is wrong with it, the old one is still good
            self._failed(path, error)
            raise
        self._batcher.served = served
        self._metrics.serve(served.model, served.data)
        self._metrics.reloads.labels("swapped").inc()
        LOG.info("now serving %s from %s", served.model, served.data)
        return served

    def _failed(self, path: Path, error: Exception) -> None:
        self._metrics.reloads.labels("failed").inc()
        LOG.error("%s was not loaded, the old one stays: %s", path, _said(error))

    def _marks(self) -> tuple[Mark, Mark]:
        """What the checkpoint and the data look like."""
        return mark_of(self._checkpoint), mark_of(self._batcher.served.account)

    def _changed(self, marks: tuple[Mark, Mark]) -> bool:
        return any(new not in (None, old) for new, old in zip(marks, self._seen, strict=True))


def mark_of(path: Path) -> Mark:
    """What tells, without reading it, whether a file may have changed."""
    try:
        about = os.stat(path)
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size, about.st_ino


def _said(error: Exception) -> str:
    return one_line(f"{type(error).__name__}: {error}")[:500]
