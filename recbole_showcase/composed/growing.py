"""Data that moves on: what the files hold by now, for a model that was trained on earlier ones.

A model keeps its weights and the internal ids of its users and items. What came since has ids
behind them, which stand for nobody in particular where the model is asked (``Profiles.model_ids``);
its reviews and photos are history and candidates like all others.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from recbole_showcase.atomic import as_texts, positions, read_columns
from recbole_showcase.data.corpus import (
    DROPPED,
    TEST,
    TRAIN,
    VALID,
    Interactions,
    PhotoTable,
    ReviewCorpus,
)
from recbole_showcase.data.explanation import ExplanationData
from recbole_showcase.data.marks import Before, DataMarks, places_of, row_marks
from recbole_showcase.encoders.commands import check_command
from recbole_showcase.encoders.store import FeatureStore
from recbole_showcase.errors import DataError
from recbole_showcase.integration.parsing import read_like_recbole

Known = Literal["training", "now"]
REVIEW_FIELD = "review_id"


@dataclass(frozen=True)
class DataFiles:
    """The files of a data set, and how RecBole's settings have them read.

    Attributes:
        folder: The data set's folder.
        name: The data set.
        interactions: The files of interactions.
        fields: Names of the columns of users, items, times and ratings.
        separator: RecBole's ``field_separator``.
        encoding: RecBole's ``encoding``.
    """

    folder: Path
    name: str
    interactions: tuple[Path, ...]
    fields: tuple[str, str, str, str]
    separator: str
    encoding: str

    @classmethod
    def of(cls, config: Any) -> DataFiles:
        """Those of a RecBole configuration."""
        folder, name = Path(config["data_path"]), config["dataset"]
        parts = config["benchmark_filename"]
        stems = [name] if parts is None else [f"{name}.{part}" for part in parts]
        keys = ("USER_ID_FIELD", "ITEM_ID_FIELD", "TIME_FIELD", "RATING_FIELD")
        fields = tuple(str(config[key]) for key in keys)
        files = tuple(folder / f"{stem}.inter" for stem in stems)
        separator, encoding = config["field_separator"], config["encoding"] or "utf-8"
        return cls(folder, name, files, fields, separator, encoding)  # type: ignore[arg-type]

    def file(self, suffix: str) -> Path:
        """A file of the data set by its suffix."""
        return self.folder / f"{self.name}.{suffix}"

    @property
    def groups(self) -> list[tuple[Path, ...]]:
        """The files of interactions, of items, of reviews and of photos."""
        return [self.interactions, *((self.file(s),) for s in ("item", "review", "image"))]

    def sizes(self) -> np.ndarray:
        """Bytes of the files of interactions, items, reviews and photos (4,)."""
        groups = [[file.stat().st_size for file in own if file.is_file()] for own in self.groups]
        return np.array([sum(own) for own in groups], dtype=np.int64)

    def read_interactions(self) -> pd.DataFrame:
        """Users, items and reviews as categoricals, times and ratings, of all rows (n,).

        Raises:
            DataError: A file cannot be read, or lacks a column.
        """
        user, item, *numbers = self.fields
        frames = []
        for path in self.interactions:
            wanted = (user, item, REVIEW_FIELD)
            try:
                own = read_like_recbole(path, wanted, numbers, self.separator, self.encoding)
            except (OSError, ValueError) as error:
                said = str(error).partition("\n")[0][:300]
                advice = check_command(self.folder)
                raise DataError(f"{path} cannot be read: {said}; see: {advice}") from error
            if missing := [name for name in wanted if name not in own]:
                raise DataError(f"{path} has no column '{missing[0]}'")
            frames.append(own.astype({name: object for name in wanted}))
        frame = pd.concat(frames, ignore_index=True)
        for name in numbers:
            if name not in frame:
                frame[name] = np.nan
        texts = frame[[user, item, REVIEW_FIELD]].fillna("")
        return texts.assign(time=frame[numbers[0]], rating=frame[numbers[1]])

    def listed_items(self) -> np.ndarray:
        """Tokens of the items that ``.item`` lists, none where there is no such file."""
        path, field = self.file("item"), self.fields[1]
        if not path.is_file():
            return np.empty(0, dtype=object)
        table = read_columns(path, (field,), self.separator, self.encoding)
        return table[field].to_numpy() if field in table else np.empty(0, dtype=object)


def has_grown(trained: ExplanationData, config: Any) -> bool:
    """Whether the files are others than those that a training knew, by their sizes."""
    marks = trained.marks
    return marks is not None and bool((marks.sizes != DataFiles.of(config).sizes()).any())


def check_known(known: str) -> None:
    """Refuse another word than ``Known`` has.

    Raises:
        DataError: Says which there are.
    """
    if known not in get_args(Known):
        raise DataError(f"known is {known!r}; allowed: {', '.join(map(repr, get_args(Known)))}")


def data_now(trained: ExplanationData, config: Any, known: Known = "now") -> ExplanationData:
    """What the files hold now, on the internal ids of a training and behind them.

    Args:
        trained: What the training knew.
        config: RecBole's configuration of it.
        known: Whether what the run held out counts as known as well (``now``), or what it was
            trained on and what came since (``training``).

    Raises:
        DataError: A file cannot be read, or ``known`` is another word.
        FeatureStoreError: Reviews, photos or sentences have no features yet; says how to make them.
    """
    check_known(known)
    if trained.marks is None:
        raise DataError("the data set does not say which rows it has: it is an older, saved one")
    files, corpus = DataFiles.of(config), trained.corpus
    interactions, tokens, new = _interactions_now(files, corpus, trained.marks, known)
    before = Before(trained.marks, len(corpus.user_tokens), len(corpus.item_tokens), alone=False)
    store = corpus.features.store
    reviews, images = (FeatureStore(store.folder, m, store.named) for m in ("review", "image"))
    target = trained.settings.target
    now = ReviewCorpus(files.file("review"), interactions, reviews, target, *tokens, before)
    photos = PhotoTable(files.file("image"), now, images)
    longer = np.zeros(len(tokens[0]), dtype=bool)
    longer[interactions.users[new]] = True
    longer |= known == "now"
    return trained.grown(now, photos, longer)


def _interactions_now(
    files: DataFiles, corpus: ReviewCorpus, marks: DataMarks, known: Known
) -> tuple[Interactions, tuple[np.ndarray, np.ndarray], np.ndarray]:
    """The rows of then by their numbers, nothing in those that are gone, and the new ones behind.

    Returns:
        The rows, tokens of users and of items by internal id, and which rows are new.
    """
    frame = files.read_interactions()
    columns = [frame[name].to_numpy() for name in frame.columns]
    own = row_marks(columns[0], columns[1], columns[2], columns[3])
    place = places_of(marks.rows, own)
    new = np.ones(len(own), dtype=bool)
    new[place[place >= 0]] = False
    came = np.flatnonzero(new & (columns[0] != "") & (columns[1] != ""))
    came = came[np.lexsort((own[came], columns[3][came]))]  # whatever their order in the file
    place = np.concatenate([[-1], place, came])  # row 0 is nothing
    first = len(marks.rows) + 1
    users, items, reviews, times, ratings = (_taken(column, place) for column in columns)
    splits = np.concatenate([[DROPPED], marks.splits, np.full(len(came), TRAIN, np.int8)])
    splits = np.where(place < 0, DROPPED, splits).astype(np.int8)
    if known == "now":
        splits[np.isin(splits, (VALID, TEST))] = TRAIN
    tokens = (
        _with_new(corpus.user_tokens, users[first:]),
        _with_new(corpus.item_tokens, np.append(items[first:], files.listed_items())),
    )
    ids = [
        np.where(splits == DROPPED, 0, positions(values, own_tokens))
        for values, own_tokens in zip((users, items), tokens, strict=True)
    ]
    found = Interactions(ids[0], ids[1], splits, times, ratings, as_texts(reviews))
    return found, tokens, np.arange(first, len(place))


def _taken(column: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The values at some places, nothing where a place is -1."""
    nothing = np.nan if column.dtype == np.float64 else ""
    return np.append(column, np.array([nothing], dtype=column.dtype))[place]


def _with_new(tokens: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Tokens by internal id, with those of the others that are not among them behind, sorted."""
    new = pd.Index(pd.unique(others)).difference(pd.Index(tokens)).to_numpy(dtype=object)
    return np.concatenate([tokens, new[new != ""]])
