"""Attach texts and photos to a data set of RecBole's that has interactions alone.

The data set is written anew beside the old one, which stays as it is: its files unchanged, but for
a column ``review_id`` behind those of ``.inter``, and ``.review`` and ``.image`` with what joins.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from recbole_showcase.atomic.account import Account, sources_of
from recbole_showcase.atomic.attached import (
    attach_item_photos,
    attach_photos,
    attach_reviews,
    name_interactions,
    read_interactions,
)
from recbole_showcase.atomic.conversion import Run, conversion
from recbole_showcase.atomic.engine import write_query
from recbole_showcase.atomic.options import AttachOptions
from recbole_showcase.atomic.reader import read_fields
from recbole_showcase.atomic.schema import IMAGE, IMAGE_EXTRAS, REVIEW, AtomicFile
from recbole_showcase.atomic.sql import identifier
from recbole_showcase.atomic.tables import headers
from recbole_showcase.errors import DataError
from recbole_showcase.resources import __version__

_REVIEW_ID = "review_id:token"
_TEXTS = "SELECT review_id, said, NULL FROM texts JOIN pairs USING (n) ORDER BY n"


@dataclass(frozen=True)
class _Base:
    """The data set that something is attached to.

    Attributes:
        folder: ``DATA/NAME``.
        inter: Its ``.inter`` file, or the files of its parts, by what stands behind ``NAME.``.
        others: The other files that are called after it, likewise.
    """

    folder: Path
    inter: dict[str, Path]
    others: dict[str, Path]


def attach(
    dataset_dir: str | Path,
    out: str | Path,
    reviews: str | Path | None = None,
    images: str | Path | None = None,
    options: AttachOptions | None = None,
) -> Account:
    """Write a data set with the interactions of another, and the texts and photos of two tables.

    Args:
        dataset_dir: ``DATA/NAME`` with ``NAME.inter``, or ``NAME.train.inter`` and so on.
        out: The new data set's folder, ``DATA/NEW``.
        reviews: CSV or Parquet with ``user_id``, ``item_id``, ``text``, and where known
            ``timestamp`` and ``review_id``; ``review_id`` alone names the interaction where
            ``.inter`` has that column.
        images: CSV or Parquet with ``item_id`` and ``path`` or ``url``, and where known
            ``image_id``, ``review_id``, ``user_id``, ``timestamp``, ``caption``, ``label``.
        options: Names of fields, and where the photos are.

    Returns:
        The account, also written as ``conversion.json``: what joined, and what did not and why.

    Raises:
        DataError: A file or a column is missing, a file is damaged, the data set has texts or
            photos of its own in the place of those given, none of those given joins, or ``out`` is
            there and not ours to replace.
    """
    options = options or AttachOptions()
    base, out = _base(Path(dataset_dir)), Path(out)
    tables = {"review": reviews, "image": images}
    if reviews is None and images is None and not options.item_photos:
        raise DataError("neither reviews nor images are given: there is nothing to attach")
    if images is not None and options.item_photos:
        raise DataError("images and item-photos are two ways to fill .image; choose one")
    for suffix, given in tables.items():
        fills = given is not None or (suffix == "image" and options.item_photos)
        if fills and suffix in base.others:
            raise DataError(f"{base.others[suffix]} is there: its rows would be lost")
    if os.path.realpath(out) == os.path.realpath(base.folder):
        raise DataError(f"{out} is the data set itself, which stays as it is; name a new folder")
    files = [Path(given) for given in tables.values() if given is not None]
    with conversion(out, options) as run:
        return _attach(run, base, out, reviews, images, files)


def _attach(
    run: Run,
    base: _Base,
    out: Path,
    reviews: str | Path | None,
    images: str | Path | None,
    files: Sequence[Path],
) -> Account:
    options = run.options
    assert isinstance(options, AttachOptions)
    connection = run.connection
    read_interactions(connection, list(base.inter.values()), options)
    others: dict[str, dict[str, int]] = {}
    notes: list[str] = []
    for what, given, join in (
        ("reviews", reviews, attach_reviews),
        ("photos", images, attach_photos),
    ):
        if given is not None:
            others[what], said = join(connection, Path(given), options, run.folder)
            notes += said
    if options.item_photos:
        notes += attach_item_photos(connection)
    name_interactions(connection)
    parts = {
        name: _write_inter(run, number, name, path)
        for number, (name, path) in enumerate(base.inter.items())
    }
    texts = 0 if "review" in base.others else _write(run, REVIEW, _TEXTS)
    photos = 0 if "image" in base.others else _write_images(run)
    for name, path in base.others.items():
        shutil.copyfile(path, f"{run.stem}.{name}")
    users, items, rows = connection.execute(
        "SELECT count(DISTINCT user_id), count(DISTINCT item_id), count(*) FROM pairs"
    ).fetchall()[0]
    own = base.folder / "photos"
    folder = run.folder.root if run.folder else own if own.is_dir() else None
    account = Account(
        converter="attach",
        rows_read=rows,
        rows_kept=rows,
        dropped={},
        users=users,
        items=items,
        reviews_with_text=texts,
        photos=photos,
        photos_gone=others.get("photos", {}).get("not in the photo folder", 0),
        parts={name.removesuffix(".inter"): n for name, n in parts.items() if name != "inter"},
        others=others,
        photo_folder=str(folder.resolve()) if folder else None,
        options=options.recorded(),
        sources=sources_of([*base.inter.values(), *files]),
        version=__version__,
        notes=tuple(notes),
    )
    account.write(run.stem.parent)
    return account


def _base(folder: Path) -> _Base:
    """Find the files of a data set.

    Raises:
        DataError: It has no interactions.
    """
    if not folder.is_dir():
        raise DataError(f"there is no data set {folder}")
    name = Path(os.path.abspath(folder)).name  # a link keeps its own name
    found = sorted(path for path in folder.iterdir() if path.is_file())
    files = {
        path.name.removeprefix(f"{name}."): path
        for path in found
        if path.name.startswith(f"{name}.")
    }
    parts = {key: path for key, path in files.items() if key.endswith(".inter")}
    inter = {"inter": files["inter"]} if "inter" in files else parts
    if not inter:
        raise DataError(f"there is no file {folder / name}.inter, which says who saw what")
    others = {key: path for key, path in files.items() if key not in (*parts, "inter")}
    return _Base(folder, inter, others)


def _write_inter(run: Run, number: int, name: str, path: Path) -> int:
    """Write a file of interactions with the reviews' ids; return its rows."""
    fields = [field for field in read_fields(path) if field.name != "review_id"]
    columns = ", ".join([*(identifier(field.name) for field in fields), "review_id"])
    return write_query(
        run.connection,
        Path(f"{run.stem}.{name}"),
        [*(field.header for field in fields), _REVIEW_ID],
        f"SELECT {columns} FROM inter_{number}",
    )


def _write(run: Run, file: AtomicFile, query: str) -> int:
    return write_query(run.connection, Path(f"{run.stem}.{file.suffix}"), headers(file), query)


def _write_images(run: Run) -> int:
    """Write ``.image``, with the columns that some photo has a value of."""
    more = []
    for field in IMAGE_EXTRAS:
        query = f"SELECT 1 FROM shown WHERE {field.name} <> '' LIMIT 1"
        if run.connection.execute(query).fetchall():
            more.append(field)
    columns = ", ".join(["image_id", "shown.item_id", "review_id", "path", *(f.name for f in more)])
    query = f"SELECT {columns} FROM shown LEFT JOIN pairs USING (n) ORDER BY place"
    return _write(run, IMAGE.also(*more), query)
