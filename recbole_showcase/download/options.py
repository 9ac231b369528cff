"""What may be chosen about a download."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

from recbole_showcase.arguments import check_count
from recbole_showcase.errors import DataError
from recbole_showcase.files.limits import PIXEL_LIMIT

# CLIP models look at 224 to 336 pixels of the shorter side: a photo of 4:3 has 336 of 448.
PIXELS = 448
MOST_PIXELS = 16_383  # of a side, in a JPEG of Google's


@dataclass(frozen=True, kw_only=True)
class DownloadOptions:
    """Options of ``download_photos``.

    Attributes:
        pixels: Of the longer side, where a host is known to offer sizes; 0 for URLs as they stand.
        hosts: Hosts beyond the usual ones: ``HOST``, ``*.DOMAIN`` or ``http://HOST:PORT``.
        at_once: Photos in progress.
        per_host: Of one host.
        tries: How often a photo is asked for.
        timeout: Seconds that one answer may take, from connecting to its last byte.
        max_bytes: Length of the longest answer that is taken.
        pixel_limit: Width times height above which a photo is refused.
        again: Ask once more for photos that were gone.
    """

    pixels: int = PIXELS
    hosts: tuple[str, ...] = ()
    at_once: int = 32
    per_host: int = 16
    tries: int = 5
    timeout: float = 30.0
    max_bytes: int = 20_000_000
    pixel_limit: int = PIXEL_LIMIT
    again: bool = False

    def __post_init__(self) -> None:
        check_count(
            DataError,
            at_once=self.at_once,
            per_host=self.per_host,
            tries=self.tries,
            max_bytes=self.max_bytes,
            pixel_limit=self.pixel_limit,
        )
        if self.pixels != 0:
            check_count(DataError, pixels=self.pixels)
        if self.pixels > MOST_PIXELS:
            raise DataError(f"pixels is {self.pixels}; allowed: {MOST_PIXELS:,} at most")
        if not isinstance(self.timeout, Real) or not 0 < self.timeout < float("inf"):
            raise DataError(f"timeout is {self.timeout!r}; allowed: a number of seconds above 0")

    def recorded(self) -> dict[str, Any]:
        """The options that decide which photos are there in the end."""
        return {"pixels": self.pixels, "hosts": list(self.hosts), "max_bytes": self.max_bytes,
                "pixel_limit": self.pixel_limit}  # fmt: skip
