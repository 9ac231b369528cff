"""A feature store of vectors that came with a data set, made by an encoder that is not at hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from recbole_showcase.encoders.commands import IMPORTED
from recbole_showcase.encoders.partial import PartialStore
from recbole_showcase.encoders.store import ALWAYS
from recbole_showcase.encoders.unit import unit_rows
from recbole_showcase.files.photos import GONE
from recbole_showcase.resources import __version__

_ROWS_AT_ONCE = 4096
DTYPE = "float16"
WITHOUT = "no vector: the source has none, or one that is zero or not finite"


def write_given_store(
    folder: Path, photos: Sequence[str], rows: np.ndarray, vectors: np.ndarray, encoder: str
) -> int:
    """Write the features of photos, each scaled to length one; there are none of texts.

    Args:
        folder: ``NAME.features/<encoder>``, which appears whole or not at all.
        photos: Tokens of ``.image`` (N,).
        rows: The vector of each of them (N,), -1 if it has none.
        vectors: Given vectors (V, D), of any number type.
        encoder: Who made them, as ``meta.json`` is to tell.

    Returns:
        How many of the photos have a row; the others are listed as skipped.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    store = PartialStore(folder, {})
    tokens, dim = np.asarray(photos, dtype=object), int(vectors.shape[1])
    usable = np.zeros(len(tokens), dtype=bool)
    with store.writer("image", len(tokens), dim, DTYPE) as writer:
        for start in range(0, len(tokens), _ROWS_AT_ONCE):
            some = slice(start, start + _ROWS_AT_ONCE)
            unit, faults = unit_rows(vectors[np.maximum(rows[some], 0)])
            good = rows[some] >= 0
            good[list(faults)] = False
            usable[some] = good
            skipped = dict.fromkeys(tokens[some][~good].tolist(), WITHOUT)
            writer.commit(len(good), unit[good], skipped)
        writer.finish()
    kept = tokens[usable]
    store.write_ids("image", kept, np.full(len(kept), GONE, np.uint64))
    with store.writer("review", 0, dim, DTYPE) as writer:
        writer.finish()
    store.write_ids("review", tokens[:0], np.empty(0, np.uint64))
    skipped = dict.fromkeys(tokens[~usable].tolist(), WITHOUT)
    told = {"image": {"count": len(kept), "skipped": skipped}}
    store.publish(
        {
            "encoder": folder.name,
            "architecture": encoder,
            "weights": "",
            "weights_digest": "",
            "preprocessing": {},
            "dim": dim,
            "dtype": DTYPE,
            IMPORTED: {},  # of no files that import-features could read again
            "modalities": told | {m: {"count": 0, "skipped": {}} for m in ALWAYS if m not in told},
            "package_version": __version__,
            "digests": store.digests(),
        }
    )
    return len(kept)
