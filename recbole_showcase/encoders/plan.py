"""What there is to encode, and what of it is in an earlier store already."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recbole_showcase.atomic import PhotoFolder, read_atomic
from recbole_showcase.encoders.store import (
    ALWAYS,
    FeatureStore,
    Modality,
    features_folder,
    modalities_of,
)
from recbole_showcase.encoders.verify import content_faults
from recbole_showcase.errors import DataError, FeatureStoreError
from recbole_showcase.files.photos import GONE, content_mark
from recbole_showcase.files.plain import read_array

NO_TEXT = "no text"
_COLUMNS: dict[Modality, tuple[str, str]] = {
    "image": ("image_id", "path"),
    "review": ("review_id", "text"),
}


@dataclass(frozen=True)
class Source:
    """What a modality of a data set is made from.

    Attributes:
        modality: ``image``, ``review`` or ``sentence``.
        tokens: Tokens (N,), unique, an object array of str.
        values: Relative paths or texts (N,), an object array of str.
        hashes: A hash (N,) of each photo's content or of each text, uint64; ``GONE`` for photos
            that are not there.
        empty: Tokens that have no text.
        rows: Their rows in the file (N,), from 1.
    """

    modality: Modality
    tokens: np.ndarray
    values: np.ndarray
    hashes: np.ndarray
    empty: np.ndarray
    rows: np.ndarray


@dataclass(frozen=True)
class Plan:
    """How the store of one modality is to be filled: first rows that are there, then new ones.

    Attributes:
        source: What it is made from.
        old: The earlier store that rows are taken from.
        old_rows: Rows (R,) of the earlier store to take.
        order: Positions (C,) in the source of all candidates; the first R are the taken ones.
        hopeless: Tokens that an earlier run skipped and that still cannot be used, and why.
    """

    source: Source
    old: FeatureStore | None
    old_rows: np.ndarray
    order: np.ndarray
    hopeless: dict[str, str]

    @property
    def pending(self) -> int:
        """Number of candidates to encode."""
        return len(self.order) - len(self.old_rows)

    def changes_nothing(self) -> bool:
        """Whether the earlier store is already what this plan would make."""
        if self.old is None or self.pending or len(self.old_rows) != len(self.old):
            return False
        if not self.old.digests:
            return False
        return self.skipped({}) == self.old.skipped

    def skipped(self, failed: dict[str, str]) -> dict[str, str]:
        """Join what has no row: skipped before, skipped now, and without a text."""
        return self.hopeless | failed | dict.fromkeys(self.source.empty.tolist(), NO_TEXT)

    def fingerprint(self) -> str:
        """Digest of the candidates and of what they are made from, in order."""
        digest = hashlib.sha256(f"{len(self.old_rows)} {sorted(self.hopeless.items())}".encode())
        tokens, empty = self.source.tokens[self.order], self.source.empty
        for part in (hashes_of(tokens), self.source.hashes[self.order], hashes_of(empty)):
            digest.update(part.tobytes())
        return digest.hexdigest()


def read_source(dataset_dir: Path, modality: Modality) -> Source:
    """Read tokens and paths or texts of a data set; without the file there are none.

    Photos are not looked at: their hashes are ``GONE`` until :func:`with_contents`.

    Raises:
        DataError: The file is damaged or names a token twice.
    """
    key, column = _COLUMNS[modality]
    path = dataset_dir / f"{dataset_dir.name}.{modality}"
    if path.is_file():
        frame = read_atomic(path, [key, column])
    else:
        frame = pd.DataFrame({key: [], column: []}, dtype=object)
    twice = frame[key].duplicated()
    if twice.any():
        row = int(np.flatnonzero(twice)[0])
        raise DataError(f"{path}, row {row + 1}: {key} {frame[key][row]!r} is there twice")
    tokens = frame[key].to_numpy(dtype=object)
    values = frame[column].to_numpy(dtype=object)
    rows = np.arange(1, len(tokens) + 1)
    if modality == "image":  # an empty path is for the photo folder to refuse, not to pass over
        gone = np.full(len(tokens), GONE, np.uint64)
        return Source(modality, tokens, values, gone, tokens[:0], rows)
    filled = (frame[column].str.strip() != "").to_numpy(dtype=bool)
    return Source(
        modality,
        tokens[filled],
        values[filled],
        hashes_of(values[filled]),
        tokens[~filled],
        rows[filled],
    )


def with_contents(source: Source, folder: PhotoFolder, workers: int) -> Source:
    """The photos of a source with the hashes of what is in them now.

    Args:
        source: Of photos.
        folder: Where they are; what no path in it can name is as good as gone.
        workers: Threads that read.
    """

    def mark(path: str) -> int:
        try:
            return content_mark(folder.resolve(path))
        except DataError:
            return GONE

    with ThreadPoolExecutor(workers) as pool:
        marks = pool.map(mark, source.values)
        return replace(source, hashes=np.fromiter(marks, np.uint64, len(source.values)))


def make_plan(
    source: Source,
    old: FeatureStore | None,
    check: Callable[[np.ndarray], dict[str, str]],
) -> Plan:
    """Decide what is taken from an earlier store and what is encoded.

    A row is taken if its token is in the data set with the same photo or text, or with a photo
    that is not there any more. Tokens that were skipped get another chance: their photos may have
    come since.

    Args:
        source: What the data set has.
        old: A store of the same encoder and number type, if there is one.
        check: Tells of positions in the source which ones cannot be used, as {token: reason}.
    """
    nothing = np.zeros(0, dtype=np.int64)
    if old is None:
        return Plan(source, None, nothing, np.arange(len(source.tokens)), {})
    at = pd.Index(source.tokens, dtype=object).get_indexer(pd.Index(old.ids, dtype=object))
    same, known = at >= 0, old_hashes(old)
    now = np.append(source.hashes, np.uint64(GONE))[at]
    gone = same & (now == GONE) & (source.modality == "image")
    same &= (now == known) | gone
    hashes = source.hashes.copy()
    hashes[at[gone]] = known[gone]  # so that a photo that comes back changed is noticed
    source = replace(source, hashes=hashes)
    old_rows = np.flatnonzero(same)
    fresh = np.ones(len(source.tokens), dtype=bool)
    fresh[at[same]] = False
    tried = np.flatnonzero(fresh & pd.Index(source.tokens).isin(list(old.skipped)))
    hopeless = check(tried)
    fresh &= ~pd.Index(source.tokens).isin(list(hopeless))
    order = np.concatenate([at[same], np.flatnonzero(fresh)])
    return Plan(source, old, old_rows, order, hopeless)


def open_old(
    dataset_dir: Path, modality: Modality, provenance: dict[str, Any], dtype: str
) -> tuple[FeatureStore | None, str | None]:
    """Open the store of an earlier run if its rows may stand beside new ones.

    Returns:
        The store or None, and why it cannot be used, if there is one that cannot.
    """
    folder = features_folder(dataset_dir) / provenance["encoder"]
    if not folder.is_dir() or modality not in (*ALWAYS, *modalities_of(folder)):
        return None, None
    try:
        store = FeatureStore.open(dataset_dir, provenance["encoder"], modality)
        old_hashes(store)
    except FeatureStoreError as error:
        return None, f"the features there are damaged ({error})"
    if faults := content_faults(store):
        return None, f"the features there are damaged ({faults[0]})"
    wanted = provenance | {"dtype": dtype}
    for field in ("weights_digest", "preprocessing", "dim", "dtype"):
        if store.meta[field] != wanted[field]:
            return None, f"the features there have another {field.replace('_', ' ')}"
    return store, None


def old_hashes(store: FeatureStore) -> np.ndarray:
    """What each row (N,) of a store was made from, as :class:`Source` has it.

    Raises:
        FeatureStoreError: The file is missing or does not fit.
    """
    path = store.folder / f"{store.modality}.sources.npy"
    try:
        hashes = read_array(path)
    except (OSError, ValueError) as error:
        raise FeatureStoreError(f"{path}: cannot be read: {error}") from error
    if hashes.shape != store.ids.shape or hashes.dtype != np.uint64:
        raise FeatureStoreError(f"{path}: does not fit the {len(store.ids)} tokens")
    return hashes


def hashes_of(values: np.ndarray) -> np.ndarray:
    """A hash (N,) uint64 of each of some texts (N,), an object array of str."""
    hashed: np.ndarray = pd.util.hash_array(values, categorize=False)
    return hashed
