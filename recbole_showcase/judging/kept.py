"""Answers kept as they come, one a line behind the others, so that none is asked for twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from recbole_showcase.errors import DataError
from recbole_showcase.files.replace import sync_to_disk
from recbole_showcase.judging.asking import Answer
from recbole_showcase.settings import stored_as

_SYNCED = 64  # answers that a power cut may cost


@dataclass(frozen=True)
class _Line(Answer):
    key: str = ""


class KeptAnswers:
    """The answers of a file by the keys of their questions.

    A kill costs what was not yet written; a last line that it cut off is cleared. Whoever changes
    the prompt, the judge or a pair asks other questions, and the earlier answers stay.
    """

    def __init__(self, file: IO[bytes], answers: dict[str, Answer]) -> None:
        """Take up a file; :meth:`opened` does it."""
        self._file, self._answers, self._written = file, answers, 0

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[KeptAnswers]:
        """Read a file, or begin it, and keep others from writing to it meanwhile.

        Raises:
            DataError: A line is damaged, or another run is at work on the file.
        """
        lock = FileLock(path.with_name(f".{path.name}.lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise DataError(f"{path}: another run is at work on it") from error
        try:
            with path.open("a+b") as file:
                kept = cls(file, dict(_lines(file, path)))
                try:
                    yield kept
                finally:
                    sync_to_disk(file)
        finally:
            lock.release()

    def __contains__(self, key: str) -> bool:
        return key in self._answers

    def __getitem__(self, key: str) -> Answer:
        return self._answers[key]

    def add(self, key: str, answer: Answer) -> None:
        """Write an answer before anything else is done with it."""
        line = json.dumps({"key": key, **asdict(answer)}, ensure_ascii=True)
        self._file.write(line.encode() + b"\n")
        self._file.flush()
        self._answers[key] = answer
        self._written += 1
        if self._written % _SYNCED == 0:
            sync_to_disk(self._file)


def _lines(file: IO[bytes], path: Path) -> Iterator[tuple[str, Answer]]:
    """The answers of a file, which is cut behind its last whole line."""
    file.seek(0)
    whole = 0
    for number, line in enumerate(file, 1):
        if not line.endswith(b"\n"):
            break
        try:
            found = stored_as(_Line, line)
        except ValueError as error:
            raise DataError(f"{path}, line {number}: {error}; delete the line") from error
        whole += len(line)
        values = asdict(found)
        yield values.pop("key"), Answer(**values)
    file.truncate(whole)
