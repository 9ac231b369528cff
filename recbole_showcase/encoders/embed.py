"""Encode the photos, review texts and sentences of a data set into feature stores."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from filelock import FileLock, Timeout

from recbole_showcase.atomic import PhotoFolder
from recbole_showcase.atomic import photo_folder as photo_folder_of
from recbole_showcase.console import progress_bar
from recbole_showcase.encoders.clip import ClipEncoder
from recbole_showcase.encoders.commands import USUAL_DTYPE, shipped_encoder_notes
from recbole_showcase.encoders.names import SHIPPED
from recbole_showcase.encoders.partial import PartialStore, RowWriter, aside_of, restore_old
from recbole_showcase.encoders.plan import (
    Plan,
    Source,
    make_plan,
    open_old,
    read_source,
    with_contents,
)
from recbole_showcase.encoders.prefetch import prefetch
from recbole_showcase.encoders.sentences import RULE, sentence_source
from recbole_showcase.encoders.sharing import Encode, Encoding, encoding
from recbole_showcase.encoders.store import (
    ALWAYS,
    DTYPES,
    Modality,
    features_folder,
    modalities_of,
)
from recbole_showcase.encoders.stream import preparing
from recbole_showcase.engines import Engine
from recbole_showcase.errors import DataError, FeatureStoreError
from recbole_showcase.files.photos import PIXEL_LIMIT
from recbole_showcase.resources import __version__

_COPY_ROWS = 65_536
_MOST_WORKERS = 16


@dataclass
class EmbedReport:
    """What an embedding run did.

    Attributes:
        folder: ``NAME.features/<encoder>``.
        encoded: Rows encoded in this run, by modality.
        reused: Rows taken from an earlier store or an interrupted run, by modality.
        skipped: Photos that cannot be used and why, by modality. Reviews without a text are
            counted in ``without_text`` instead.
        without_text: Number of reviews that have no text.
        seconds: Time spent, loading of the encoder included.
        notes: What else there is to know, in sentences.
    """

    folder: Path
    encoded: dict[str, int] = field(default_factory=dict)
    reused: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, dict[str, str]] = field(default_factory=dict)
    without_text: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Job:
    """What stays the same during one run."""

    dataset_dir: Path
    encoder: ClipEncoder
    photos: PhotoFolder | None
    batch_size: int
    workers: int
    dtype: str
    pixel_limit: int
    progress: bool
    engine: Engine
    elsewhere: Encoding

    @property
    def folder(self) -> Path:
        return features_folder(self.dataset_dir) / self.encoder.name


def embed_dataset(
    dataset_dir: Path,
    encoder: str = SHIPPED,
    weights: str | None = None,
    photo_folder: Path | None = None,
    batch_size: int = 32,
    workers: int | None = None,
    device: str = "cpu",
    dtype: str = USUAL_DTYPE,
    pixel_limit: int = PIXEL_LIMIT,
    progress: bool = True,
    engine: Engine | None = None,
    sentences: bool = False,
) -> EmbedReport:
    """Encode all photos and all non-empty review texts of a data set.

    An interrupted run goes on where it stopped. Rows of an earlier store by the same encoder
    are taken over where token and photo or text are the same. The store appears as a whole
    when everything is done.

    Args:
        dataset_dir: ``DATA/NAME`` with ``NAME.image`` and ``NAME.review``.
        encoder: See :meth:`ClipEncoder.load`.
        weights: See :meth:`ClipEncoder.load`.
        photo_folder: Where the photos are; by default where the data set says.
        batch_size: Photos or texts encoded at once by a thread; a GPU wants more.
        workers: Threads that decode, and on a processor also encode; by default one a core,
            at most 16.
        device: A torch device.
        dtype: Number type of the rows, ``float16`` or ``float32``.
        pixel_limit: Width times height above which a photo is skipped.
        progress: Whether to show progress bars.
        engine: Where photos and texts are encoded, by default by threads here.
        sentences: Whether the sentences of the reviews get rows as well, from which explanations
            are quoted. A store that has them keeps them up to date without being told.

    Raises:
        SettingsError: A cluster cannot be joined.
        LostWorker: A process that shares the work is gone; what is encoded is kept.
        FeatureStoreError: An option is out of range, the encoder cannot be loaded, another run
            is at work on the same store, or the disk is full or cannot be written.
        DataError: The data set has neither photos nor reviews, or a file of it is damaged.
    """
    started = time.perf_counter()
    _check_options(batch_size, workers, dtype, pixel_limit)
    dataset_dir = Path(os.path.abspath(dataset_dir))
    sources = _read_sources(dataset_dir)
    photos = _photos(dataset_dir, photo_folder, sources["image"])
    workers = workers or min(torch.get_num_threads(), _MOST_WORKERS)
    if photos is not None:
        sources["image"] = with_contents(sources["image"], photos, workers)
    engine = engine or Engine()
    # Where others encode this process only plans, for which it needs no GPU.
    loaded = ClipEncoder.load(encoder, weights, device if engine.kind == "local" else "cpu")
    notes = []
    there = features_folder(dataset_dir) / loaded.name
    if sentences or "sentence" in modalities_of(there):
        sources["sentence"], left_out = sentence_source(sources["review"])
        notes += [left_out] if left_out else []
    root = None if photos is None else photos.root
    job = _Job(
        dataset_dir=dataset_dir,
        encoder=loaded,
        photos=photos,
        batch_size=batch_size,
        workers=workers,
        dtype=dtype,
        pixel_limit=pixel_limit,
        progress=progress,
        engine=engine,
        elsewhere=Encoding(encoder, weights, device, loaded.provenance(), root, pixel_limit),
    )
    report = _run_alone(job, sources)
    report.notes += notes + shipped_encoder_notes(job.encoder.name, dataset_dir)
    report.seconds = time.perf_counter() - started
    return report


def _check_options(batch_size: int, workers: int | None, dtype: str, pixel_limit: int) -> None:
    numbers = {"batch size": batch_size, "workers": workers, "pixel limit": pixel_limit}
    for name, value in numbers.items():
        if value is not None and value < 1:
            raise FeatureStoreError(f"{name} must be at least 1, found {value}")
    if dtype not in DTYPES:
        raise FeatureStoreError(f"dtype must be {' or '.join(DTYPES)}, found '{dtype}'")


def _read_sources(dataset_dir: Path) -> dict[Modality, Source]:
    files = [dataset_dir / f"{dataset_dir.name}.{modality}" for modality in ALWAYS]
    if not any(path.is_file() for path in files):
        raise DataError(f"there is neither {files[0]} nor {files[1]}: nothing to embed")
    return {modality: read_source(dataset_dir, modality) for modality in ALWAYS}


def _photos(dataset_dir: Path, folder: Path | None, source: Source) -> PhotoFolder | None:
    """Find the photos; a data set without any needs no folder."""
    if not len(source.tokens):
        return None
    return PhotoFolder(folder) if folder else photo_folder_of(dataset_dir)


def _run_alone(job: _Job, sources: dict[Modality, Source]) -> EmbedReport:
    """Run while no other process works on the same store."""
    try:
        job.folder.parent.mkdir(exist_ok=True)
        with FileLock(job.folder.with_name(f".{job.folder.name}.lock"), timeout=0):
            return _run(job, sources)
    except Timeout as error:
        raise FeatureStoreError(f"{job.folder}: another run is at work on it") from error
    except OSError as error:
        raise FeatureStoreError(
            f"{job.folder} was left as it was: {error}; what is encoded so far is kept beside it, "
            "and the same command goes on from there"
        ) from error


def _run(job: _Job, sources: dict[Modality, Source]) -> EmbedReport:
    report = EmbedReport(job.folder, without_text=len(sources["review"].empty))
    restore_old(job.folder)
    plans = {modality: _plan(job, source, report) for modality, source in sources.items()}
    if all(plan.changes_nothing() for plan in plans.values()):
        shutil.rmtree(aside_of(job.folder), ignore_errors=True)
        _tell_complete(report, plans)
        return report
    store = PartialStore(job.folder, _identity(job, plans))
    if store.discarded:
        report.notes.append(
            "an interrupted run was thrown away: encoder, number type or data set have changed"
        )
    with encoding(job.engine, job.elsewhere, job.encoder, job.workers) as encode:
        modalities = {
            modality: _fill(job, plan, store, report, encode) for modality, plan in plans.items()
        }
    if "sentence" in modalities:
        modalities["sentence"]["rule"] = RULE
    made = {"dtype": job.dtype, "package_version": __version__, "modalities": modalities}
    store.publish(job.encoder.provenance() | made | {"digests": store.digests()})
    return report


def _tell_complete(report: EmbedReport, plans: dict[Modality, Plan]) -> None:
    report.notes.append("the store is complete already: nothing was encoded")
    for modality, plan in plans.items():
        report.encoded[modality], report.reused[modality] = 0, len(plan.order)
        report.skipped[modality] = plan.hopeless


def _plan(job: _Job, source: Source, report: EmbedReport) -> Plan:
    old, why_not = open_old(job.dataset_dir, source.modality, job.encoder.provenance(), job.dtype)
    if why_not is not None:
        report.notes.append(f"{source.modality}: encoded anew, since {why_not}")
    prepare = preparing(job.encoder, job.photos, source, job.pixel_limit)

    def check(positions: np.ndarray) -> dict[str, str]:
        blocks = _blocks(positions, job.batch_size)
        failed: dict[str, str] = {}
        for batch in prefetch(prepare, blocks, job.workers):
            failed.update(batch.failed)
        return failed

    return make_plan(source, old, check)


def _blocks(positions: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """Cut positions into batches; none of nothing."""
    return (positions[start : start + size] for start in range(0, len(positions), size))


def _identity(job: _Job, plans: dict[Modality, Plan]) -> dict[str, Any]:
    provenance = job.encoder.provenance()
    told = {key: provenance[key] for key in ("weights_digest", "preprocessing", "dim")}
    prints = {modality: plan.fingerprint() for modality, plan in plans.items()}
    return told | {"dtype": job.dtype, "pixel_limit": job.pixel_limit, "plans": prints}


def _fill(
    job: _Job, plan: Plan, store: PartialStore, report: EmbedReport, encode: Encode
) -> dict[str, Any]:
    """Bring one modality to its end; returns its part of ``meta.json``."""
    source = plan.source
    with store.writer(source.modality, len(plan.order), job.encoder.dim, job.dtype) as writer:
        _copy_rows(plan, writer)
        reused = writer.rows
        _encode_rows(job, plan, writer, encode)
        writer.finish()
        failed, rows = writer.skipped, writer.rows
    kept = plan.order[~pd.Index(source.tokens[plan.order]).isin(list(failed))]
    store.write_ids(source.modality, source.tokens[kept], source.hashes[kept])
    report.encoded[source.modality] = rows - reused
    report.reused[source.modality] = reused
    report.skipped[source.modality] = plan.hopeless | failed
    return {"count": rows, "skipped": plan.skipped(failed)}


def _copy_rows(plan: Plan, writer: RowWriter) -> None:
    while plan.old is not None and writer.done < len(plan.old_rows):
        block = plan.old_rows[writer.done : writer.done + _COPY_ROWS]
        writer.commit(len(block), plan.old.matrix[block], {})


def _encode_rows(job: _Job, plan: Plan, writer: RowWriter, encode: Encode) -> None:
    """Encode what is left, writing one batch while the next ones are encoded."""
    modality = plan.source.modality
    left = plan.order[writer.done :]
    batches = encode(plan.source, _blocks(left, job.batch_size))
    bar = progress_bar(
        total=len(plan.order),
        initial=writer.done,
        desc=f"encoding {modality}s",
        unit=modality,
        shown=job.progress,
    )
    with bar, closing(batches), ThreadPoolExecutor(1) as disk:
        written: Future[None] | None = None
        for batch in batches:
            if written is not None:
                written.result()
            written = disk.submit(writer.commit, batch.candidates, batch.rows, batch.failed)
            bar.update(batch.candidates)
        if written is not None:
            written.result()
