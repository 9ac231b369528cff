"""The account of a download: what is there now, and what is not and why."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from recbole_showcase.files.replace import replace_text
from recbole_showcase.resources import __version__

ACCOUNT_FILE = "photos.json"
FORMAT = "recbole_showcase photos 1"
_EXAMPLES = 10


class Kind(StrEnum):
    """What becomes of a photo."""

    THERE = "there before"
    FETCHED = "fetched"
    GONE = "gone"
    REFUSED = "refused"
    NO_IMAGE = "not an image"
    FAILED = "failed"
    NO_URL = "without a URL"


@dataclass(frozen=True)
class Outcome:
    """What became of one photo.

    Attributes:
        kind: Of the table in docs/data-format.md.
        why: The reason where it is not there; what stands before the first colon is counted.
        size: Bytes that were fetched.
    """

    kind: Kind
    why: str = ""
    size: int = 0


@dataclass
class Account:
    """What a download did; stands as ``photos.json`` in the data set's folder.

    Attributes:
        folder: The photo folder.
        listed: Rows of ``.image``.
        options: The options that decide which photos are there in the end.
        counts: Photos of each kind; those that were looked at.
        reasons: Of the kinds that are not there, how often for which reason.
        examples: Of each of those kinds, the first photos and why.
        bytes: Fetched.
        seconds: Taken.
    """

    folder: Path
    listed: int
    options: dict[str, Any]
    counts: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(Kind, 0))
    reasons: dict[Kind, Counter[str]] = field(default_factory=dict)
    examples: dict[Kind, dict[str, str]] = field(default_factory=dict)
    bytes: int = 0
    seconds: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether all of ``.image`` was gone through."""
        return sum(self.counts.values()) == self.listed

    @property
    def there(self) -> int:
        """Photos that are there now."""
        return self.counts[Kind.THERE] + self.counts[Kind.FETCHED]

    @property
    def unfinished(self) -> int:
        """Photos that may come if they are asked for again."""
        return self.counts[Kind.FAILED] + self.counts[Kind.NO_IMAGE]

    def add(self, image_id: str, outcome: Outcome) -> None:
        """Count a photo."""
        self.counts[outcome.kind] += 1
        self.bytes += outcome.size
        if not outcome.why:
            return
        reason = outcome.why.partition(":")[0]
        self.reasons.setdefault(outcome.kind, Counter())[reason] += 1
        named = self.examples.setdefault(outcome.kind, {})
        if len(named) < _EXAMPLES:
            named[image_id] = outcome.why

    def write(self, folder: Path) -> None:
        """Write ``photos.json``, whole or not at all."""
        content = {
            "format": FORMAT,
            "version": __version__,
            "folder": str(self.folder),
            "listed": self.listed,
            "complete": self.complete,
            "counts": self.counts,
            "reasons": self.reasons,
            "examples": self.examples,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
            "options": self.options,
        }
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        replace_text(folder / ACCOUNT_FILE, text)
