"""The photos and feature stores of a data set: what is gone, damaged, or of something else."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from recbole_showcase.atomic import PhotoFolder, download_hint, photo_folder
from recbole_showcase.data.check.report import Report, counted, such_as
from recbole_showcase.encoders.commands import IMPORTED, embed_command, shipped_encoder_notes
from recbole_showcase.encoders.names import SHIPPED, store_name
from recbole_showcase.encoders.plan import Source, old_hashes, read_source
from recbole_showcase.encoders.sentences import sentence_source
from recbole_showcase.encoders.store import (
    ALWAYS,
    FeatureStore,
    Modality,
    features_folder,
    modalities_of,
    stores_of,
)
from recbole_showcase.encoders.verify import content_faults
from recbole_showcase.errors import DataError, FeatureStoreError
from recbole_showcase.files.photos import GONE, content_mark

_WORKERS = 16  # they wait for the disk
_WHAT: dict[Modality, str] = {"image": "photo", "review": "review", "sentence": "sentence"}


def check_features(
    dataset_dir: Path, encoder: str | None, photos: Path | None, report: Report
) -> np.ndarray | None:
    """Look at the feature stores of a data set, and at what they were made from.

    Args:
        dataset_dir: ``DATA/NAME``.
        encoder: Name of the store to look at; None for all.
        photos: The photo folder; None for where the data set says.
        report: Gets what is found.

    Returns:
        Tokens of the photos that have features; None where there is not one store to tell.
    """
    names = stores_of(dataset_dir) if encoder is None else [encoder]
    try:
        sources: dict[Modality, Source] = {m: read_source(dataset_dir, m) for m in ALWAYS}
    except DataError:
        return None  # which the tables have reported
    folders = [features_folder(dataset_dir) / store_name(name) for name in names]
    if any("sentence" in modalities_of(folder) for folder in folders):
        sources["sentence"], _ = sentence_source(sources["review"])
    sources["image"] = _with_photos(dataset_dir, sources["image"], photos, report, bool(names))
    if not names:
        real = bool(shipped_encoder_notes(SHIPPED, dataset_dir))
        which = ("ViT-B-32", "laion2b_s34b_b79k") if real else (SHIPPED,)
        report.errors.append(
            f"{dataset_dir} has no features; make them: {embed_command(dataset_dir, *which)}"
        )
    there = [_check_store(dataset_dir, name, sources, report) for name in names]
    return there[0] if len(there) == 1 else None


def _with_photos(
    dataset_dir: Path, source: Source, folder: Path | None, report: Report, embedded: bool
) -> Source:
    """The photos with the hashes of what is in them, after a look at their paths."""
    if not len(source.tokens):
        return source
    try:
        photos = PhotoFolder(folder) if folder else photo_folder(dataset_dir)
    except DataError as error:
        (report.warnings if embedded else report.errors).append(str(error))
        return source

    def mark(path: str) -> int | DataError:
        try:
            return content_mark(photos.resolve(path))
        except DataError as error:
            return error

    with ThreadPoolExecutor(_WORKERS) as pool:
        found = list(pool.map(mark, source.values))
    outside = [error for error in found if isinstance(error, DataError)]
    if outside:
        report.errors.append(f"{counted(len(outside), 'path')} of .image: {outside[0]}")
    marks = np.array([GONE if isinstance(m, DataError) else m for m in found], dtype=np.uint64)
    gone = source.values[marks == GONE]
    if len(gone) > len(outside):
        report.warnings.append(
            f"{len(gone) - len(outside):,} of {counted(len(marks), 'photo')} are not in "
            f"{photos.root}, {such_as(gone)}{download_hint(dataset_dir)}"
        )
    return replace(source, hashes=marks)


def _check_store(
    dataset_dir: Path, name: str, sources: dict[Modality, Source], report: Report
) -> np.ndarray | None:
    try:
        folder = features_folder(dataset_dir) / store_name(name)
        stores = {m: FeatureStore.open(dataset_dir, name, m) for m in modalities_of(folder)}
    except FeatureStoreError as error:
        report.errors.append(str(error))
        return None
    image = stores["image"]
    made_by = f"made by {image.meta['architecture']} ({image.meta['weights']})"
    if IMPORTED in image.meta:
        made_by = "imported, and of which photos cannot be known"
    counts = [counted(len(store), _WHAT[modality]) for modality, store in stores.items()]
    report.facts.append(
        f"features '{name}': {made_by}, {image.dim} numbers a row, "
        f"{', '.join(counts[:-1])} and {counts[-1]}"
    )
    report.warnings.extend(shipped_encoder_notes(name, dataset_dir))
    for modality, store in stores.items():
        _check_content(store, report)
        _check_fit(store, sources[modality], report)
    return image.ids


def _check_content(store: FeatureStore, report: Report) -> None:
    """Compare all of the content with its digests."""
    for fault in content_faults(store):
        report.errors.append(f"{fault}; make them anew with: {store.command}")
    if not store.digests and store.modality == ALWAYS[0]:
        report.warnings.append(
            f"{store.folder} has no digests, so what is in it cannot be compared; add them with: "
            f"{store.command}"
        )
    reasons = Counter(why.partition(":")[0] for why in store.skipped.values())
    for why, n in reasons.most_common():
        report.facts.append(
            f"features '{store.folder.name}': {n:,} {store.modality}s without: {why}"
        )


def _check_fit(store: FeatureStore, source: Source, report: Report) -> None:
    """Compare the rows with the photos or texts that are there now."""
    what, command = _WHAT[store.modality], store.command
    rows = pd.Index(store.ids, dtype=object).get_indexer(pd.Index(source.tokens, dtype=object))
    skipped = pd.Index(source.tokens, dtype=object).isin(list(store.skipped))
    lost = source.tokens[(rows < 0) & ~skipped]
    if len(lost):
        report.errors.append(
            f"features '{store.folder.name}' have no row of {counted(len(lost), what)}, "
            f"{such_as(lost)}; add them with: {command}"
        )
    try:
        made_from = old_hashes(store)
    except FeatureStoreError as error:
        if store.digests:
            report.errors.append(f"{error}; make them anew with: {command}")
        return
    if not store.digests:  # hashes of an earlier version are of paths
        return
    # What imported features were made from is not known.
    known = (
        (rows >= 0)
        & (source.hashes != GONE)
        & (np.append(made_from, np.uint64(GONE))[rows] != GONE)
    )
    changed = source.tokens[known][made_from[rows[known]] != source.hashes[known]]
    if len(changed):
        report.errors.append(
            f"features '{store.folder.name}' are not of {counted(len(changed), what)} as they are "
            f"now, {such_as(changed)}; make them anew with: {command}"
        )
