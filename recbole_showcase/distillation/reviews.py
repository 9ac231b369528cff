"""The ``.review`` file: a stream of rows, its explanation column rewritten, its photos."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

from recbole_showcase.arguments import name_of
from recbole_showcase.atomic import REVIEW, read_atomic, read_fields
from recbole_showcase.data.ragged import Ragged
from recbole_showcase.encoders import ClipEncoder, FeatureStore
from recbole_showcase.errors import DataError
from recbole_showcase.files.replace import replaced


@dataclass
class ReviewRow:
    """One line of ``.review``, as bytes, so that what is not changed stays as it is.

    Attributes:
        values: The values of all columns.
        ending: What ends the line.
        at: Where review_id, text and explanation are among the values.
    """

    values: list[bytes]
    ending: bytes
    at: tuple[int, ...]

    @property
    def review_id(self) -> str:
        """Token of the review."""
        return self.values[self.at[0]].decode()

    @property
    def text(self) -> str:
        """The whole review."""
        return self.values[self.at[1]].decode()

    @property
    def explanation(self) -> str:
        """The column that distillation fills."""
        return self.values[self.at[2]].decode()

    @property
    def size(self) -> int:
        """Bytes of the line."""
        return sum(len(value) + 1 for value in self.values) - 1 + len(self.ending)

    def line(self, explanation: str) -> bytes:
        """The line with another explanation, which must be clean (see ``atomic.cleaning``)."""
        values = list(self.values)
        values[self.at[2]] = explanation.encode()
        return b"\t".join(values) + self.ending


def find_columns(path: Path) -> tuple[int, ...]:
    """Where review_id, text and explanation are among the columns of a ``.review`` file.

    Raises:
        DataError: The file or one of the three is missing.
    """
    names = [field.name for field in read_fields(path)]
    missing = [name for name in REVIEW.names if name not in names]
    if missing:
        raise DataError(f"{path} has no column {missing[0]!r}; it has {', '.join(names)}")
    return tuple(names.index(name) for name in REVIEW.names)


def read_rows(path: Path) -> Iterator[ReviewRow]:
    """Read the rows of a ``.review`` file one by one.

    Raises:
        DataError: The file or a column is missing, a row has too few or too many values, or is
            no UTF-8; names file and line.
    """
    at, columns = find_columns(path), len(read_fields(path))
    with path.open("rb") as file:
        next(file)
        for number, line in enumerate(file, start=2):
            body = line.rstrip(b"\r\n")
            values = body.split(b"\t")
            if len(values) != columns:
                raise DataError(
                    f"{path}, line {number}: {len(values)} values; the header has {columns} columns"
                )
            try:
                body.decode()
            except UnicodeDecodeError as error:
                raise DataError(f"{path}, line {number}: {error}") from error
            yield ReviewRow(values, line[len(body) :], at)


def in_blocks(rows: Iterable[ReviewRow], size: int) -> Generator[list[ReviewRow], None, None]:
    """Put ``size`` rows together at a time; the last block may be shorter."""
    rows = iter(rows)
    while block := list(islice(rows, size)):
        yield block


@contextmanager
def rewritten(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write beside ``path`` that takes its place at the end, or not at all.

    It begins with the header of the old one.
    """
    with replaced(path, sync=True) as partial:
        with partial.open("wb") as file, path.open("rb") as old:
            file.write(old.readline())
            yield file
        shutil.copymode(path, partial)


class PhotoReviews:
    """Reviews on disk, the photos posted with each, and the encoder of their features.

    Only ids and row numbers are kept in memory; texts and features stay on disk.

    Attributes:
        path: The ``.review`` file.
        store: Features of the photos.
        encoder: The encoder that made them.
        photos: For each review with photos, rows of the store.
    """

    def __init__(
        self, dataset_dir: Path, encoder: str = "showcase-tiny", device: str = "cpu"
    ) -> None:
        """Open a data set.

        Args:
            dataset_dir: ``DATA/NAME`` with ``NAME.review``, ``NAME.image`` and features.
            encoder: Name of the feature store.
            device: Where sentences are encoded.

        Raises:
            DataError: A file or a column is missing or damaged.
            FeatureStoreError: The features are missing, do not fit the data set, or their encoder
                cannot be loaded.
        """
        dataset_dir = Path(dataset_dir)
        stem = dataset_dir / name_of(dataset_dir)
        self.path = Path(f"{stem}.review")
        find_columns(self.path)
        self.store = FeatureStore.open(dataset_dir, encoder, "image")
        images = read_atomic(f"{stem}.image", ["image_id", "review_id"])
        rows = self.store.rows(images["image_id"])
        usable = (rows >= 0) & (images["review_id"] != "").to_numpy()
        codes, names = pd.factorize(images["review_id"].to_numpy(dtype=object)[usable])
        self.photos = Ragged.from_pairs(codes, rows[usable], len(names))
        self._reviews = pd.Index(names, dtype=object)
        self.encoder = ClipEncoder.of_store(self.store, device)

    def numbers_of(self, rows: list[ReviewRow]) -> np.ndarray:
        """Keys (B,) of reviews in ``photos``; -1 where a review has no text or no photos."""
        found = self._reviews.get_indexer(pd.Index([row.review_id for row in rows], dtype=object))
        has_text = np.array([bool(row.text.strip()) for row in rows], dtype=bool)
        return np.where(has_text, found, -1)

    def features(self, rows: np.ndarray) -> np.ndarray:
        """Features (M, D) float32 of rows (M,) of the store."""
        return self.store.matrix[rows].astype(np.float32)

    def sample(self, size: int, random: np.random.Generator) -> list[ReviewRow]:
        """Draw reviews with text and photos, each as likely as any other, in one pass.

        Algorithm R of Vitter, "Random Sampling with a Reservoir", 1985.
        """
        chosen: list[ReviewRow] = []
        seen = 0
        for row in read_rows(self.path):
            if row.review_id not in self._reviews or not row.text.strip():
                continue
            seen += 1
            if len(chosen) < size:
                chosen.append(row)
            elif (place := int(random.integers(seen))) < size:
                chosen[place] = row
        return chosen
