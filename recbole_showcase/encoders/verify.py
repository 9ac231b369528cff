"""All of the content of a feature store: what opening it leaves out because it takes long."""

from __future__ import annotations

import numpy as np

from recbole_showcase.encoders.store import FILE_ENDINGS, FeatureStore, digest_of_file

_BLOCK_ROWS = 4096
# float16 rounds a number by a part in 2,048, which moves a length by less.
_LENGTH_TOLERANCE = 0.01


def content_faults(store: FeatureStore) -> list[str]:
    """What is wrong with the files of an opened store; nothing if it is as it was written.

    A flipped bit changes a digest, and rows that are no vectors of length one are named. A store
    without digests, of an earlier version, has the lengths of its rows looked at only.

    Returns:
        One line a fault, which names the file.
    """
    faults = [
        f"{path}: is not as it was written (another SHA-256 than in meta.json)"
        for path in (store.folder / f"{store.modality}{ending}" for ending in FILE_ENDINGS)
        if path.name in store.digests
        and not (path.is_file() and digest_of_file(path) == store.digests[path.name])
    ]
    return faults + _length_faults(store)


def _length_faults(store: FeatureStore) -> list[str]:
    lengths = [
        np.linalg.norm(store.matrix[start : start + _BLOCK_ROWS].astype(np.float32), axis=1)
        for start in range(0, len(store), _BLOCK_ROWS)
    ]
    length = np.concatenate([np.empty(0, np.float32), *lengths])
    odd = np.flatnonzero(~(np.abs(length - 1) <= _LENGTH_TOLERANCE))
    if not len(odd):
        return []
    return [
        f"{store.folder / store.modality}.npy: {len(odd):,} rows are not of length one, such as "
        f"that of {store.ids[odd[0]]!r} (row {odd[0]}), of length {length[odd[0]]:.4g}"
    ]
