"""RecBole data sets whose splits know the reviews and photos of their interactions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from pandas.api.types import union_categoricals
from recbole.data.interaction import Interaction
from recbole.utils import FeatureSource, FeatureType

from recbole_showcase.atomic import as_texts
from recbole_showcase.composed.growing import REVIEW_FIELD, DataFiles
from recbole_showcase.composed.restored import restored_rows, restored_splits
from recbole_showcase.data.corpus import DROPPED, Interactions, PhotoTable, ReviewCorpus
from recbole_showcase.data.marks import Before, DataMarks, row_marks
from recbole_showcase.encoders.commands import check_command
from recbole_showcase.encoders.store import FeatureStore
from recbole_showcase.errors import DataError
from recbole_showcase.integration.config import showcase_settings
from recbole_showcase.integration.parsing import fast_parsing
from recbole_showcase.integration.per_user import grouped
from recbole_showcase.integration.remembered import remembered, renumbered
from recbole_showcase.integration.stages import stage

if TYPE_CHECKING:
    from recbole.data.dataset import Dataset
else:
    Dataset = object

# The number of a row in .inter, from 1. RecBole carries it through filters and splits as a column
# and never sees it as a feature.
ROW_FIELD = "showcase_row"


@contextmanager
def _naming(path: str, folder: Path) -> Iterator[None]:
    """Name what cannot be read, of which RecBole says what Python's own errors say.

    Raises:
        DataError: It cannot be read.
    """
    try:
        yield
    except (ValueError, OSError) as error:
        said = str(error).partition("\n")[0][:300]
        raise DataError(
            f"{path} cannot be read: {said}; what else is wrong is told by: {check_command(folder)}"
        ) from error


class JoinedDatasetMixin(Dataset):
    """Put before a RecBole data set class; adds ``reviews`` and ``photos`` to its splits.

    Attributes:
        reviews: The reviews on this data set's ids, and what is held out; shared by the splits.
        photos: The photos on the same ids.
        row_marks: By which the rows of the files are known again (N,), uint64; None where it was
            saved by a version that made none.
        showcase_rows: Rows of the split, in its order (n,).
    """

    reviews: ReviewCorpus
    photos: PhotoTable
    row_marks: np.ndarray | None = None
    inter_feat: Any
    user_feat: Any
    item_feat: Any
    file_size_list: list[int]
    showcase_rows: np.ndarray
    _rest_fields: np.ndarray

    def __init__(self, config: Any) -> None:
        self._aside: list[dict[str, Any]] = []
        folder = Path(config["data_path"])
        if folder.is_dir():  # said before the interactions are read, which may take minutes
            FeatureStore.place(folder, showcase_settings(config).encoder)
        with stage(config, "interactions"):
            super().__init__(config)

    def _load_inter_feat(self, token: str, dataset_path: str) -> None:
        """Say as an error of ours that there is no such file."""
        with _naming(dataset_path, Path(dataset_path)):
            super()._load_inter_feat(token, dataset_path)
        frame: Any = self.inter_feat
        if self.uid_field in frame and self.iid_field in frame:  # else RecBole says what is missing
            self._know_rows(frame[self.uid_field].array, frame[self.iid_field].array)

    def _know_rows(self, users: Any, items: Any) -> None:
        """Mark the rows; for a checkpoint, leave those alone that its training had."""
        chunks = [chunk for part in self._aside for chunk in part[REVIEW_FIELD].chunks]
        reviews = pa.chunked_array(chunks, pa.large_string())
        times = self._column(self.config["TIME_FIELD"], 1 + len(reviews))[1:]
        self.row_marks = row_marks(users, items, reviews, times)
        if (known := remembered().marks) is None:
            return
        self.inter_feat, self._aside = restored_rows(
            self.inter_feat, self._aside, self.row_marks, known, ROW_FIELD
        )
        self.row_marks = known.rows
        if self.benchmark_filename_list is not None:
            own = known.splits[self.inter_feat[ROW_FIELD].to_numpy() - 1]
            self.file_size_list = np.bincount(own, minlength=len(self.file_size_list)).tolist()

    def _load_feat(self, filepath: str, source: Any) -> Any:
        """Parse faster; of interactions, keep what the explanation side needs to itself."""
        if source is not FeatureSource.INTERACTION:
            with fast_parsing(), _naming(filepath, Path(filepath).parent):
                return self._known_alone(super()._load_feat(filepath, source), source)
        wanted = (REVIEW_FIELD, self.config["TIME_FIELD"], self.config["RATING_FIELD"])
        with (
            fast_parsing(tuple(filter(None, wanted))) as aside,
            _naming(filepath, Path(filepath).parent),
        ):
            frame = super()._load_feat(filepath, source)
        if REVIEW_FIELD not in aside:
            raise DataError(f"{filepath} has no column '{REVIEW_FIELD}:token', which joins reviews")
        first = 1 + sum(len(part[REVIEW_FIELD]) for part in self._aside)
        frame[ROW_FIELD] = np.arange(first, first + len(frame))
        self.field2type[ROW_FIELD] = FeatureType.TOKEN
        self.field2source[ROW_FIELD] = FeatureSource.INTERACTION
        self.field2seqlen[ROW_FIELD] = 1
        self._aside.append(aside)
        return frame

    def _known_alone(self, frame: Any, source: Any) -> Any:
        """Features of users or items without those that came after a training, if it says."""
        field = {FeatureSource.USER: self.uid_field, FeatureSource.ITEM: self.iid_field}.get(source)
        wanted = remembered().tokens.get(str(field))
        if remembered().marks is None or wanted is None or frame is None or field not in frame:
            return frame
        return frame[frame[field].isin(wanted)].reset_index(drop=True)

    def _init_alias(self) -> None:
        """Keep row numbers out of the fields whose tokens RecBole maps to ids."""
        super()._init_alias()
        self._rest_fields = self._rest_fields[self._rest_fields != ROW_FIELD]

    def _filter_inter_by_user_or_item(self) -> None:
        """Skip the look for rows of users and items that a table lacks where there is no table."""
        if self.user_feat is not None or self.item_feat is not None:
            super()._filter_inter_by_user_or_item()

    def _filter_by_inter_num(self) -> None:
        """Skip the counting where every count is allowed, which is RecBole's default."""
        keys = ("user_inter_num_interval", "item_inter_num_interval")
        if any(self.config[key] not in (None, "[0,inf)") for key in keys):
            super()._filter_by_inter_num()

    def _remap(self, remap_list: list[tuple[Any, str, Any]]) -> None:
        """Give ids to the tokens in order of appearance, from categoricals in one go."""
        if any(kind != FeatureType.TOKEN for *_, kind in remap_list) or not remap_list:
            super()._remap(remap_list)
            self._take_remembered_ids(remap_list)
            return
        columns = [feat[field].astype("category") for feat, field, _ in remap_list]
        ids, tokens = pd.factorize(union_categoricals(columns))
        id_token = np.array(["[PAD]", *tokens])
        token_id = dict(zip(id_token.tolist(), range(len(id_token)), strict=True))
        ends = np.cumsum([len(column) for column in columns])
        for (feat, field, _), own in zip(remap_list, np.split(ids + 1, ends[:-1]), strict=True):
            if field not in self.field2id_token:
                self.field2id_token[field] = id_token
                self.field2token_id[field] = token_id
            feat[field] = own
        self._take_remembered_ids(remap_list)

    def _grouped_index(self, group_by_list: np.ndarray) -> Any:
        """Where each key stands; a list a group, made when it is asked for."""
        return grouped(np.asarray(group_by_list))

    # After the build, rows go where RecBole's own splits and orders take the interactions.

    def shuffle(self) -> None:
        """RecBole's, the rows with it."""
        self._with_rows(super().shuffle)

    def sort(self, *args: Any, **kwargs: Any) -> None:
        """RecBole's, the rows with it."""
        self._with_rows(super().sort, *args, **kwargs)

    def split_by_ratio(self, *args: Any, **kwargs: Any) -> list[Any]:
        """RecBole's, each part with its rows."""
        return self._with_rows(super().split_by_ratio, *args, **kwargs)

    def leave_one_out(self, *args: Any, **kwargs: Any) -> list[Any]:
        """RecBole's, each part with its rows."""
        return self._with_rows(super().leave_one_out, *args, **kwargs)

    def _with_rows(self, method: Any, *args: Any, **kwargs: Any) -> Any:
        if "showcase_rows" not in vars(self):  # not built yet: the rows are among the columns
            return method(*args, **kwargs)
        rows = torch.from_numpy(self.showcase_rows)
        self.inter_feat.update(Interaction({ROW_FIELD: rows}))
        parts = method(*args, **kwargs)
        for part in {id(part): part for part in [self, *(parts or [])]}.values():
            part.showcase_rows = part.inter_feat[ROW_FIELD].numpy()
            part.inter_feat.drop(column=ROW_FIELD)
        return parts

    def _take_remembered_ids(self, remap_list: list[tuple[Any, str, Any]]) -> None:
        """Number tokens as the checkpoint does that the data set is built for, if there is one."""
        for feat, name, kind in remap_list:
            wanted = remembered().tokens.get(name)
            if wanted is None or len(wanted) < 2:
                continue
            others = remembered().marks is not None and name not in (self.uid_field, self.iid_field)
            known = self.field2id_token[remap_list[0][1]]
            ids = renumbered(known, wanted, name, others=others)
            if kind == FeatureType.TOKEN:
                feat[name] = ids[feat[name].to_numpy()]
            else:
                feat[name] = [ids[own] for own in feat[name]]
        for _, name, _ in remap_list:
            wanted = remembered().tokens.get(name)
            if wanted is not None and len(wanted) > 1:
                self.field2id_token[name] = np.array(wanted)
                self.field2token_id[name] = {token: n for n, token in enumerate(wanted)}

    def build(self) -> list[Any]:
        """Split as RecBole does, then join reviews and photos to what each split may see."""
        frame = self.inter_feat
        rows, users, items = (
            frame[field].to_numpy() for field in (ROW_FIELD, self.uid_field, self.iid_field)
        )
        with stage(self.config, "splits"):
            splits = super().build()
        if (known := remembered().marks) is not None:
            splits = restored_splits(splits, np.append(DROPPED, known.splits), ROW_FIELD)
        split_rows = [split.inter_feat[ROW_FIELD].numpy() for split in splits]
        self._hide_rows(splits)
        self.reviews, self.photos = self._joined(self._interactions(rows, users, items, split_rows))
        for split, own in zip(splits, split_rows, strict=True):
            split.reviews, split.photos, split.showcase_rows = self.reviews, self.photos, own
        return splits

    def _hide_rows(self, splits: list[Any]) -> None:
        """Take the row numbers, and the lists that sequential data sets make of them, back out."""
        for field in (ROW_FIELD, ROW_FIELD + self.config["LIST_SUFFIX"]):
            if field in self.inter_feat:
                self._del_col(self.inter_feat, field)
                for split in splits:
                    split.inter_feat.drop(column=field)

    def _joined(self, interactions: Interactions) -> tuple[ReviewCorpus, PhotoTable]:
        """Reviews and photos of the data set's files, by row."""
        settings = showcase_settings(self.config)
        folder, name = Path(self.config["data_path"]), self.dataset_name
        users, items = (
            np.asarray(self.field2id_token[f], object) for f in (self.uid_field, self.iid_field)
        )
        with stage(self.config, "reviews"):
            store = FeatureStore.open(folder, settings.encoder, "review")
            path, known = folder / f"{name}.review", remembered().marks
            n_ids = len(users), len(items)
            before = None if known is None else Before(known, *n_ids, alone=True)
            target = settings.target
            corpus = ReviewCorpus(path, interactions, store, target, users, items, before)
        with stage(self.config, "photos"):
            store = FeatureStore.open(folder, settings.encoder, "image")
            return corpus, PhotoTable(folder / f"{name}.image", corpus, store)

    def marks(self) -> DataMarks | None:
        """By which what it was built from is known again; None if it was saved without saying."""
        if self.row_marks is None:
            return None
        splits = self.reviews.interactions.splits[1 : 1 + len(self.row_marks)].astype(np.int8)
        sizes = DataFiles.of(self.config).sizes()
        return DataMarks(self.row_marks, splits, self.reviews.marks, self.photos.marks, sizes)

    def _interactions(
        self, rows: np.ndarray, users: np.ndarray, items: np.ndarray, split_rows: list[np.ndarray]
    ) -> Interactions:
        """What is known of each row of the file, kept or not.

        A row is training unless valid or test points at it: sequential data sets have no training
        sample for a user's first interaction, yet it is past for all others.
        """
        reviews = as_texts([""], *(part[REVIEW_FIELD] for part in self._aside))
        n_rows = len(reviews)
        times = self._column(self.config["TIME_FIELD"], n_rows)
        ratings = self._column(self.config["RATING_FIELD"], n_rows)
        ids = np.zeros((2, n_rows), dtype=np.int64)
        ids[0, rows], ids[1, rows] = users, items
        splits = np.full(n_rows, DROPPED, dtype=np.int8)
        splits[rows] = 0
        for number, own in enumerate(split_rows[1:], start=1):
            splits[own] = number
        return Interactions(ids[0], ids[1], splits, times, ratings, reviews)

    def _column(self, name: str, n_rows: int) -> np.ndarray:
        """A number of each row, NaN in row 0 and where the file has no such column."""
        unknown = np.full(n_rows, np.nan)
        if any(name not in part for part in self._aside):
            return unknown
        unknown[1:] = np.concatenate([part[name] for part in self._aside])
        return unknown
