"""Download the photos of a data set: what is not there goes through a short queue to many tasks."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from recbole_showcase.atomic import PhotoFolder, photo_folder_or_none
from recbole_showcase.console import progress_bar
from recbole_showcase.download.account import Account, Kind, Outcome
from recbole_showcase.download.fetching import Fetcher, make_client
from recbole_showcase.download.hosts import AllowedHosts
from recbole_showcase.download.listing import Listing, Row, look
from recbole_showcase.download.missing import Missing, missing_photos
from recbole_showcase.download.options import DownloadOptions
from recbole_showcase.engines.coroutines import run_to_end
from recbole_showcase.errors import DataError
from recbole_showcase.files.replace import arriving

_MOST_THREADS = 16
_THERE = (Kind.THERE, Kind.FETCHED)


def download_photos(
    dataset_dir: str | Path,
    folder: str | Path | None = None,
    options: DownloadOptions | None = None,
    progress: bool = True,
) -> Account:
    """Fetch the photos that ``.image`` knows by URL and the photo folder does not have.

    An interrupted run goes on where it stopped, ``kill -9`` included: a photo appears whole or not
    at all. Memory does not grow with the number of photos, but for eight bytes each that is gone.

    Args:
        dataset_dir: ``DATA/NAME`` with ``NAME.image``.
        folder: The folder to fill; ``DATA/NAME/photos`` by default.
        options: Sizes, hosts and limits.
        progress: Whether to show a bar.

    Returns:
        The account, also written as ``photos.json``.

    Raises:
        DataError: ``.image`` tells no URLs or is damaged, an option is out of range, the photos
            are in another folder, or another download is at work.
        OSError: The disk is full or cannot be written.
    """
    options = options or DownloadOptions()
    dataset_dir = Path(os.path.abspath(dataset_dir))
    root = _root(dataset_dir, folder)
    listing = Listing(dataset_dir)
    allowed = AllowedHosts(options.hosts)
    with _alone(dataset_dir):
        root.mkdir(exist_ok=True)
        account = Account(root, len(listing), options.recorded())
        started = time.perf_counter()
        try:
            with (
                missing_photos(dataset_dir, options.again) as missing,
                arriving(root) as aside,
                ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_THREADS)) as pool,
                progress_bar(total=account.listed, unit="photo", shown=progress) as bar,
            ):
                job = _Job(listing, PhotoFolder(root), options, account, missing, bar, pool)
                run_to_end(job.run(allowed, aside))
        finally:
            account.seconds = time.perf_counter() - started
            account.write(dataset_dir)
    return account


@contextmanager
def _alone(dataset_dir: Path) -> Iterator[None]:
    """Be the only download of a data set.

    Raises:
        DataError: Another one is at work.
    """
    try:
        with FileLock(dataset_dir / ".photos.lock", timeout=0):
            yield
    except Timeout as error:
        raise DataError(f"another download into {dataset_dir} is at work") from error


def _root(dataset_dir: Path, folder: str | Path | None) -> Path:
    """The folder to fill.

    Raises:
        DataError: One that is named is not there, or the data set's photos are elsewhere.
    """
    if folder is not None:
        return PhotoFolder(os.path.abspath(folder)).root
    own = dataset_dir / "photos"
    if own.is_dir():
        return own
    if os.path.lexists(own):
        raise DataError(f"{own} is there and is no folder")
    if (elsewhere := photo_folder_or_none(dataset_dir)) is not None:
        raise DataError(
            f"the photos of {dataset_dir} are in {elsewhere.root}, as conversion.json says: name "
            f"it with --photos to add to it, or make the folder {own} to begin anew"
        )
    return own


@dataclass
class _Job:
    """One download while it runs."""

    listing: Listing
    photos: PhotoFolder
    options: DownloadOptions
    account: Account
    missing: Missing
    bar: Any
    pool: ThreadPoolExecutor

    async def run(self, allowed: AllowedHosts, aside: Path) -> None:
        """Go through all rows."""
        queue: asyncio.Queue[tuple[Row, Path]] = asyncio.Queue(self.options.at_once)
        async with make_client(self.options) as client:
            fetcher = Fetcher(client, allowed, self.options, aside, self.pool)
            workers = [
                asyncio.create_task(self._work(queue, fetcher)) for _ in range(self.options.at_once)
            ]
            feeding = asyncio.create_task(self._feed(queue))
            try:
                # Workers have no end: the first to be done is the feeding, or one with an error.
                done, _ = await asyncio.wait(
                    [feeding, *workers], return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    task.result()
            finally:
                for task in (feeding, *workers):
                    task.cancel()
                await asyncio.gather(feeding, *workers, return_exceptions=True)

    async def _feed(self, queue: asyncio.Queue[tuple[Row, Path]]) -> None:
        """Put what is to be asked for in the queue, and wait until all of it is done."""
        loop = asyncio.get_running_loop()
        for block in self.listing.blocks():
            found = await loop.run_in_executor(
                self.pool, look, block, self.photos, self.missing.was_gone
            )
            for row, known in found:
                if isinstance(known, Path):
                    await queue.put((row, known))
                else:
                    # What was gone before has its line from then.
                    self._settle(row, known, told=known.kind is not Kind.GONE)
        await queue.join()

    async def _work(self, queue: asyncio.Queue[tuple[Row, Path]], fetcher: Fetcher) -> None:
        while True:
            row, place = await queue.get()
            self._settle(row, await fetcher.fetch(row.url, place))
            queue.task_done()

    def _settle(self, row: Row, outcome: Outcome, told: bool = True) -> None:
        self.account.add(row.image_id, outcome)
        if told and outcome.kind not in _THERE:
            self.missing.add(row, outcome)
        self.bar.update()
