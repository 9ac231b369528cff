"""The atomic files of a data set: what is missing in them, and what does not join."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recbole_showcase.atomic import (
    IMAGE,
    INTER,
    ITEM,
    REVIEW,
    AtomicFile,
    read_atomic,
    read_columns,
    read_fields,
)
from recbole_showcase.data.check.report import Report, counted, such_as
from recbole_showcase.errors import DataError

# RecBole's settings of the names of columns.
_FIELDS = {
    "user_id": "USER_ID_FIELD",
    "item_id": "ITEM_ID_FIELD",
    "timestamp": "TIME_FIELD",
    "rating": "RATING_FIELD",
}
# As seconds a time beyond this is of the year 5138, as milliseconds of 1973.
_MILLISECONDS = 1e11
# Thousandths of the seconds from 2001 to 2099.
_THOUSANDTHS = (0.98e6, 4.1e6)


@dataclass(frozen=True)
class Tables:
    """The rows of a data set as strings, ``""`` where nothing is known.

    Attributes:
        inter: Columns ``user_id``, ``item_id``, ``review_id``; ``timestamp`` where there is one.
        review: Columns ``review_id``, ``text``, ``explanation``, ``user_id``, ``item_id``.
        image: Columns of the schema.
    """

    inter: pd.DataFrame
    review: pd.DataFrame
    image: pd.DataFrame


@dataclass(frozen=True)
class Layout:
    """How ``.inter`` and ``.item`` are written, which are RecBole's files: by its settings.

    ``.review`` and ``.image`` are ours, and always as ``docs/data-format.md`` has them.

    Attributes:
        names: RecBole's name of each column that is called otherwise here.
        separator: What stands between values.
        encoding: Of the characters.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    separator: str = "\t"
    encoding: str = "utf-8"

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Layout:
        """The layout that RecBole's settings ask for."""
        named = {own: settings.get(key) for own, key in _FIELDS.items()}
        return cls(
            {own: str(name) for own, name in named.items() if name},
            str(settings.get("field_separator") or "\t"),
            str(settings.get("encoding") or "utf-8"),
        )

    @property
    def plain(self) -> bool:
        """Whether the files are written as ours are, and can be judged line by line."""
        return self.separator == "\t" and self.encoding.lower() in ("utf-8", "utf8")

    def own_name(self, head: str) -> str:
        """The name here of a column of RecBole's."""
        return {name: own for own, name in self.names.items()}.get(head, head)


def read_tables(dataset_dir: Path, report: Report, layout: Layout | None = None) -> Tables:
    """Read the files as far as they can be, and report what is wrong with them.

    Args:
        dataset_dir: ``DATA/NAME``.
        report: Gets what is found.
        layout: Of ``.inter`` and ``.item``; RecBole's defaults unless given.
    """
    layout = layout or Layout()
    stem = dataset_dir / dataset_dir.name
    parts = inter_files(dataset_dir)
    if not parts:
        report.errors.append(f"there is no file {stem}.inter, which says who reviewed what")
    optional = ("rating", "timestamp")
    frames = [_read(path, INTER, optional, report, layout=layout) for path in parts]
    review = _read(Path(f"{stem}.review"), REVIEW, (), report, also=("user_id", "item_id"))
    image = _read(Path(f"{stem}.image"), IMAGE, (), report, needed=False)
    item = _read(Path(f"{stem}.item"), ITEM, ITEM.names[1:], report, needed=False, layout=layout)
    inter = pd.concat(frames) if frames else _empty(INTER)
    tables = Tables(inter.reset_index(drop=True), review, image)
    _check_unique(stem, tables, report)
    _check_joins(tables, item, report)
    _check_times(tables.inter, report)
    return tables


def inter_files(dataset_dir: Path) -> list[Path]:
    """The file of interactions, or its parts: ``NAME.inter`` or ``NAME.<part>.inter``."""
    whole = dataset_dir / f"{dataset_dir.name}.inter"
    return [whole] if whole.is_file() else sorted(dataset_dir.glob(f"{dataset_dir.name}.*.inter"))


