"""Features of photos and reviews on disk: memory-mapped rows that are joined by token.

``NAME.features/<encoder>/`` holds, for each of the modalities ``image`` and ``review``:

| file | what is in it |
| --- | --- |
| ``<modality>.npy`` | (N, D) float16 or float32, every row of length one |
| ``<modality>.ids`` | N tokens of ``.image`` or ``.review``, one a line, utf-8, in row order |
| ``<modality>.sources.npy`` | (N,) uint64, a hash of the path or text that a row was made from |

and one ``meta.json`` for both: who encoded them and how, how many there are, and which
tokens were skipped for which reason.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from recbole_showcase.encoders.names import absolute, brings_its_weights, store_name
from recbole_showcase.errors import FeatureStoreError

Modality = Literal["image", "review"]
MODALITIES: tuple[Modality, ...] = get_args(Modality)
DTYPES = ("float16", "float32")
_BLOCK_BYTES = 1 << 20  # stays in a core's cache

_META_FIELDS: dict[str, type] = {
    "encoder": str,
    "architecture": str,
    "weights": str,
    "weights_digest": str,
    "preprocessing": dict,
    "dim": int,
    "dtype": str,
    "modalities": dict,
    "package_version": str,
}


def features_folder(dataset_dir: Path) -> Path:
    """Folder of all feature stores of a data set: ``DATA/NAME`` has ``DATA/NAME/NAME.features``."""
    dataset_dir = Path(os.path.abspath(dataset_dir))  # a link keeps its own name
    return dataset_dir / f"{dataset_dir.name}.features"


class FeatureStore:
    """The features of one modality by one encoder, opened read-only.

    Attributes:
        folder: ``NAME.features/<encoder>``.
        modality: ``image`` or ``review``.
        matrix: Memory-mapped rows (N, D), float16 or float32, each of length one.
        ids: The tokens of the rows (N,), an object array of str.
        meta: What ``meta.json`` says.
        skipped: Tokens that have no row, and why.
        named: The architecture, if the store was asked for by one that brings its weights.
    """

    def __init__(self, folder: Path, modality: Modality, named: str | None = None) -> None:
        """Open and check the store; see :meth:`open`."""
        self.folder = folder
        self.named = named
        self.modality: Modality = modality
        self.meta = read_meta(folder / "meta.json")
        self.skipped: dict[str, str] = self.meta["modalities"][modality]["skipped"]
        self.matrix = self._open_matrix()
        self.ids = read_ids(folder / f"{modality}.ids")
        self._check_ids()
        self._check_finite()

    @classmethod
    def open(cls, dataset_dir: Path, encoder: str, modality: Modality) -> FeatureStore:
        """Open the features of a data set.

        Args:
            dataset_dir: ``DATA/NAME``.
            encoder: Name of the store, for example ``showcase-tiny`` or
                ``ViT-B-32--laion2b_s34b_b79k``, or the architecture that made it,
                ``local-dir:FOLDER`` or ``hf-hub:OWNER/NAME``.
            modality: ``image`` or ``review``.

        Raises:
            FeatureStoreError: There is no such store, its files do not fit together, or a row is
                not finite.
        """
        if modality not in MODALITIES:
            raise FeatureStoreError(f"modality '{modality}' is not one of {', '.join(MODALITIES)}")
        parent = features_folder(dataset_dir)
        named, encoder = encoder, store_name(encoder)
        if encoder in {"", ".", ".."} or Path(encoder).name != encoder:
            raise FeatureStoreError(f"encoder '{encoder}' is not the name of a folder in {parent}")
        folder = parent / encoder
        if not folder.is_dir():
            raise FeatureStoreError(
                f"no features of encoder '{encoder}' in {parent} (there: {_stores(parent)}); "
                f"make them with: recbole-showcase embed {dataset_dir}"
            )
        return cls(folder, modality, absolute(named) if named != encoder else None)

    @property
    def dim(self) -> int:
        """Width of a row, D."""
        return int(self.matrix.shape[1])

    def __len__(self) -> int:
        """Return the number of rows, N."""
        return len(self.ids)

    def rows(self, tokens: Sequence[str] | np.ndarray | pd.Series) -> np.ndarray:
        """Find the rows of tokens.

        Args:
            tokens: (M,) tokens in any order, repeated ones too.

        Returns:
            (M,) int64 row numbers into ``matrix``; -1 for a token that was skipped.

        Raises:
            FeatureStoreError: A token is neither in the store nor among the skipped.
        """
        wanted = np.asarray(tokens, dtype=object)
        found = self._index.get_indexer(pd.Index(wanted, dtype=object))
        missing = found < 0
        if missing.any():
            names = pd.unique(wanted[missing])
            shown = ", ".join(repr(name) for name in names[:5])
            raise FeatureStoreError(
                f"{self._file('.ids')}: {len(names)} of the tokens asked for are not there, "
                f"first {shown}; embed the data set again to add them"
            )
        return np.where(found < len(self.ids), found, -1).astype(np.int64)

    @cached_property
    def _index(self) -> pd.Index:
        # The skipped tokens come after the rows: a position past the last row means "skipped".
        skipped = np.array(list(self.skipped), dtype=object)
        return pd.Index(np.concatenate([self.ids, skipped]), dtype=object)

    def _file(self, ending: str) -> Path:
        return self.folder / f"{self.modality}{ending}"

    def _open_matrix(self) -> np.memmap:
        path = self._file(".npy")
        try:
            matrix = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise FeatureStoreError(f"{path}: cannot be read as a matrix: {error}") from error
        want = (self.meta["modalities"][self.modality]["count"], self.meta["dim"])
        if matrix.shape != want or matrix.dtype.name != self.meta["dtype"]:
            raise FeatureStoreError(
                f"{path}: is {matrix.shape} {matrix.dtype}, "
                f"but meta.json says {want} {self.meta['dtype']}"
            )
        return matrix

    def _check_ids(self) -> None:
        path = self._file(".ids")
        if len(self.ids) != len(self.matrix):
            raise FeatureStoreError(
                f"{path}: {len(self.ids)} tokens for {len(self.matrix)} rows of "
                f"{self._file('.npy').name}"
            )
        if not self._index.is_unique:
            twice = self._index[self._index.duplicated()]
            raise FeatureStoreError(f"{path}: token '{twice[0]}' is there twice")

    def _check_finite(self) -> None:
        """Look at the exponents, all ones in NaN and infinity; NumPy takes ten times as long."""
        bits = self.matrix.view(self.matrix.dtype.str.replace("f", "u"))
        exponent = bits.dtype.type(0x7C00 if bits.itemsize == 2 else 0x7F800000)
        step = max(1, _BLOCK_BYTES // max(1, self.dim * bits.itemsize))
        for start in range(0, len(bits), step):
            if (bits[start : start + step] & exponent).max(initial=0) == exponent:
                finite = np.isfinite(self.matrix[start : start + step]).all(axis=1)
                row = start + int(np.argmin(finite))
                raise FeatureStoreError(
                    f"{self._file('.npy')}: the {self.modality} features of {self.ids[row]!r} "
                    f"(row {row}) are not finite; make them anew with: {self._command()}"
                )

    def _command(self) -> str:
        """What encodes the data set again."""
        architecture, weights = self.meta["architecture"], self.meta["weights"]
        words = ["recbole-showcase", "embed", str(self.folder.parent.parent)]
        words += ["--encoder", architecture]
        words += [] if brings_its_weights(architecture) else ["--weights", weights]
        return shlex.join(words)


def read_ids(path: Path) -> np.ndarray:
    """Read the tokens of a store, (N,) object array of str.

    Only a line feed ends a token, so that one with an exotic line separator survives.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FeatureStoreError(f"{path}: cannot be read: {error}") from error
    return np.array(text.removesuffix("\n").split("\n") if text else [], dtype=object)


