"""Convert the cities of TripAdvisor that models of photo authorship are compared on.

The layout of the data of ELVis (Díez et al., Information Sciences 2020), which BRIE (Paz-Ruza et
al., Information Fusion 2024) uses as well: a folder a city, in it ``data_10+10`` with pickles.

| file | what is in it |
| --- | --- |
| ``TRAIN_IMG`` | frame with ``id_user``, ``id_restaurant``, ``id_img`` and ``take`` |
| ``DEV_IMG``, ``TEST_IMG`` | frames with the same, and ``is_dev`` in place of ``take`` |
| ``IMG_VEC`` | array of a vector for each ``id_img``, 1,536 wide, of InceptionResNetV2 |

``take`` is 1 for a photo that the user posted of the restaurant, which is repeated for each photo
of others that is set against it, and 0 for these. ``is_dev`` is 1 for the photos that the user
posted with a held-out visit, and 0 for those of others that they are ranked among.

The pickles are read as data (:mod:`recbole_showcase.files.pickled_frames`). Nothing else is read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recbole_showcase.atomic import tables
from recbole_showcase.atomic.account import Account
from recbole_showcase.atomic.conversion import Run, conversion
from recbole_showcase.atomic.engine import Selection, write_query
from recbole_showcase.atomic.options import ConvertOptions
from recbole_showcase.atomic.schema import INTER
from recbole_showcase.errors import DataError
from recbole_showcase.files.pickled_frames import read_pickled_array, read_pickled_columns

if TYPE_CHECKING:
    import pandas as pd

STORE = "tripadvisor"  # the name of the feature store
ENCODER = "InceptionResNetV2"
_PARTS = {  # RecBole's name: the file, and its column that marks the user's own photos
    "train": ("TRAIN_IMG", "take"),
    "valid": ("DEV_IMG", "is_dev"),
    "test": ("TEST_IMG", "is_dev"),
}
_VECTORS = "IMG_VEC"
_IDS = {"user": "id_user", "item": "id_restaurant", "photo": "id_img"}
_PLACES = ("", "data_10+10", "IMGMODEL/data_10+10")  # below a city's folder
OF_OTHERS, AGAIN = "photo of others", "photo told before"
MORE, ELSEWHERE = "another photo of the visit", "visit of an earlier part"

# Writes a store at a path, of photos' tokens, their rows and the vectors.
WriteFeatures = Callable[[Path, Sequence[str], np.ndarray, np.ndarray, str], int]


@dataclass(frozen=True)
class _Visits:
    """What a city's files say.

    Attributes:
        frame: A visit a row: ``user_id``, ``item_id``, ``part`` and ``photo_urls``.
        read: Rows of the files.
        dropped: Rows that are no visit of their own, by reason.
        ranked: Of the held-out visits, how many rank the photos that they rank here, and of
            how many.
    """

    frame: pd.DataFrame
    read: int
    dropped: dict[str, int]
    ranked: tuple[int, int]


def convert_tripadvisor(
    folder: str | Path,
    out: str | Path,
    write_features: WriteFeatures,
    options: ConvertOptions | None = None,
) -> Account:
    """Turn a city into atomic files with its split, and its vectors into a feature store.

    Args:
        folder: The city's folder, or ``data_10+10`` itself.
        out: The data set's folder, ``DATA/NAME``.
        write_features: Writes the store ``tripadvisor``, as ``encoders.write_given_store`` does.
        options: Photos, memory and threads; nothing else is looked at.

    Returns:
        The account, also written as ``conversion.json``. A row kept is a visit.

    Raises:
        DataError: A file is missing, damaged or of another layout, an id has no vector, nothing is
            left, or ``out`` is there and not ours to replace.
    """
    options, out = options or ConvertOptions(), Path(out)
    with conversion(out, options) as run:
        source = _find(Path(folder))
        files = [source / name for name, _ in _PARTS.values()]
        visits = _read_visits(files)
        vectors = _read_vectors(source / _VECTORS, visits.frame)
        selection = _selected(run, visits)
        parts = _write_interactions(run)
        features = Path(f"{run.stem}.features") / STORE
        photos = np.array(list(dict.fromkeys(chain(*visits.frame["photo_urls"]))), dtype=np.int64)
        with_row = write_features(features, list(map(str, photos)), photos, vectors, ENCODER)
        return run.finish(
            "tripadvisor",
            selection,
            [*files, source / _VECTORS],
            parts=parts,
            notes=_notes(visits, len(photos), with_row),
        )


def _find(folder: Path) -> Path:
    """Where the files are.

    Raises:
        DataError: One of them is missing.
    """
    wanted = [*(name for name, _ in _PARTS.values()), _VECTORS]
    places = [folder / place for place in _PLACES]
    source = next((place for place in places if (place / wanted[0]).is_file()), None)
    if source is None:
        looked = ", ".join(str(place) for place in places)
        raise DataError(f"there is no {wanted[0]} in any of {looked}")
    missing = [name for name in wanted if not (source / name).is_file()]
    if missing:
        raise DataError(f"{source} has no {', '.join(missing)}")
    return source


def _read_visits(files: Sequence[Path]) -> _Visits:
    """Which user posted which photos of which restaurant, in which part."""
    import pandas as pd

    read = 0
    posted, ranked = [], []
    for (part, (_, label)), path in zip(_PARTS.items(), files, strict=True):
        told = _read_part(path, label)
        read += len(told)
        own = told[told["own"] == 1].drop(columns="own").assign(part=part)
        posted.append(own)
        if part != "train":
            ranked.append(_alike(told, pd.concat(posted[:-1])))
    rows = pd.concat(posted, ignore_index=True)
    photos = rows.drop_duplicates(ignore_index=True)
    # In the order of their first photo.
    frame = photos.groupby(["user", "item", "part"], sort=False)["photo"].agg(list).reset_index()
    first = ~frame.duplicated(["user", "item"])
    dropped = {
        OF_OTHERS: read - len(rows),
        AGAIN: len(rows) - len(photos),
        MORE: len(photos) - len(frame),
        ELSEWHERE: int((~first).sum()),
    }
    frame = frame[first].rename(columns={"photo": "photo_urls"}).reset_index(drop=True)
    return _Visits(frame, read, dropped, (sum(a for a, _ in ranked), sum(b for _, b in ranked)))


def _read_part(path: Path, label: str) -> pd.DataFrame:
    """Rows of a file: ``user``, ``item`` and ``photo``, and ``own``, 1 where the photo is."""
    import pandas as pd

    names = {**_IDS, "own": label}
    try:
        columns = read_pickled_columns(path, list(names.values()))
        frame = pd.DataFrame({name: _whole(columns[field], field) for name, field in names.items()})
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    return frame


def _whole(column: np.ndarray, name: str) -> np.ndarray:
    """Whole numbers of 0 or more (N,) int64.

    Raises:
        ValueError: There is something else.
    """
    try:
        numbers = column.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"its column '{name}' holds what is no number") from error
    bad = ~(np.isfinite(numbers) & (numbers >= 0) & (numbers < 2**53) & (numbers % 1 == 0))
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(
            f"column '{name}', row {row}: {column[row]}; allowed are whole numbers from 0"
        )
    return numbers.astype(np.int64)


def _alike(told: pd.DataFrame, before: pd.DataFrame) -> tuple[int, int]:
    """How many held-out visits rank just the photos of the restaurant by others before, of all."""
    pairs = ["user", "item"]
    others = told[told["own"] == 0].drop_duplicates([*pairs, "photo"])
    own = told[told["own"] == 1].drop_duplicates(pairs)[pairs]
    known = before.drop_duplicates(["item", "photo"])[["item", "photo"]]
    both = others.merge(known, on=["item", "photo"]).groupby(pairs).size().rename("both")
    given = others.groupby(pairs).size().rename("given")
    here = known.groupby("item").size().rename("here")
    counts = own.join(given, on=pairs).join(both, on=pairs).join(here, on="item").fillna(0)
    same = (counts["given"] == counts["both"]) & (counts["both"] == counts["here"])
    return int(same.sum()), len(own)


def _read_vectors(path: Path, visits: pd.DataFrame) -> np.ndarray:
    """The vectors of photos (V, D)."""
    try:
        vectors = read_pickled_array(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if vectors.ndim != 2 or vectors.dtype.kind not in "fiu" or not vectors.shape[1]:
        raise DataError(
            f"{path} has shape {vectors.shape} and type {vectors.dtype}; allowed: a matrix of "
            "numbers, a photo a row"
        )
    most = max((max(photos) for photos in visits["photo_urls"]), default=-1)
    if most >= len(vectors):
        raise DataError(f"{path} has {len(vectors):,} rows, and there is a photo with id {most:,}")
    return vectors


def _selected(run: Run, visits: _Visits) -> Selection:
    """The visits as ``rows``, and what of the source they are."""
    told = visits.frame
    run.connection.register("told", told)
    run.connection.execute(
        """CREATE TABLE rows AS SELECT user::VARCHAR AS user_id, item::VARCHAR AS item_id,
            NULL::BIGINT AS time, hash(user::VARCHAR) AS u, hash(item::VARCHAR) AS i, part,
            NULL::VARCHAR AS text, [p::VARCHAR FOR p IN photo_urls] AS photo_urls,
            NULL::INTEGER AS reason FROM told;
        CREATE TABLE meta AS SELECT '' AS id, '' AS name, ['']::VARCHAR[] AS category,
            0.0 AS latitude, 0.0 AS longitude, 0.0 AS price, 0.0 AS avg_rating,
            0.0 AS num_reviews LIMIT 0"""
    )
    run.connection.unregister("told")
    selection = Selection(run.connection, ())
    selection.rows_read, selection.dropped = visits.read, visits.dropped
    selection.settle()
    return selection


def _write_interactions(run: Run) -> dict[str, int]:
    """Write the three parts of ``.inter``; return the rows of each."""
    head = tables.headers(INTER.without("rating", "timestamp"))
    query = f"SELECT user_id, item_id, {tables.REVIEW_ID} FROM rows WHERE part = "
    return {
        part: write_query(
            run.connection, Path(f"{run.stem}.{part}.inter"), head, f"{query}'{part}'"
        )
        for part in _PARTS
    }


def _notes(visits: _Visits, photos: int, with_row: int) -> tuple[str, ...]:
    same, held_out = visits.ranked
    notes = [
        "The split is kept as RecBole benchmark files: set benchmark_filename: [train, valid, "
        "test] in RecBole's configuration.",
        "There are no times, ratings or texts: photos are chosen and no text is learned; "
        f"showcase_encoder: {STORE} reads the vectors of {ENCODER}.",
        f"{same:,} of {held_out:,} held-out visits rank the same photos by others in the source.",
    ]
    if with_row < photos:
        notes.append(f"{photos - with_row:,} of {photos:,} photos have no usable vector.")
    return tuple(notes)
