"""Features of photos and reviews on disk: memory-mapped rows that are joined by token.

``NAME.features/<encoder>/`` holds, for each of the modalities ``image`` and ``review``, and for
``sentence`` where they were asked for:

| file | what is in it |
| --- | --- |
| ``<modality>.npy`` | (N, D) float16 or float32, every row of length one |
| ``<modality>.ids`` | N tokens of ``.image`` or ``.review``, one a line, utf-8, in row order |
| ``<modality>.sources.npy`` | (N,) uint64, a hash of the photo or text that a row was made from |

A sentence has a token of its own, see :mod:`recbole_showcase.encoders.sentences`. There is one
``meta.json`` for all: who encoded them and how, how many there are, which tokens were
skipped for which reason, and the digests of the three files. Whoever opens a store has the tokens
compared with their digest and the rows looked at for what is no vector; all of the content is
compared by :mod:`recbole_showcase.encoders.verify`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, cast, get_args

import numpy as np
import pandas as pd
import pyarrow as pa

from recbole_showcase.atomic import as_arrow, line_blocks, positions, repeated
from recbole_showcase.encoders.commands import IMPORTED, embed_command, import_command, making
from recbole_showcase.encoders.in_order import RowsInOrder
from recbole_showcase.encoders.names import absolute, store_name
from recbole_showcase.errors import FeatureStoreError
from recbole_showcase.files.plain import read_array, read_json

Modality = Literal["image", "review", "sentence"]
MODALITIES: tuple[Modality, ...] = get_args(Modality)
ALWAYS: tuple[Modality, ...] = ("image", "review")  # every store has these
DTYPES = ("float16", "float32")
FILE_ENDINGS = (".npy", ".ids", ".sources.npy")  # of a modality's files
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
        modality: ``image``, ``review`` or ``sentence``.
        matrix: Memory-mapped rows (N, D), float16 or float32, each of length one.
        meta: What ``meta.json`` says.
        skipped: Tokens that have no row, and why.
        named: The architecture, if the store was asked for by one that brings its weights.
    """

    def __init__(self, folder: Path, modality: Modality, named: str | None = None) -> None:
        """Open and check the store; see :meth:`open`."""
        self.folder = folder
        self.named = named
        self.modality: Modality = modality
        try:
            self.meta = read_meta(folder / "meta.json")
        except FeatureStoreError as error:
            advice = making(folder.parent.parent, folder.name)
            raise FeatureStoreError(f"{error}; {advice}") from error
        if modality not in self.meta["modalities"]:
            raise FeatureStoreError(
                f"{folder} has no features of {modality}s; add them with: {self.command}"
            )
        self.skipped: dict[str, str] = self.meta["modalities"][modality]["skipped"]
        self.matrix = self._open_matrix()
        self._check_ids()
        self._check_rows()

    @classmethod
    def open(cls, dataset_dir: Path, encoder: str, modality: Modality) -> FeatureStore:
        """Open the features of a data set.

        Args:
            dataset_dir: ``DATA/NAME``.
            encoder: Name of the store, for example ``showcase-tiny`` or
                ``ViT-B-32--laion2b_s34b_b79k``, or the architecture that made it,
                ``local-dir:FOLDER`` or ``hf-hub:OWNER/NAME``.
            modality: ``image``, ``review`` or ``sentence``.

        Raises:
            FeatureStoreError: There is no such store, it has no sentences, its files do not fit
                together, the tokens are not those that were written, or a row is not finite or
                nothing but zeros.
        """
        if modality not in MODALITIES:
            raise FeatureStoreError(f"modality '{modality}' is not one of {', '.join(MODALITIES)}")
        folder = cls.place(dataset_dir, encoder)
        return cls(folder, modality, absolute(encoder) if store_name(encoder) != encoder else None)

    @staticmethod
    def place(dataset_dir: Path, encoder: str) -> Path:
        """The folder of the features of a data set, which are not looked at.

        Args:
            dataset_dir: ``DATA/NAME``.
            encoder: As :meth:`open` takes it.

        Raises:
            FeatureStoreError: There is no such store; names the command that makes it.
        """
        parent, name = features_folder(dataset_dir), store_name(encoder)
        if name in {"", ".", ".."} or Path(name).name != name:
            raise FeatureStoreError(f"encoder '{name}' is not the name of a folder in {parent}")
        folder = parent / name
        if not folder.is_dir():
            there = ", ".join(stores_of(dataset_dir)) or "none"
            raise FeatureStoreError(
                f"no features of encoder '{name}' in {parent} (there: {there}); "
                f"{making(dataset_dir, name)}"
            )
        return folder

    @property
    def dim(self) -> int:
        """Width of a row, D."""
        return int(self.matrix.shape[1])

    def __len__(self) -> int:
        """Return the number of rows, N."""
        return len(self.matrix)

    def rows(
        self, tokens: Sequence[str] | np.ndarray | pd.Series | pd.arrays.ArrowExtensionArray
    ) -> np.ndarray:
        """Find the rows of tokens.

        Args:
            tokens: (M,) tokens in any order, repeated ones too.

        Returns:
            (M,) int64 row numbers into ``matrix``; -1 for a token that was skipped.

        Raises:
            FeatureStoreError: A token is neither in the store nor among the skipped.
        """
        wanted = as_arrow(tokens)
        found = positions(wanted, self.tokens())
        missing = np.flatnonzero(found < 0)
        if len(missing) and self.skipped:
            known = positions(wanted.take(missing), list(self.skipped)) >= 0
            missing = missing[~known]
        if len(missing):
            names = wanted.take(missing).unique().to_pylist()
            shown = ", ".join(repr(name) for name in names[:5])
            raise FeatureStoreError(
                f"{self._file('.ids')}: {len(names)} of the tokens asked for are not there, "
                f"first {shown}; add them with: {self.command}"
            )
        return found

    @property
    def ids(self) -> np.ndarray:
        """The tokens of the rows (N,), an object array of str, read from the file each time."""
        return self.tokens().to_numpy(zero_copy_only=False)

    def in_order(self) -> RowsInOrder:
        """What finds the rows of tokens that come in the order of the rows."""
        return RowsInOrder(self._token_blocks(), list(self.skipped))

    def tokens(self) -> pa.Array:
        """The tokens of the rows (N,), ``large_string``, read from the file each time."""
        return read_tokens(self._file(".ids").read_bytes())

    def _token_blocks(self) -> Iterator[pa.Array]:
        with self._file(".ids").open("rb") as file:
            yield from map(read_tokens, line_blocks(file))

    def _file(self, ending: str) -> Path:
        return self.folder / f"{self.modality}{ending}"

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 of each file of all modalities by its name; none in stores that have none."""
        digests = self.meta.get("digests")
        return digests if isinstance(digests, dict) else {}

    @property
    def tokens_digest(self) -> str:
        """SHA-256 of the tokens in the order of the rows."""
        path = self._file(".ids")
        return self.digests.get(path.name) or digest_of_file(path)

    @property
    def command(self) -> str:
        """The command that embeds the data set with the same encoder again."""
        if isinstance(imported := self.meta.get(IMPORTED), dict):
            parent, name = self.folder.parent.parent, self.folder.name
            return import_command(parent, name, imported, self.meta["dtype"])
        made = (self.meta[key] for key in ("architecture", "weights", "dtype"))
        sentences = "sentence" in (self.modality, *self.meta["modalities"])
        return embed_command(self.folder.parent.parent, *made, sentences=sentences)

    def _open_matrix(self) -> np.memmap:
        path = self._file(".npy")
        try:
            matrix = cast("np.memmap", read_array(path, mapped=True))
        except (OSError, ValueError) as error:
            raise self._broken(path, f"cannot be read as a matrix: {error}") from error
        want = (self.meta["modalities"][self.modality]["count"], self.meta["dim"])
        if matrix.shape != want or matrix.dtype.name != self.meta["dtype"]:
            raise self._broken(
                path,
                f"is {matrix.shape} {matrix.dtype}, but meta.json says {want} {self.meta['dtype']}",
            )
        if path.stat().st_size != matrix.offset + matrix.nbytes:
            raise self._broken(path, f"has bytes behind its {len(matrix)} rows")
        return matrix

    def _check_ids(self) -> None:
        """Go through the tokens a block at a time; they were told apart when they were written."""
        path, skipped = self._file(".ids"), as_arrow(list(self.skipped))
        count, twice = 0, repeated(skipped)
        try:
            for ids in self._token_blocks():
                count += len(ids)
                again = ids.filter(pa.array(positions(ids, skipped) >= 0))
                twice = str(again[0]) if len(again) else twice
            # Tokens in another order would join every row to another photo, and nothing would tell.
            written = self.digests.get(path.name)
            changed = written is not None and digest_of_file(path) != written
            if written is None or changed:
                twice = repeated(self.tokens()) or twice
        except (OSError, ValueError) as error:
            raise self._broken(path, f"cannot be read: {error}") from error
        if count != len(self.matrix):
            raise self._broken(
                path, f"{count} tokens for {len(self.matrix)} rows of {self._file('.npy').name}"
            )
        if twice is not None:
            raise self._broken(path, f"token '{twice}' is there twice")
        if changed:
            raise self._broken(path, "is not as it was written (another SHA-256 than in meta.json)")

    def _check_rows(self) -> None:
        """Look at the exponents, all ones in NaN and infinity; NumPy takes ten times as long."""
        bits = self.matrix.view(self.matrix.dtype.str.replace("f", "u"))
        exponent = bits.dtype.type(0x7C00 if bits.itemsize == 2 else 0x7F800000)
        step = max(1, _BLOCK_BYTES // max(1, self.dim * bits.itemsize))
        for start in range(0, len(bits), step):
            highest = (bits[start : start + step] & exponent).max(axis=1, initial=0)
            for fault, rows in (("not finite", highest == exponent), ("zeros", highest == 0)):
                if rows.any():
                    row = start + int(np.argmax(rows))
                    raise self._broken(
                        self._file(".npy"),
                        f"the {self.modality} features of {self.ids[row]!r} (row {row}) are "
                        f"{fault}",
                    )

    def _broken(self, path: Path, what: str) -> FeatureStoreError:
        """An error that names a file of the store and the command that makes it anew."""
        return FeatureStoreError(f"{path}: {what}; make them anew with: {self.command}")


def digest_of(content: bytes) -> str:
    """SHA-256 as ``meta.json`` writes it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def digest_of_file(path: Path) -> str:
    """:func:`digest_of` a file's content, which need not fit into memory."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def read_tokens(content: bytes) -> pa.Array:
    """The tokens of an ``.ids`` file, (N,) ``large_string``.

    Only a line feed ends a token, so that one with an exotic line separator survives.

    Raises:
        ValueError: The file is no UTF-8.
    """
    ends = np.flatnonzero(np.frombuffer(content, dtype=np.uint8) == ord("\n"))
    if content and not content.endswith(b"\n"):
        ends = np.append(ends, len(content))
    offsets = np.append(0, ends - np.arange(len(ends)))
    buffers = pa.py_buffer(offsets), pa.py_buffer(content.replace(b"\n", b""))
    tokens = pa.LargeStringArray.from_buffers(len(ends), *buffers)
    tokens.validate(full=True)
    return tokens


def read_meta(path: Path) -> dict[str, Any]:
    """Read and check ``meta.json``.

    Raises:
        FeatureStoreError: The file is missing or damaged, or a field is missing or ill-typed.
    """
    try:
        meta = read_json(path)
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
        if modality not in ALWAYS and modality not in meta["modalities"]:
            continue
        entry = meta["modalities"].get(modality)
        fits = isinstance(entry, dict) and isinstance(entry.get("count"), int)
        skipped = entry.get("skipped") if fits else None
        if not isinstance(skipped, dict) or not all(isinstance(w, str) for w in skipped.values()):
            raise FeatureStoreError(
                f"{path}: 'modalities' must give 'count' and 'skipped' of {modality}, "
                f"found {str(entry)[:200]}"
            )
    return meta


def modalities_of(folder: Path) -> tuple[Modality, ...]:
    """What a store has features of, by its files where its description is damaged."""
    try:
        there = list(read_meta(folder / "meta.json")["modalities"])
    except FeatureStoreError:
        there = [m for m in MODALITIES if m in ALWAYS or (folder / f"{m}.npy").is_file()]
    return tuple(modality for modality in MODALITIES if modality in there)


def stores_of(dataset_dir: Path) -> list[str]:
    """Names of the feature stores of a data set, in alphabetical order."""
    parent = features_folder(dataset_dir)
    if not parent.is_dir():
        return []
    return sorted(p.name for p in parent.iterdir() if p.is_dir() and not p.name.startswith("."))
