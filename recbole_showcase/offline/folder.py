"""The folder that showcases are written to: whole parts, and a manifest of them.

A part counts once the manifest names it, and the manifest names it only when it is whole on the
disk. What a killed run leaves beyond that is written again, so nothing is lost and nothing is there
twice.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import NonNegativeInt

from recbole_showcase.errors import DataError
from recbole_showcase.files.replace import replaced
from recbole_showcase.offline.rows import write_table
from recbole_showcase.settings import stored_as

MANIFEST = "manifest.json"
LOCK = ".lock"
_FORMAT = "recbole_showcase.showcases/1"
_NAMED = 10  # how many unknown ids are kept by name
_PART = re.compile(r"part-\d{5,}\.(parquet|jsonl)")


@dataclass
class Unknown:
    """Ids that are asked for and cannot be answered.

    Attributes:
        count: How many times such were asked for.
        first: The first of them, each once.
    """

    count: NonNegativeInt = 0
    first: list[str] = field(default_factory=list)

    def merge(self, later: Unknown) -> None:
        """Count what was found later as well."""
        self.add(later.first, later.count)

    def add(self, tokens: Sequence[str], count: int | None = None) -> None:
        """Count some, in the order in which they were asked for.

        Args:
            tokens: Which.
            count: How many there were, where the tokens are but the first of them.
        """
        self.count += len(tokens) if count is None else count
        room = _NAMED - len(self.first)
        if room and len(tokens):
            self.first += [t for t in dict.fromkeys(tokens) if t not in self.first][:room]


@dataclass(frozen=True)
class Part:
    """A part that counts.

    Attributes:
        file: Its name.
        rows: Showcases in it.
        bytes: Its size.
        asked: How far it reaches, of what was asked for.
    """

    file: str
    rows: NonNegativeInt
    bytes: NonNegativeInt
    asked: NonNegativeInt


@dataclass
class Progress:
    """How far a run has come.

    Attributes:
        asked: Users or given pairs that have been dealt with.
        rows: Showcases written.
        parts: What is there, in order.
        unknown: By kind what was asked for and cannot be answered.
        complete: Whether nothing is left to do.
    """

    asked: NonNegativeInt = 0
    rows: NonNegativeInt = 0
    parts: list[Part] = field(default_factory=list)
    unknown: dict[str, Unknown] = field(default_factory=dict)
    complete: bool = False


@dataclass
class _Told:
    """What else the manifest holds."""

    format: str
    settings: dict[str, Any]


class ShowcaseFolder:
    """Parts of showcases and their manifest.

    Attributes:
        path: The folder.
        progress: What is there.
    """

    def __init__(self, path: Path) -> None:
        """Read what is there; a folder that is not there is made.

        Raises:
            DataError: If something else is in it, or a part is not as it was written.
        """
        self.path = path
        self.progress = Progress()
        self._settings: dict[str, Any] = {}
        path.mkdir(parents=True, exist_ok=True)
        if (path / MANIFEST).is_file():
            self._read()
        elif others := sorted(entry.name for entry in path.iterdir() if not _is_ours(entry.name)):
            raise DataError(
                f"{path} holds '{others[0]}' and no {MANIFEST}: no showcases were begun there; "
                "name a folder that is empty or not there"
            )

    def agree(self, settings: Mapping[str, Any]) -> None:
        """Compare settings with those of the run that began the folder, if one did.

        Args:
            settings: Plain data by name; some of them or all.

        Raises:
            DataError: Naming the first that is another.
        """
        given = json.loads(json.dumps(settings))
        for name, value in given.items() if self._settings else ():
            if (begun := self._settings.get(name)) != value:
                raise DataError(
                    f"{self.path} was begun with {_difference(name, begun, value)}; continue it as "
                    "it was begun, or name another folder"
                )

    def begin(self, settings: Mapping[str, Any]) -> None:
        """Take up the work: keep the settings, and clear parts that never came to count."""
        self.agree(settings)
        self._settings = dict(settings)
        counted = {part.file for part in self.progress.parts}
        for entry in self.path.iterdir():
            if _PART.fullmatch(entry.name) and entry.name not in counted:
                entry.unlink()
        self._save()

    def add(self, table: pa.Table, unknown: Mapping[str, Unknown], asked: int, form: str) -> None:
        """Write a part, then say in the manifest that it counts.

        Args:
            table: Its rows.
            unknown: By kind what could not be answered since the last part.
            asked: How many users or pairs have been dealt with, those of this part among them.
            form: ``parquet`` or ``jsonl``.
        """
        path = self.path / f"part-{len(self.progress.parts):05d}.{form}"
        with replaced(path, sync=True) as partial:
            write_table(table, partial, form)
        size = path.stat().st_size
        part = Part(file=path.name, rows=len(table), bytes=size, asked=asked)
        self.progress.parts.append(part)
        self.progress.rows += len(table)
        self._reach(unknown, asked)
        self._save()

    def finish(self, unknown: Mapping[str, Unknown], asked: int) -> None:
        """Say that nothing is left to do; see :meth:`add`."""
        self._reach(unknown, asked)
        self.progress.complete = True
        self._save()

    def _reach(self, unknown: Mapping[str, Unknown], asked: int) -> None:
        self.progress.asked = asked
        for kind, found in unknown.items():
            self.progress.unknown.setdefault(kind, Unknown()).merge(found)

    def _save(self) -> None:
        manifest = {"format": _FORMAT, "settings": self._settings, **asdict(self.progress)}
        text = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
        with replaced(self.path / MANIFEST, sync=True) as partial:
            partial.write_text(text, encoding="utf-8")
        if os.name == "posix":  # the names reach the disk too
            descriptor = os.open(self.path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _read(self) -> None:
        path = self.path / MANIFEST
        try:
            text = path.read_bytes()
            told = stored_as(_Told, text)
            if told.format != _FORMAT:
                raise ValueError(f"its format is {told.format!r}, not {_FORMAT!r}")
            self._settings, self.progress = told.settings, stored_as(Progress, text)
            for number, part in enumerate(self.progress.parts):
                self._check_part(number, part)
        except (OSError, ValueError) as error:
            raise DataError(
                f"{path} cannot be read: {error}; name another folder, or remove this one"
            ) from error

    def _check_part(self, number: int, part: Part) -> None:
        """Refuse a part that is gone or was changed; a name is one that we give."""
        name = part.file
        if not _PART.fullmatch(name) or not name.startswith(f"part-{number:05d}."):
            raise ValueError(f"part {number} is called {name!r}")
        path = self.path / name
        found = path.stat().st_size if path.is_file() else None
        if found != part.bytes:
            state = "missing" if found is None else f"of {found} bytes"
            raise DataError(
                f"{path} is {state}, and was written with {part.bytes} bytes; name another "
                "folder, or remove this one"
            )


def _is_ours(name: str) -> bool:
    """Whether a run that was killed before its first manifest may have left it."""
    return name == LOCK or name.startswith(f".{MANIFEST}.")


def _difference(name: str, begun: Any, given: Any) -> str:
    """What differs, in the innermost mapping that does."""
    while isinstance(begun, dict) and isinstance(given, dict):
        inner = next(key for key in (*begun, *given) if begun.get(key) != given.get(key))
        name, begun, given = f"{name}.{inner}", begun.get(inner), given.get(inner)
    return f"{name} {begun!r}, and is now given {given!r}"
