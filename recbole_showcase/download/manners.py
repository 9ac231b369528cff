"""How a host is treated: how many photos at once, when again, and when no more."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0  # seconds
_LONGEST_REST = 600.0  # seconds that a host may ask to be left alone
_GIVEN_UP_AFTER = 100  # photos in a row


class Host:
    """One host and port."""

    def __init__(self, name: str, at_once: int) -> None:
        """Begin with a host that was never asked.

        Args:
            name: For what is said of it.
            at_once: Photos in progress.
        """
        self._name = name
        self._turns = asyncio.Semaphore(at_once)
        self._again_at = 0.0
        self._failed_in_a_row = 0
        self.given_up = ""  # why it is not asked any more

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until the host may be asked for one photo more."""
        async with self._turns:
            while (left := self._again_at - time.monotonic()) > 0:
                await asyncio.sleep(left + random.uniform(0, _FIRST_PAUSE))
            yield

    def rest(self, seconds: float) -> None:
        """Leave it alone for so long, all its photos; it is given up if that is very long."""
        if seconds > _LONGEST_REST:
            self.given_up = f"host given up: {self._name} asks to wait {seconds:,.0f} s"
        else:
            self._again_at = max(self._again_at, time.monotonic() + seconds)

    def answered(self, well: bool) -> None:
        """Count a photo that has got its answer, or none after all tries."""
        self._failed_in_a_row = 0 if well else self._failed_in_a_row + 1
        if self._failed_in_a_row >= _GIVEN_UP_AFTER and not self.given_up:
            last = f"the last {_GIVEN_UP_AFTER} photos of {self._name} failed"
            self.given_up = f"host given up: {last}"


def pause(tries: int) -> float:
    """Seconds until the next try of a photo, by chance: as many at once would come at once again.

    Args:
        tries: That there were, from 1.
    """
    return random.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (tries - 1)))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer asks to wait; None where it does not say, or not so that it is read.

    >>> retry_after({"retry-after": "120"})
    120.0
    >>> retry_after({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"})
    0.0
    >>> retry_after({"retry-after": "soon"})
    """
    told = headers.get("retry-after", "").strip()
    if told.isascii() and told.isdigit():
        return float(told[:12])
    try:
        moment = parsedate_to_datetime(told)
    except (ValueError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
