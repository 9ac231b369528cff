"""A line for each photo that is not there and why, which the next run reads for those gone."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from recbole_showcase.download.account import Kind, Outcome
from recbole_showcase.download.listing import Row
from recbole_showcase.files.plain import parse_json
from recbole_showcase.files.replace import replaced

MISSING_FILE = "photos.missing.jsonl"


class Missing:
    """The file while a run writes it, and what an earlier one found to be gone."""

    def __init__(self, file: IO[str], gone: np.ndarray) -> None:
        """Go on in a file.

        Args:
            file: To append to.
            gone: Marks (G,) of URLs that were gone, sorted, uint64: eight bytes each.
        """
        self._file = file
        self._gone = gone

    def was_gone(self, url: str) -> bool:
        """Whether an earlier run was told so."""
        mark = np.uint64(_mark(url))
        at = int(np.searchsorted(self._gone, mark))
        return at < len(self._gone) and bool(self._gone[at] == mark)

    def add(self, row: Row, outcome: Outcome) -> None:
        """Write down that a photo is not there; ``kill -9`` loses no line that is written."""
        line = {"image_id": row.image_id, "url": row.url, "what": outcome.kind, "why": outcome.why}
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._file.flush()


@contextmanager
def missing_photos(dataset_dir: Path, again: bool) -> Iterator[Missing]:
    """Open the file of a data set, in which only what was gone stays from earlier runs.

    Args:
        dataset_dir: ``DATA/NAME``.
        again: Whether to forget what was gone too.
    """
    path = dataset_dir / MISSING_FILE
    marks = array("Q")
    with replaced(path) as partial, partial.open("w", encoding="utf-8") as new:
        for line, url in () if again else _gone_lines(path):
            marks.append(_mark(url))
            new.write(line)
    gone = np.unique(np.frombuffer(marks, dtype=np.uint64))
    with path.open("a", encoding="utf-8") as file:
        yield Missing(file, gone)


def _gone_lines(path: Path) -> Iterator[tuple[str, str]]:
    """Lines of an earlier file that are of photos that were gone, and their URLs."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                told = parse_json(line)
            except ValueError:  # the last line of a run that was killed
                continue
            if isinstance(told, dict) and told.get("what") == Kind.GONE:
                url = told.get("url")
                if isinstance(url, str):
                    yield line if line.endswith("\n") else f"{line}\n", url


def _mark(url: str) -> int:
    digest = hashlib.blake2b(url.encode(errors="replace"), digest_size=8).digest()
    return int.from_bytes(digest)
