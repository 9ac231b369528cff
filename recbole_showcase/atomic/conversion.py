"""The frame of every conversion: a database, a folder that appears whole, an account."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from recbole_showcase.atomic import tables
from recbole_showcase.atomic.account import Account, BrokenLine, is_ours, sources_of
from recbole_showcase.atomic.engine import Selection, connect, first_line
from recbole_showcase.atomic.options import RunOptions
from recbole_showcase.atomic.photos import CONVERSION_FILE, PhotoFolder
from recbole_showcase.atomic.sql import interruptible
from recbole_showcase.errors import DataError
from recbole_showcase.files.replace import replaced_folder
from recbole_showcase.resources import __version__

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Run:
    """One conversion while it runs.

    Attributes:
        connection: Its database.
        scratch: Folder for what is needed on the way.
        stem: The files are ``<stem>.inter`` and so on.
        options: What to keep.
        folder: The photos, if they are on this machine.
    """

    connection: duckdb.DuckDBPyConnection
    scratch: Path
    stem: Path
    options: RunOptions
    folder: PhotoFolder | None

    def finish(
        self,
        converter: str,
        selection: Selection,
        sources: Sequence[Path],
        broken: tuple[BrokenLine, ...] = (),
        parts: dict[str, int] | None = None,
        notes: tuple[str, ...] = (),
        beside: Sequence[Callable[[duckdb.DuckDBPyConnection], None]] = (),
        reviews: Callable[[duckdb.DuckDBPyConnection, Path], int] = tables.write_reviews,
        photos: tables.PhotoFinder = tables.find_photos,
        others: Callable[[], dict[str, dict[str, int]]] = dict,
    ) -> Account:
        """Write what stands beside ``.inter``, and the account.

        ``beside`` runs meanwhile; ``reviews`` writes ``.review`` where a source has more to say,
        ``photos`` finds photos that its reviews do not list, and ``others`` tells at the end what
        became of the rows of other files.
        """
        siblings = tables.Siblings(reviews, photos, tuple(beside))
        counts = tables.write_siblings(self.connection, self.stem, self.folder, siblings)
        account = Account(
            converter=converter,
            rows_read=selection.rows_read,
            rows_kept=selection.size,
            dropped=selection.dropped,
            **asdict(counts),
            parts=parts or {},
            others=others(),
            broken_lines=broken,
            photo_folder=str(self.folder.root.resolve()) if self.folder else None,
            options=self.options.recorded(),
            sources=sources_of(sources),
            version=__version__,
            notes=notes,
        )
        account.write(self.stem.parent)
        return account


@contextmanager
def conversion(out: Path, options: RunOptions) -> Iterator[Run]:
    """Open a run whose output takes the place of ``out`` at the end, or not at all.

    Raises:
        DataError: The photo folder is missing, ``out`` is not ours to write, a file cannot be
            read, or the disk or the memory is full.
    """
    import duckdb

    folder = PhotoFolder(options.photos) if options.photos is not None else None
    try:
        with output_folder(out, options.overwrite) as partial:
            scratch = partial / "scratch"
            with (
                connect(scratch, options.memory_limit, options.threads) as connection,
                interruptible(),
            ):
                yield Run(connection, scratch, partial / out.name, options, folder)
            shutil.rmtree(scratch)
    except (OSError, duckdb.Error) as error:
        said = f"{out} was left as it was, nothing is written: {first_line(error)}"
        raise DataError(said) from error


@contextmanager
def output_folder(out: Path, overwrite: bool) -> Iterator[Path]:
    """Give a folder beside ``out`` to write to, and put it in its place at the end.

    What is in ``out`` stays untouched until everything is written. When ours is
    overwritten, what the converter did not write (such as ``photos``) moves to the new
    folder; features do not, since they belong to the old texts.

    Args:
        out: The data set's folder, ``DATA/NAME``.
        overwrite: Replace a data set that a converter wrote.

    Raises:
        DataError: ``out`` has no name, or is there and not ours, or ours without
            ``overwrite``.
    """
    _check(out, overwrite)
    stem = re.escape(out.name)
    files = rf"{stem}(\.(train|valid|test))?\.inter|{stem}\.(item|review|image|features|lexicon)"
    written = re.compile(rf"{files}|{re.escape(CONVERSION_FILE)}")
    with replaced_folder(out, keep=lambda name: not written.fullmatch(name)) as partial:
        yield partial
        _check(out, overwrite)


def _check(out: Path, overwrite: bool) -> None:
    if not out.name or out.name in (".", ".."):
        raise DataError(f"{out} does not name a data set; expected a folder such as DATA/NAME")
    if out.is_symlink():  # what it leads to may be anybody's, and would lose its photos
        found = os.path.realpath(out)
        circle = os.path.islink(found)
        leads = "in a circle" if circle else f"to {found}, which may be named in its place"
        raise DataError(f"{out} is a link, and leads {leads}")
    if not out.exists():
        return
    if not out.is_dir():
        raise DataError(f"{out} is there and is no folder")
    if not any(out.iterdir()):
        return
    if not is_ours(out):
        raise DataError(f"{out} is there and was not written by a converter: it is left alone")
    if not overwrite:
        raise DataError(f"{out} is there; --overwrite replaces it")
