"""Import features that others made as a feature store, which ``showcase_encoder`` may name."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout

from recbole_showcase.atomic import positions, read_atomic
from recbole_showcase.encoders.commands import IMPORTED, USUAL_DTYPE
from recbole_showcase.encoders.foreign import FeatureFile
from recbole_showcase.encoders.names import SHIPPED, folder_name
from recbole_showcase.encoders.partial import PartialStore, aside_of, restore_old
from recbole_showcase.encoders.plan import NO_TEXT, Source, hashes_of, read_source
from recbole_showcase.encoders.store import ALWAYS, DTYPES, Modality, features_folder, read_meta
from recbole_showcase.encoders.unit import NOT_FINITE, ZEROS, unit_rows
from recbole_showcase.errors import FeatureStoreError
from recbole_showcase.files.photos import GONE
from recbole_showcase.resources import __version__

_BLOCK = 4096
MISSING = "not in the imported features"


@dataclass
class ImportReport:
    """What an import did.

    Attributes:
        folder: ``NAME.features/<name>``.
        fates: For each modality how many rows were ``read``, and what became of them.
        without: How many photos and reviews have no feature, by modality.
    """

    folder: Path
    fates: dict[str, dict[str, int]] = field(default_factory=dict)
    without: dict[str, int] = field(default_factory=dict)


def import_features(
    dataset_dir: Path,
    name: str,
    images: FeatureFile,
    reviews: FeatureFile | None = None,
    *,
    dtype: str = USUAL_DTYPE,
    overwrite: bool = False,
) -> ImportReport:
    """Write a feature store of features that others made.

    Rows are scaled to length one, as all of a store are, and stand in the order of ``.image`` or
    ``.review``. What they were made from cannot be known, and no encoder belongs to them: texts
    cannot be encoded in their space.

    Args:
        dataset_dir: ``DATA/NAME`` with ``NAME.image``.
        name: What ``showcase_encoder`` will call it.
        images: Features of photos, by their tokens, or of items that have one photo each.
        reviews: Features of reviews, by their tokens, as wide.
        dtype: Number type of the rows, ``float16`` or ``float32``.
        overwrite: Replace a store that was imported under this name.

    Raises:
        FeatureStoreError: The name cannot be one or is taken, a file does not fit, nothing joins,
            an item has several photos, or the disk cannot be written.
        DataError: A file of the data set is missing or damaged.
    """
    dataset_dir = Path(os.path.abspath(dataset_dir))
    folder = features_folder(dataset_dir) / name
    _check(name, folder, dtype, overwrite)
    given: dict[Modality, FeatureFile | None] = {"image": images, "review": reviews}
    _check_widths([one for one in given.values() if one is not None])
    # All that may be wrong with the files is said before anything is written.
    parts = {modality: _part(dataset_dir, modality, given[modality]) for modality in ALWAYS}
    report = ImportReport(folder)
    dim = int(images.matrix().shape[1])
    meta = {
        "encoder": name,
        "architecture": IMPORTED,
        "weights": "",
        "weights_digest": "",
        "preprocessing": {},
        "dim": dim,
        "dtype": dtype,
        "package_version": __version__,
        IMPORTED: {m: one.recorded() for m, one in given.items() if one is not None},
    }
    try:
        folder.parent.mkdir(exist_ok=True)
        with FileLock(folder.with_name(f".{name}.lock"), timeout=0), _aside(folder) as store:
            entries = {m: _write(store, part, dim, dtype, report) for m, part in parts.items()}
            store.publish(meta | {"modalities": entries, "digests": store.digests()})
    except Timeout as error:
        raise FeatureStoreError(f"{folder}: another run is at work on it") from error
    except OSError as error:
        raise FeatureStoreError(f"{folder} was left as it was: {error}") from error
    return report


@contextmanager
def _aside(folder: Path) -> Iterator[PartialStore]:
    """A new store beside its place, of which nothing is left if filling it fails."""
    restore_old(folder)
    try:
        yield PartialStore(folder, {"imported at": time.time_ns()})
    except BaseException:
        restore_old(folder)
        shutil.rmtree(aside_of(folder), ignore_errors=True)
        raise


def _check(name: str, folder: Path, dtype: str, overwrite: bool) -> None:
    if folder_name(name) != name or name == SHIPPED:
        raise FeatureStoreError(
            f"'{name}' cannot be the name of imported features; allowed: letters, digits, '.', '_' "
            f"and '-', and not {SHIPPED}"
        )
    if dtype not in DTYPES:
        raise FeatureStoreError(f"dtype must be {' or '.join(DTYPES)}, found '{dtype}'")
    if not folder.parent.parent.is_dir():
        raise FeatureStoreError(f"there is no data set {folder.parent.parent}")
    if folder.exists():
        try:
            ours = IMPORTED in read_meta(folder / "meta.json")
        except FeatureStoreError:
            ours = False
        if not ours:
            raise FeatureStoreError(f"{folder} is there and was not imported: it is left alone")
        if not overwrite:
            raise FeatureStoreError(f"{folder} is there; --overwrite replaces it")


def _check_widths(files: list[FeatureFile]) -> None:
    widths = {str(one.features): int(one.matrix().shape[1]) for one in files}
    if len(set(widths.values())) > 1:
        told = ", ".join(f"{path} {width}" for path, width in widths.items())
        raise FeatureStoreError(f"features of photos and reviews are not equally wide: {told}")


@dataclass(frozen=True)
class _Part:
    """What there is to import of a modality.

    Attributes:
        source: The photos or reviews of the data set.
        matrix: The features, on disk (M, D); no rows if none are given.
        given: Whether some are.
        rows: The row of each photo or review (N,), -1 where there is none.
    """

    source: Source
    matrix: np.ndarray
    given: bool
    rows: np.ndarray


def _part(dataset_dir: Path, modality: Modality, file: FeatureFile | None) -> _Part:
    source = read_source(dataset_dir, modality)
    if file is None:
        return _Part(
            source, np.empty((0, 1)), False, np.full(len(source.tokens), -1, dtype=np.int64)
        )
    matrix = file.matrix()
    return _Part(source, matrix, True, _rows_of(dataset_dir, source, file, len(matrix)))


def _write(
    store: PartialStore, part: _Part, dim: int, dtype: str, report: ImportReport
) -> dict[str, object]:
    """Write one modality; returns its part of ``meta.json``."""
    source, modality = part.source, part.source.modality
    missing = source.tokens[part.rows < 0].tolist()
    wanted = np.flatnonzero(part.rows >= 0)
    with store.writer(modality, len(wanted), dim, dtype) as writer:
        for block in _blocks(wanted):
            vectors, faults = unit_rows(part.matrix[part.rows[block]])
            bad = {source.tokens[block[n]]: why for n, why in faults.items()}
            writer.commit(len(block), np.delete(vectors, list(faults), axis=0), bad)
        writer.finish()
        count, failed = writer.rows, writer.skipped
    kept = wanted[~pd.Index(source.tokens[wanted]).isin(list(failed))]
    unknown = np.full(len(kept), GONE, dtype=np.uint64)
    made_from = unknown if modality == "image" else hashes_of(source.values[kept])
    store.write_ids(modality, source.tokens[kept], made_from)
    if part.given:
        why = list(failed.values())
        report.fates[modality] = {
            "read": len(part.matrix),
            f"of no {modality} of the data set": len(part.matrix) - len(wanted),
            ZEROS: why.count(ZEROS),
            NOT_FINITE: why.count(NOT_FINITE),
            "kept": count,
        }
    report.without[modality] = len(missing) + len(failed)
    empty = dict.fromkeys(source.empty.tolist(), NO_TEXT)
    return {"count": count, "skipped": empty | dict.fromkeys(missing, MISSING) | failed}


def _rows_of(dataset_dir: Path, source: Source, file: FeatureFile, count: int) -> np.ndarray:
    """The row of each photo or review (N,), -1 where there is none.

    Raises:
        FeatureStoreError: None has one, or an item has several photos.
    """
    named, numbers = file.rows(count)
    wanted = source.tokens
    if file.items is not None:
        wanted = _items_of_photos(dataset_dir, source)
    at = positions(wanted, named)
    if not (at >= 0).any():
        shown = "', '".join(map(str, named[:2]))
        own = "', '".join(map(str, wanted[:2]))
        raise FeatureStoreError(
            f"{file.ids or file.items}: none of its {len(named):,} ids is in the data set; it has "
            f"'{shown}', the data set has '{own}'"
        )
    return np.append(numbers, -1)[at]


def _items_of_photos(dataset_dir: Path, source: Source) -> np.ndarray:
    """The item of each photo (N,), of which none has two.

    Raises:
        FeatureStoreError: The rows are of reviews, there are no photos, or an item has several.
    """
    path = dataset_dir / f"{dataset_dir.name}.image"
    if source.modality != "image":
        raise FeatureStoreError("features of items are read as those of photos only; give ids")
    if not len(source.tokens):
        raise FeatureStoreError(
            f"{path} has no photos that features of items could stand for; a data set with one row "
            "an item is made by attach with --item-photos"
        )
    items = read_atomic(path, ["item_id"])["item_id"].to_numpy(dtype=object)
    if pd.Index(items).has_duplicates:
        twice = items[pd.Index(items).duplicated()][0]
        raise FeatureStoreError(
            f"{path}: item {twice!r} has several photos, and which of them the features of the "
            "item are of cannot be known; give features and ids of photos"
        )
    return items


def _blocks(of: np.ndarray) -> Iterator[np.ndarray]:
    return (of[start : start + _BLOCK] for start in range(0, len(of), _BLOCK))