def read_meta(path: Path) -> dict[str, Any]:
    """Read and check ``meta.json``.

    Raises:
        FeatureStoreError: The file is missing or damaged, or a field is missing or ill-typed.
    """
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FeatureStoreError(f"{path}: cannot be read: {error}") from error
    if not isinstance(meta, dict):
        raise FeatureStoreError(f"{path}: holds no object")
    for field, kind in _META_FIELDS.items():
        if not isinstance(meta.get(field), kind):
            found = repr(meta[field]) if field in meta else "nothing"
            raise FeatureStoreError(f"{path}: '{field}' must be {kind.__name__}, found {found}")
    if meta["dtype"] not in DTYPES:
        raise FeatureStoreError(
            f"{path}: 'dtype' must be {' or '.join(DTYPES)}, found '{meta['dtype']}'"
        )
    for modality in MODALITIES:
        entry = meta["modalities"].get(modality)
        fits = isinstance(entry, dict) and isinstance(entry.get("count"), int)
        if not fits or not isinstance(entry.get("skipped"), dict):
            raise FeatureStoreError(
                f"{path}: 'modalities' must give 'count' and 'skipped' of {modality}, found {entry}"
            )
    return meta


def _stores(parent: Path) -> str:
    if not parent.is_dir():
        return "none"
    names = sorted(p.name for p in parent.iterdir() if p.is_dir() and not p.name.startswith("."))
    return ", ".join(names) or "none"