def _read(
    path: Path,
    schema: AtomicFile,
    optional: tuple[str, ...],
    report: Report,
    also: tuple[str, ...] = (),
    needed: bool = True,
    layout: Layout = Layout(),
) -> pd.DataFrame:
    """The columns of a file that are looked at; a table without rows where it cannot be read.

    Args:
        path: The file.
        schema: Of the file.
        optional: Columns of the schema that may be missing.
        report: Gets what is found.
        also: Columns beyond the schema that are read where they are there.
        needed: Whether nothing is trained without the file.
        layout: Of the file.
    """
    empty = _empty(schema).reindex(columns=[*schema.names, *also])
    if not path.is_file():
        if needed:
            report.errors.append(f"there is no file {path}")
        else:
            report.facts.append(f"there is no file {path}")
        return empty
    wanted = (*schema.names, *also)
    try:
        if layout.plain and schema is not ITEM:  # of which names and categories count, no more
            _check_heads(path, schema, optional, layout)
            heads = [f.name for f in read_fields(path) if layout.own_name(f.name) in wanted]
            frame = read_atomic(path, heads)
        else:
            heads = [layout.names.get(name, name) for name in wanted]
            frame = read_columns(path, heads, layout.separator, layout.encoding)
        frame = frame.rename(columns=layout.own_name)
        if missing := [n for n in schema.names if n not in frame and n not in optional]:
            names = ", ".join(layout.names.get(name, name) for name in missing)
            raise DataError(f"{path} has no column {names}, separated by {layout.separator!r}")
    except DataError as error:
        theirs = "; where it is written otherwise, give RecBole's settings with --config FILE"
        said = f"{error}{theirs if schema in (INTER, ITEM) and layout == Layout() else ''}"
        (report.warnings if schema is ITEM else report.errors).append(said)
        return empty
    report.facts.append(f"{path.name}: {counted(len(frame), 'row')}")
    return frame.reindex(columns=[*frame.columns, *(n for n in also if n not in frame)]).fillna(
        dict.fromkeys(also, "")
    )


def _check_heads(path: Path, schema: AtomicFile, optional: tuple[str, ...], layout: Layout) -> None:
    """Refuse a file without a column that is needed, or with ids that are numbers.

    Raises:
        DataError: Naming the column.
    """
    types = {layout.own_name(field.name): field for field in read_fields(path)}
    missing = [n for n in schema.names if n not in types and n not in optional]
    if missing:
        there = ", ".join(field.name for field in types.values())
        names = ", ".join(layout.names.get(name, name) for name in missing)
        raise DataError(f"{path} has no column {names}; it has {there}")
    for name in schema.names:
        if schema.field(name).type == "token" and name in types and types[name].type != "token":
            raise DataError(
                f"{path}, line 1: column {types[name].name} is of the type {types[name].type}; "
                "allowed: token"
            )


def _empty(schema: AtomicFile) -> pd.DataFrame:
    return pd.DataFrame({name: [] for name in schema.names}, dtype=object)


def _check_unique(stem: Path, tables: Tables, report: Report) -> None:
    for kind, frame, key in (
        ("inter", tables.inter, "review_id"),
        ("review", tables.review, "review_id"),
        ("image", tables.image, "image_id"),
    ):
        ids = frame[key][frame[key] != ""]
        twice = ids[ids.duplicated()].unique()
        if len(twice):
            report.errors.append(
                f"{stem}.{kind}: {counted(len(twice), key)} twice or more, {such_as(twice)}; "
                "ids must be unique"
            )


