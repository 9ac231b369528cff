"""The account of a conversion: what was read, what was kept, and why the rest was not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recbole_showcase.atomic.photos import CONVERSION_FILE
from recbole_showcase.errors import DataError
from recbole_showcase.files.plain import read_json

if TYPE_CHECKING:
    from rich.table import Table

FORMAT = "recbole_showcase conversion 1"
SHOWN_LINES = 10


@dataclass(frozen=True)
class Source:
    """A file that was read."""

    path: str
    bytes: int


@dataclass(frozen=True)
class BrokenLine:
    """A line that is no JSON object."""

    path: str
    line: int
    begins: str


@dataclass(frozen=True)
class Account:
    """What a conversion did; stands as ``conversion.json`` beside the atomic files.

    Attributes:
        converter: Which layout was read.
        rows_read: Rows of the sources, broken lines included.
        rows_kept: Rows of the ``.inter`` file (or of its three parts).
        dropped: Rows dropped, by reason, in the order in which the reasons are tried.
        users: Users kept.
        items: Items kept.
        reviews_with_text: Rows of the ``.review`` file.
        photos: Rows of the ``.image`` file.
        photos_gone: Photos of kept reviews that the photo folder does not have.
        parts: Rows of each part of ``.inter``, where it has parts.
        others: What became of the rows of other files or lists, such as metadata or photos: for
            each kind how many were ``read``, and of these how many met which fate.
        broken_lines: The first lines that are no JSON objects.
        photo_folder: Folder of the photos, absolute; ``None`` if none was given.
        options: The options of the conversion.
        sources: The files read.
        version: Version of this package.
        notes: What a user of the data set has to know.
    """

    converter: str
    rows_read: int
    rows_kept: int
    dropped: dict[str, int]
    users: int
    items: int
    reviews_with_text: int
    photos: int
    photos_gone: int
    parts: dict[str, int] = field(default_factory=dict)
    others: dict[str, dict[str, int]] = field(default_factory=dict)
    broken_lines: tuple[BrokenLine, ...] = ()
    photo_folder: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    sources: tuple[Source, ...] = ()
    version: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.rows_read != self.rows_kept + sum(self.dropped.values()):
            raise DataError(
                f"the account does not add up: {self.rows_read} rows read, "
                f"{self.rows_kept} kept, {sum(self.dropped.values())} dropped"
            )
        for kind, fates in self.others.items():
            told_of = sum(count for fate, count in fates.items() if fate != "read")
            if fates["read"] != told_of:
                raise DataError(
                    f"the account of {kind} does not add up: {fates['read']} read, {fates}"
                )

    def write(self, folder: Path) -> None:
        """Write ``conversion.json``."""
        content = {"format": FORMAT, **asdict(self)}
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        (folder / CONVERSION_FILE).write_text(text, encoding="utf-8")

    def table(self) -> Table:
        """Return the account as a table for the terminal."""
        from rich.table import Table

        table = Table(title="Conversion", show_header=False, title_justify="left")
        table.add_column(no_wrap=True)
        table.add_column(justify="right")
        table.add_row("[bold]rows read", f"[bold]{self.rows_read:,}")
        for reason, count in self.dropped.items():
            if count:
                table.add_row(f"  − {reason}", f"{count:,}")
        table.add_row("[bold]rows kept", f"[bold]{self.rows_kept:,}", end_section=True)
        for part, count in self.parts.items():
            table.add_row(f"  {part}", f"{count:,}")
        for label, count in (
            ("users", self.users),
            ("items", self.items),
            ("reviews with text", self.reviews_with_text),
            ("photos", self.photos),
            ("photos gone", self.photos_gone),
        ):
            table.add_row(label, f"{count:,}")
        for kind, fates in self.others.items():
            table.add_section()
            table.add_row(f"[bold]{kind} read", f"[bold]{fates['read']:,}")
            for fate, count in fates.items():
                if count and fate != "read":
                    table.add_row(f"  {'' if fate == 'kept' else '− '}{fate}", f"{count:,}")
        return table


def told(broken: Sequence[BrokenLine]) -> str:
    """The first broken lines, to stand at the end of an error; nothing if there are none."""
    lines = ", ".join(f"{line.path}:{line.line}: {line.begins!r}" for line in broken)
    return f"; broken lines: {lines}" if lines else ""


def sources_of(paths: Sequence[Path]) -> tuple[Source, ...]:
    """Name the files read, with their sizes."""
    return tuple(Source(str(path), path.stat().st_size) for path in paths)


def is_ours(folder: Path) -> bool:
    """Whether a folder was written by a converter of this package."""
    try:
        content = read_json(folder / CONVERSION_FILE)
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("format") == FORMAT