def _check_joins(tables: Tables, item: pd.DataFrame, report: Report) -> None:
    inter, review, image = tables.inter, tables.review, tables.image
    if not len(inter):
        return
    owned = (review[["user_id", "item_id"]] != "").any(axis=1)
    both = review["review_id"][(review[["user_id", "item_id"]] != "").all(axis=1)]
    if len(both):
        report.errors.append(
            f".review: {counted(len(both), 'row')} with a user and an item, {such_as(both)}; a "
            "profile is of one of them"
        )
    for name, ids, known, other in (
        ("review_id of .review", review["review_id"][~owned], inter["review_id"], ".inter"),
        ("user_id of .review", review["user_id"], inter["user_id"], ".inter"),
        ("item_id of .review", review["item_id"], inter["item_id"], ".inter"),
        ("item_id of .image", image["item_id"], inter["item_id"], ".inter"),
        ("review_id of .image", image["review_id"], inter["review_id"], ".inter"),
        ("item_id of .inter", inter["item_id"], item["item_id"], ".item"),
    ):
        if len(known) and (said := _unjoined(name, ids, known, other)):
            report.warnings.append(said)
    for name in ("user_id", "item_id", "review_id"):
        ids = pd.Series(inter[name][inter[name] != ""].unique(), dtype=object)
        if len(ids) and ids.str.fullmatch(r"\d+\.0").all():
            report.warnings.append(
                f"every {name} of .inter ends in '.0', {such_as(ids)}: pandas writes whole numbers "
                "so where one is missing; read ids with dtype=str"
            )


def _unjoined(name: str, ids: pd.Series, known: pd.Series, other: str) -> str | None:
    """What to say of ids that another file does not have; None if it has all."""
    unique = pd.Index(ids[ids != ""].unique(), dtype=object)
    there = pd.Index(known.unique(), dtype=object)
    lost = unique[~unique.isin(there)]
    if not len(lost):
        return None
    said = f"{len(lost):,} of {len(unique):,} {name} are not in {other}, {such_as(lost)}"
    numbers, wanted = _as_numbers(lost), _as_numbers(there).drop_duplicates()
    at = pd.Index(wanted).get_indexer(pd.Index(numbers))
    alike = np.flatnonzero(at >= 0)
    if not len(alike):
        return said
    mine, theirs = lost[alike[0]], there[wanted.index[at[alike[0]]]]
    floats = mine.endswith(".0") != theirs.endswith(".0")
    why = "one was written as a float" if floats else "one has lost its leading zeros"
    return (
        f"{said}; {len(alike):,} of them would join as numbers, {mine!r} as {theirs!r}: {why}; "
        "read ids with dtype=str"
    )


def _as_numbers(ids: pd.Index) -> pd.Series:
    """Ids without leading zeros and ``.0``; of those that are no whole numbers, the ids."""
    texts = pd.Series(ids, dtype=object)
    return texts.str.replace(r"^0*(\d+)(?:\.0+)?$", r"\1", regex=True)


def _check_times(inter: pd.DataFrame, report: Report) -> None:
    if not len(inter):
        return
    if "timestamp" not in inter:
        report.facts.append(
            ".inter has no timestamp: a user's past is all of the user's other training reviews"
        )
        return
    times = pd.to_numeric(inter["timestamp"], errors="coerce").to_numpy(np.float64)
    known = times[np.isfinite(times)]
    late = known > _MILLISECONDS
    if late.any():
        part = "every timestamp looks" if late.all() else f"{late.sum():,} of {len(known):,} "
        part += " like milliseconds" if late.all() else "timestamps look like milliseconds"
        report.warnings.append(
            f"{part}, {such_as(known[late].tolist())}; timestamps are seconds since 1970"
            + ("" if late.all() else ", and in two units their order is wrong")
        )
    low, high = _THOUSANDTHS
    if len(known) and ((known > low) & (known < high)).all():
        report.warnings.append(
            f"every timestamp is of early 1970, {such_as(known.tolist())}: they look like seconds "
            "that were divided by 1,000; timestamps are seconds since 1970"
        )
    if len(known) < len(times):
        report.warnings.append(f"{len(times) - len(known):,} of {len(times):,} rows have no time")
